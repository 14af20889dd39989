import Foundation

/// A data directory that is being filled, by nobody else meanwhile, and of which just that can be taken back.
///
/// The folder is locked (flock) as long as this value lives, also where the process ends without a word: of
/// two that begin at once in one folder exactly one goes on.
package final class UnfinishedHome: Sendable {
    package let home: Home
    /// There was no such folder before.
    private let isNew: Bool
    /// Holds the lock.
    private let descriptor: Int32

    /// Makes the folder where there is none.
    /// - Throws: `home.exists` where something is there already, `home.busy` where another fills it,
    ///   `home.io`.
    package init(_ home: Home) throws(NodeError) {
        self.home = home
        (isNew, descriptor) = try UnfinishedHome.take(home.folder)
        let names = try? FileManager.default.contentsOfDirectory(atPath: home.folder.path)
        guard names?.isEmpty == true else { throw UnfinishedHome.exists(home.folder) }
    }

    deinit { close(descriptor) }

    private static func take(_ folder: URL) throws(NodeError) -> (isNew: Bool, descriptor: Int32) {
        let parent = folder.deletingLastPathComponent()
        if !FileManager.default.fileExists(atPath: parent.path) {
            do {
                try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            } catch { throw NodeError("home.io", "\(folder.path) could not be made", cause: error) }
        }
        let isNew = mkdir(folder.path, 0o700) == 0
        guard isNew || errno == EEXIST else { throw failed(folder, "could not be made") }
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOTDIR else { throw failed(folder, "could not be opened") }
            throw NodeError("home.exists", "\(folder.path) is no directory: choose another")
        }
        do throws(NodeError) { try lock(descriptor, folder) } catch {
            close(descriptor)
            throw error
        }
        return (isNew, descriptor)
    }

    private static func lock(_ descriptor: Int32, _ folder: URL) throws(NodeError) {
        let busy = NodeError(
            "home.busy", "another program is filling \(folder.path): choose another directory")
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? busy : failed(folder, "could not be locked")
        }
        // Whoever had it may have taken the whole folder back before it let go.
        var (held, found) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, stat(folder.path, &found) == 0,
            held.st_ino == found.st_ino, held.st_dev == found.st_dev
        else { throw busy }
    }

    private static func exists(_ folder: URL) -> NodeError {
        NodeError("home.exists", "\(folder.path) is not empty: choose another directory")
    }

    private static func failed(_ folder: URL, _ what: String) -> NodeError {
        // Before anything else asks the system for something.
        let cause = POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        return NodeError("home.io", "\(folder.path) \(what)", cause: cause)
    }

    /// Removes what founding a ledger and working on it made; what somebody else put there meanwhile stays,
    /// and so does a folder that was there before or is not empty then.
    /// - Parameter names: of what else was made in the folder.
    package func remove(_ names: [String] = []) throws { try remove(only: home.namesOfALedger + names) }

    /// The same for a folder in which only this was made.
    package func remove(only names: [String]) throws {
        let files = FileManager.default
        for name in names {
            let item = home.folder.appendingPathComponent(name)
            if files.fileExists(atPath: item.path) { try files.removeItem(at: item) }
        }
        guard isNew, rmdir(home.folder.path) != 0 else { return }
        // It is gone, or is not only ours.
        guard [ENOENT, ENOTDIR, ENOTEMPTY, EEXIST].contains(errno) else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
    }
}

extension Home {
    /// What founding a ledger and working on it leave in the folder, whether they end well or not.
    fileprivate var namesOfALedger: [String] {
        let whole = [
            genesisFile, ledgerFolder, votingKeyFile, votingStoreFile, outboxFile, clockFile, vaultFolder,
            tlsFolder, folder.appendingPathComponent("members"),
        ].map(\.lastPathComponent)
        return whole + [votingStoreFile, outboxFile].map { $0.lastPathComponent + ".new" }
    }
}

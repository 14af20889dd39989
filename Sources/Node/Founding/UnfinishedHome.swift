import Foundation

/// A data directory that is being filled, and of which just that can be taken back.
package struct UnfinishedHome: Sendable {
    private let home: Home
    /// There was no such folder before.
    private let isNew: Bool

    /// - Throws: `home.exists` where something is there already.
    package init(_ home: Home) throws(NodeError) {
        self.home = home
        isNew = !FileManager.default.fileExists(atPath: home.folder.path)
        let names = isNew ? [] : try? FileManager.default.contentsOfDirectory(atPath: home.folder.path)
        guard names?.isEmpty == true else {
            throw NodeError("home.exists", "\(home.folder.path) is not empty: choose another directory")
        }
    }

    /// Removes what founding a ledger and working on it made; what somebody else put there meanwhile stays,
    /// and so does a folder that was there before or is not empty then.
    /// - Parameter names: of what else was made in the folder.
    package func remove(_ names: [String] = []) throws {
        let files = FileManager.default
        for name in home.namesOfALedger + names {
            let item = home.folder.appendingPathComponent(name)
            if files.fileExists(atPath: item.path) { try files.removeItem(at: item) }
        }
        guard isNew, rmdir(home.folder.path) != 0 else { return }
        // It was never made, or is not only ours.
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

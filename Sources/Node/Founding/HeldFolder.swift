import Foundation

/// A folder that is being filled, by nobody else meanwhile.
///
/// It is locked (flock) as long as this value lives, also where the process ends without a word: of two that
/// begin at once in one folder exactly one goes on.
package final class HeldFolder: Sendable {
    /// The folders that were not there before: it itself, and before it those that it is in, the outermost
    /// first.
    private let made: [String]
    /// Holds the lock.
    private let descriptor: Int32

    /// Makes the folder, and those that it is in, where there are none.
    /// - Throws: `home.exists` where it is no folder, `home.busy` where another fills it, `home.io`.
    package init(_ folder: URL) throws(NodeError) {
        made = try HeldFolder.make(folder)
        descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOTDIR else { throw HeldFolder.failed(folder, "could not be opened") }
            throw NodeError("home.exists", "\(folder.path) is no directory: choose another")
        }
        // Where this fails, what was made has become another's.
        try HeldFolder.lock(descriptor, folder)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Returns: those that were made.
    private static func make(_ folder: URL) throws(NodeError) -> [String] {
        var missing = [folder.path]
        var parent = folder.deletingLastPathComponent()
        while !FileManager.default.fileExists(atPath: parent.path) {
            missing.append(parent.path)
            let next = parent.deletingLastPathComponent()
            // A path has no parent that ends in `..`.
            guard next.path.utf8.count < parent.path.utf8.count else { break }
            parent = next
        }
        var made: [String] = []
        for path in missing.reversed() {
            if mkdir(path, path == folder.path ? 0o700 : 0o777) == 0 {
                made.append(path)
            } else if errno != EEXIST {
                let failure = failed(folder, "could not be made")
                // The failure is what counts: an empty folder that stays harms nobody.
                try? remove(made)
                throw failure
            }
        }
        return made
    }

    private static func lock(_ descriptor: Int32, _ folder: URL) throws(NodeError) {
        let busy = NodeError(
            "home.busy",
            "another program is filling \(folder.path): wait for its end, or choose another directory")
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? busy : failed(folder, "could not be locked")
        }
        // Whoever had it may have taken the whole folder back before it let go.
        var (held, found) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, stat(folder.path, &found) == 0,
            held.st_ino == found.st_ino, held.st_dev == found.st_dev
        else { throw busy }
    }

    private static func failed(_ folder: URL, _ what: String) -> NodeError {
        // Before anything else asks the system for something.
        let cause = POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        return NodeError("home.io", "\(folder.path) \(what)", cause: cause)
    }

    /// Removes the folders that were made here, from the innermost on, as far as nothing is in them.
    package func removeMade() throws { try HeldFolder.remove(made) }

    private static func remove(_ made: [String]) throws {
        for path in made.reversed() where rmdir(path) != 0 {
            // It is gone, or is not only ours.
            guard [ENOENT, ENOTDIR, ENOTEMPTY, EEXIST].contains(errno) else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
        }
    }
}

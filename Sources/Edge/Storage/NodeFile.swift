import Codec
import Synchronization

/// The digests of the log tree's nodes in post-order, 32 bytes each, at 32 times their position.
///
/// Derived from the log: written without a synchronisation, synchronised before a checkpoint that counts
/// on it, cut back to the checkpoint's count when the store opens, and filled again from the log. A wrong
/// digest makes a proof that does not verify.
package final class NodeFile: Sendable {
    let file: OpenFile
    let files: any FileSystem
    private let digestCount: Mutex<Int>

    package init(
        opening path: String, files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        self.files = files
        file = try files.open(path, .write)
        digestCount = Mutex(try files.size(of: file) / Digest.count)
    }

    /// Digests in the file.
    package var count: Int { digestCount.withLock { $0 } }

    /// Appends digests at the end. One thread appends and truncates.
    /// - Throws: Those of the disk; the count stays, and the same append may be tried again.
    package func append(_ digests: [Digest]) throws(StorageError) {
        let start = count
        let bytes = [UInt8](unsafeUninitializedCapacity: digests.count * Digest.count) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (index, digest) in digests.enumerated() {
                digest.write(to: UnsafeMutableRawBufferPointer(rebasing: raw[(index * Digest.count)...]))
            }
            filled = digests.count * Digest.count
        }
        try files.write(bytes, to: file, at: start * Digest.count)
        digestCount.withLock { $0 = start + digests.count }
    }

    /// The digest at a position; nil at or beyond the end.
    package func digest(at position: Int) throws(StorageError) -> Digest? {
        guard position >= 0, position < count else { return nil }
        return Digest(try files.bytes(of: file, at: position * Digest.count, count: Digest.count))
    }

    /// Drops the digests from a position on: their blocks were undone. Nothing happens where there are
    /// fewer.
    package func truncate(to newCount: Int) throws(StorageError) {
        precondition(newCount >= 0)
        guard newCount < count else { return }
        digestCount.withLock { $0 = newCount }
        try files.truncate(file, to: newCount * Digest.count)
    }

    package func synchronize() throws(StorageError) { try files.synchronize(file) }
}

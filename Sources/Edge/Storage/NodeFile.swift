import Codec
import Merkle
import Synchronization

/// The digests of the log tree's nodes in post-order, 32 bytes each, at 32 times their position.
///
/// Derived from the log: written without a synchronisation, synchronised before a checkpoint that counts
/// on it, cut back to the checkpoint's count when the store opens, and filled again from the log. A wrong
/// digest makes a proof that does not verify.
///
/// A store that began with a snapshot has a hole below it: only the log's peaks at the snapshot are there,
/// and the rest reads as zeros, which no digest is. Proofs that need an absent digest wait until the leaves
/// below have been fetched (`LedgerStore.fill`) and `fill` has written it.
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

    /// The digest at a position; nil at or beyond the end, and where it is not known.
    package func digest(at position: Int) throws(StorageError) -> Digest? {
        guard position >= 0, position < count else { return nil }
        let digest = Digest(try files.bytes(of: file, at: position * Digest.count, count: Digest.count))
        return digest == .zero ? nil : digest
    }

    /// Up to so many digests from a position on, zeros for those that are not known.
    func digests(from position: Int, limit: Int) throws(StorageError) -> [Digest] {
        let wanted = max(0, min(limit, count - position))
        let bytes = try files.bytes(of: file, at: position * Digest.count, count: wanted * Digest.count)
        return stride(from: 0, to: bytes.count - bytes.count % Digest.count, by: Digest.count).map {
            Digest(Array(bytes[$0..<$0 + Digest.count])) ?? .zero
        }
    }

    /// The log's peaks at a size; nil where they are not in the file.
    package func frontier(size: UInt64) throws(StorageError) -> LogFrontier? {
        var peaks: [Digest] = []
        for position in NodeFile.peaks(size) {
            guard let peak = try digest(at: position) else { return nil }
            peaks.append(peak)
        }
        return LogFrontier(size: size, peaks: peaks)
    }

    /// Where the peaks of a log of a size lie, largest first.
    private static func peaks(_ size: UInt64) -> [Int] {
        var positions: [Int] = []
        var before: UInt64 = 0
        for level in (0..<62).reversed() where size >> UInt64(level) & 1 == 1 {
            positions.append(Int(LogTree.nodePosition(level: level, index: before >> UInt64(level))))
            before += 1 << UInt64(level)
        }
        return positions
    }

    /// Begins the file anew with nothing but a log's peaks, and synchronises it.
    package func begin(at frontier: LogFrontier) throws(StorageError) {
        try truncate(to: 0)
        for (position, peak) in zip(NodeFile.peaks(frontier.size), frontier.peaks) {
            try files.write(peak.bytes, to: file, at: position * Digest.count)
        }
        try files.synchronize(file)
        // The smallest peak is the last digest.
        digestCount.withLock { $0 = Int(LogTree.nodeCount(size: frontier.size)) }
    }

    /// Writes digests below the end, from a position on: those of leaves that were fetched later. The caller
    /// has compared the peaks that they come to with those that are here.
    package func fill(_ digests: [Digest], at position: Int) throws(StorageError) {
        precondition(position >= 0 && position + digests.count <= count, "only what lies below the end")
        try files.write(digests.flatMap(\.bytes), to: file, at: position * Digest.count)
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

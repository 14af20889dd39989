import Codec
import Cryptography
import Foundation
import Storage

/// One epoch's order as its host keeps it: a durable log of batches by position. Several threads may append;
/// what waits goes to the disk together, with one sync. A batch that is appended again soon keeps its place.
///
/// `@unchecked Sendable`: every stored property but the log, which is safe itself, is read and written only
/// under `condition`.
final class OrderLog: @unchecked Sendable {
    private let log: BlockLog
    private let condition = NSCondition()
    private var waiting: [Entry] = []
    private var waitingBytes = 0
    private var isWriting = false
    private var count: UInt64
    private var failure: OrderingError?
    /// The last few thousand batches by digest, and those digests in order of position.
    private var recent: Set<Digest> = []
    private var recentOrder: [Digest] = []

    /// A batch on its way to the disk.
    private final class Entry {
        let batch: [UInt8]
        let digest: Digest
        var isDone = false

        init(_ batch: [UInt8]) { (self.batch, digest) = (batch, SHA256.digest(batch)) }
    }

    /// Bytes that may wait for the disk.
    private static let capacity = 64 << 20
    /// Batches that are known again.
    private static let remembered = 4096
    /// Batches that are known again after a restart.
    private static let reread: UInt64 = 256

    /// - Parameter epoch: the epoch block's hash; the log of another epoch is refused.
    init(opening folder: String, epoch: Digest, files: any FileSystem) throws(StorageError) {
        var options = BlockLog.Options()
        options.preallocationBytes = 1 << 20
        log = try BlockLog(opening: folder, chain: epoch, options: options, files: files)
        count = log.lastHeight.map { $0 + 1 } ?? 0
        for position in (count - min(count, OrderLog.reread))..<count {
            if let batch = try log.read(position) { remember(SHA256.digest(batch)) }
        }
    }

    private func remember(_ digest: Digest) {
        guard recent.insert(digest).inserted else { return }
        recentOrder.append(digest)
        guard recentOrder.count >= 2 * OrderLog.remembered else { return }
        for old in recentOrder.prefix(OrderLog.remembered) { recent.remove(old) }
        recentOrder.removeFirst(OrderLog.remembered)
    }

    /// The number of batches: the next position.
    var end: UInt64 { condition.withLock { count } }

    /// Returns when the batch is durable at a position.
    func append(_ batch: [UInt8]) throws(OrderingError) {
        let entry = Entry(batch)
        condition.lock()
        defer { condition.unlock() }
        while waitingBytes > OrderLog.capacity, failure == nil { condition.wait() }
        if let failure { throw failure }
        if recent.contains(entry.digest) { return }
        waiting.append(entry)
        waitingBytes += batch.count
        while !entry.isDone, failure == nil {
            if isWriting { condition.wait() } else { writeWaiting() }
        }
        guard entry.isDone else { throw failure ?? .unavailable }
    }

    /// Writes all that waits. Called, and returns, with the lock held.
    private func writeWaiting() {
        isWriting = true
        let taken = waiting
        waiting = []
        waitingBytes = 0
        let records = zip(count..., taken).map { LogRecord(height: $0, payload: $1.batch) }
        condition.unlock()
        var failed = false
        do { try log.append(records) } catch { failed = true }
        condition.lock()
        isWriting = false
        if failed {
            // Nothing is known about the disk's pages any more: the log takes no more until it is reopened.
            failure = .unavailable
        } else {
            count += UInt64(taken.count)
            for entry in taken {
                entry.isDone = true
                remember(entry.digest)
            }
        }
        condition.broadcast()
    }

    /// The batch at a position; nil where there is none yet.
    /// - Throws: `storage.damaged` where it is not what was written.
    func read(_ position: UInt64) throws(StorageError) -> [UInt8]? {
        guard position < end else { return nil }
        return try log.read(position)
    }

    /// Waits until there is a batch at a position, or for some time; false where there is none.
    func wait(for position: UInt64, milliseconds: Int) -> Bool {
        let deadline = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
        return condition.withLock {
            while count <= position {
                if !condition.wait(until: deadline) { return count > position }
            }
            return true
        }
    }
}

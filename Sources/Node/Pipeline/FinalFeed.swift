import Codec
import Foundation
import Ledger

/// A final block as followers are told of it.
package struct FinalBlock: Sendable {
    package let header: BlockHeader
    package let hash: Digest
    package let included: [Included]
    package let events: [Event]
}

/// The last final blocks, and who waits for the next.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`. Nobody is told
/// anything under it.
final class FinalFeed: @unchecked Sendable {
    private let condition = NSCondition()
    private var recent: [FinalBlock] = []
    private var header: BlockHeader
    private var waiters: [(height: Height, resume: @Sendable (Bool) -> Void)] = []
    private var isClosed = false

    /// Blocks kept for followers.
    private static let capacity = 256

    init(_ header: BlockHeader) { self.header = header }

    /// The last final block that is durable here.
    var last: BlockHeader {
        condition.lock()
        defer { condition.unlock() }
        return header
    }

    func add(_ blocks: [ExecutedBlock]) {
        guard let last = blocks.last else { return }
        condition.lock()
        header = last.header
        for block in blocks {
            recent.append(
                FinalBlock(
                    header: block.header, hash: block.hash, included: block.included, events: block.events))
        }
        if recent.count > FinalFeed.capacity { recent.removeFirst(recent.count - FinalFeed.capacity) }
        let due = waiters.filter { $0.height <= last.header.height }
        waiters.removeAll { $0.height <= last.header.height }
        condition.broadcast()
        condition.unlock()
        for waiter in due { waiter.resume(true) }
    }

    /// Calls back once a height is final; with false where it no longer will be.
    func whenFinal(_ height: Height, _ resume: @escaping @Sendable (Bool) -> Void) {
        condition.lock()
        let answer: Bool?
        if header.height >= height {
            answer = true
        } else if isClosed {
            answer = false
        } else {
            answer = nil
            waiters.append((height, resume))
        }
        condition.unlock()
        if let answer { resume(answer) }
    }

    /// Final blocks above a height, oldest first, waiting for one up to a number of seconds. Nil where the
    /// first of them is no longer here: the log has it.
    func blocks(above height: Height, limit: Int, seconds: Double) -> [FinalBlock]? {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: min(seconds, 3600))
        while header.height <= height, !isClosed, condition.wait(until: end) {}
        guard header.height > height else { return [] }
        guard let first = recent.first, first.header.height <= height + 1 else { return nil }
        return Array(recent.drop { $0.header.height <= height }.prefix(limit))
    }

    func close() {
        condition.lock()
        isClosed = true
        let left = waiters
        waiters = []
        condition.broadcast()
        condition.unlock()
        for waiter in left { waiter.resume(false) }
    }
}

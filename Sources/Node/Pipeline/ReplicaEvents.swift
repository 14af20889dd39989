import Codec
import Foundation
import Ledger
import Ordering

/// What can happen to a replica.
enum ReplicaEvent: Sendable {
    case message(ReplicaMessage, from: MemberID?)
    /// A peer's blocks.
    case blocks([CandidateBlock])
    case tick
    case suspect(wish: String?)
    case batch(OrderedBatch)
    /// Somebody asks for the blocks that are not final.
    case serve(above: Height, @Sendable ([CandidateBlock]) -> Void)
}

/// The one queue in front of the replica: batches, of which a few wait and so hold the engine back, and all
/// else, which never waits for them. Peers' blocks come before messages: where a node was away, each of them
/// answers hundreds of signatures that wait behind it.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`.
final class ReplicaEvents: @unchecked Sendable {
    private let condition = NSCondition()
    private var blocks = FIFO<ReplicaEvent>()
    private var others = FIFO<ReplicaEvent>()
    private var batches: [OrderedBatch] = []
    private var isTickWaiting = false
    private var isClosed = false
    private var generation: UInt64 = 0
    private var wasBatch = false
    private var dropped: UInt64 = 0

    private static let batchCapacity = 2
    /// Messages that wait, at most, and blocks: what matters is sent again.
    private static let messageCapacity = 8192

    /// How many wait, and how many messages there was no room for.
    var load: (others: Int, batches: Int, dropped: UInt64) {
        condition.lock()
        defer { condition.unlock() }
        return (blocks.count + others.count, batches.count, dropped)
    }

    /// Adds a message, blocks or a suspicion, where there is room.
    func push(_ event: ReplicaEvent) {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed else { return }
        let isOfBlocks =
            switch event {
            case .blocks, .serve: true
            default: false
            }
        guard (isOfBlocks ? blocks : others).count < ReplicaEvents.messageCapacity else {
            dropped += 1
            return
        }
        if isOfBlocks { blocks.append(event) } else { others.append(event) }
        condition.broadcast()
    }

    func pushTick() {
        condition.lock()
        defer { condition.unlock() }
        isTickWaiting = true
        condition.broadcast()
    }

    /// Adds a batch of the engine that was begun last, waiting for room. False where no more are wanted.
    func push(_ batch: OrderedBatch, generation: UInt64) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while batches.count >= ReplicaEvents.batchCapacity, generation == self.generation, !isClosed {
            condition.wait()
        }
        guard !isClosed else { return false }
        if generation == self.generation {
            batches.append(batch)
            condition.broadcast()
        }
        return true
    }

    /// Lets go of batches of engines before this one.
    func begin(_ generation: UInt64) {
        condition.lock()
        defer { condition.unlock() }
        self.generation = generation
        batches = []
        condition.broadcast()
    }

    /// The next event, waiting for one; nil once closed and, as far as they are taken, without batches.
    func next(takesBatches: Bool) -> ReplicaEvent? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let hasBatch = takesBatches && !batches.isEmpty
            let hasOther = !blocks.isEmpty || !others.isEmpty || isTickWaiting
            if hasBatch, !hasOther || !wasBatch || isClosed {
                wasBatch = true
                condition.broadcast()
                return .batch(batches.removeFirst())
            }
            wasBatch = false
            if isClosed { return nil }
            if isTickWaiting {
                isTickWaiting = false
                return .tick
            }
            if let event = blocks.takeFirst() ?? others.takeFirst() { return event }
            condition.wait()
        }
    }

    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

/// Batches as the engine delivers them, until they are verified.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`.
final class Deliveries: @unchecked Sendable {
    struct Delivery: Sendable {
        let generation: UInt64
        let bytes: OrderedBytes
    }

    private let condition = NSCondition()
    private var waiting: [Delivery] = []
    private var generation: UInt64 = 0
    private var isClosed = false
    private static let capacity = 2

    /// Adds a batch, waiting for room while its engine is the one that was begun last.
    func push(_ bytes: OrderedBytes, generation: UInt64) {
        condition.lock()
        defer { condition.unlock() }
        while waiting.count >= Deliveries.capacity, generation == self.generation, !isClosed {
            condition.wait()
        }
        guard generation == self.generation, !isClosed else { return }
        waiting.append(Delivery(generation: generation, bytes: bytes))
        condition.broadcast()
    }

    /// Lets go of batches of engines before this one, and of whoever waits with one.
    func begin(_ generation: UInt64) {
        condition.lock()
        defer { condition.unlock() }
        self.generation = generation
        waiting = []
        condition.broadcast()
    }

    /// The next batch; nil once closed and drained.
    func take() -> Delivery? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty && !isClosed { condition.wait() }
        guard !waiting.isEmpty else { return nil }
        condition.broadcast()
        return waiting.removeFirst()
    }

    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

/// The latest of what is asked for: a newer request takes the place of one that nobody has begun.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`.
final class Mailbox<Request: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var request: Request?
    private var isClosed = false

    func put(_ request: Request) {
        condition.lock()
        defer { condition.unlock() }
        self.request = request
        condition.broadcast()
    }

    /// The request, waiting for one, where it is said up to a number of seconds. Nil where none came, or the
    /// box is closed.
    func take(seconds: Double? = nil) -> Request? {
        condition.lock()
        defer { condition.unlock() }
        let end = seconds.map { Date(timeIntervalSinceNow: $0) }
        while request == nil, !isClosed, condition.wait(unlessAfter: end) {}
        return isClosed ? nil : request.take()
    }

    /// Whether a newer request waits, or none will come.
    var isInterrupted: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosed || request != nil
    }

    var hasClosed: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosed
    }

    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

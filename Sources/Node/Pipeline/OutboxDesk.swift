import Codec
import Foundation
import Ledger
import Ordering

/// The outbox between the threads that fill, empty and answer it, and where its batches go.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`. Nobody is told
/// anything under it.
final class OutboxDesk: @unchecked Sendable {
    /// Where batches go.
    enum Route: Sendable {
        /// To the engine of the epoch that this block begins, signed by a validator's key.
        case engine(any OrderingEngine, epochBlock: Digest, signer: MessageSigner)
        /// To validators: this node is none.
        case validators
    }

    private let condition = NSCondition()
    private var outbox = Outbox()
    /// Transactions that were taken to be checked and are not in the outbox yet.
    private var checking = 0
    private var engine: (engine: any OrderingEngine, epochBlock: Digest)?
    /// The epoch block for which batches are ordered now.
    private var ordering: Digest?
    private var signer: MessageSigner?
    private let canHandOver: Bool
    private var isClosing = false
    private var isEnding = false
    private var end: Date?
    private var failure: NodeError?

    /// Batches on their way, at most.
    private static let window = 64
    /// Transactions that wait to be sent, at most: more wait with their callers.
    private static let capacity = 65_536
    /// Transactions that are checked at once, at most: where the outbox cannot take them, nor can this.
    private static let checkCapacity = 4 * CommitPipeline.batchCount
    /// Transactions that are ready to be sent, beside so many batches on their way, beyond which cores are
    /// left to the order, and for how long.
    private static let lead = CommitPipeline.batchCount
    private static let leadBatches = 4
    private static let leadSeconds = 0.2

    init(canHandOver: Bool) { self.canHandOver = canHandOver }

    /// Runs something on the outbox, and tells what comes of it.
    @discardableResult
    func with<T>(_ body: (inout Outbox) -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        defer { condition.broadcast() }
        return body(&outbox)
    }

    /// Looks at the outbox: nobody who waits need look again.
    func look<T>(_ body: (Outbox) -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body(outbox)
    }

    /// The own batch on its way with these bytes; nil where it is another's. Compared once the lock is let
    /// go; the embedded engine delivers the same memory, which is quickly told.
    func own(_ bytes: [UInt8]) -> Outbox.OwnBatch? { look(\.ownBatches).first { $0.bytes == bytes } }

    func tell(_ body: (inout Outbox) -> [Answer]) { for answer in with(body) { answer.tell() } }

    var count: Int { look { $0.count } }

    /// Wants a batch whose finality the waiter is told; false where the node ends.
    func addTick(_ waiter: Waiter) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard failure == nil, !isClosing else { return false }
        outbox.addTick(waiter)
        condition.broadcast()
        return true
    }

    /// Adds what has been checked, and tells what comes of it.
    func add(_ body: (inout Outbox) -> [Answer]) -> [Answer] {
        condition.lock()
        defer { condition.unlock() }
        defer { condition.broadcast() }
        let answers = body(&outbox)
        guard let failure else { return answers }
        return answers + outbox.fail(failure)
    }

    /// Waits for a moment while much is ready to be sent: whoever checks far ahead of the order takes the
    /// processors from those who carry it out. The more is ready, up to twice the lead, the more of the
    /// checking threads wait, one after the other, so that no core stands still.
    /// - Parameters:
    ///   - thread: the last of them waits first.
    ///   - width: how many there are.
    /// - Returns: false where the moment has passed.
    func waitForLead(thread: Int, of width: Int) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: OutboxDesk.leadSeconds)
        let lead = OutboxDesk.lead + OutboxDesk.lead * (width - 1 - thread) / max(1, width - 1)
        while outbox.queued >= lead,
            outbox.batchesOnTheirWay >= OutboxDesk.leadBatches || route == nil, failure == nil, !isClosing
        {
            if !condition.wait(until: end) { return false }
        }
        return true
    }

    /// Waits until there is room for more.
    func waitForRoom() {
        condition.lock()
        defer { condition.unlock() }
        while outbox.count >= OutboxDesk.capacity || checking >= OutboxDesk.checkCapacity, failure == nil,
            !isClosing
        { condition.wait() }
    }

    /// So many more are being checked; fewer where they are in the outbox by now, or refused.
    func noteChecking(_ change: Int) {
        condition.lock()
        defer { condition.unlock() }
        checking += change
        condition.broadcast()
    }

    // MARK: The route

    func set(engine: (engine: any OrderingEngine, epochBlock: Digest)?) {
        condition.lock()
        defer { condition.unlock() }
        self.engine = engine
        condition.broadcast()
    }

    /// - Parameters:
    ///   - ordering: the epoch block for which batches are ordered; nil while the epoch is being changed.
    ///   - signer: the key in force; nil where this node is no validator.
    func set(ordering: Digest?, signer: MessageSigner?) {
        condition.lock()
        defer { condition.unlock() }
        (self.ordering, self.signer) = (ordering, signer)
        condition.broadcast()
    }

    private var route: Route? {
        guard let signer else { return canHandOver ? .validators : nil }
        guard let engine, let ordering, engine.epochBlock == ordering else { return nil }
        return .engine(engine.engine, epochBlock: ordering, signer: signer)
    }

    /// Whether batches can be sent now.
    var hasRoute: Bool {
        condition.lock()
        defer { condition.unlock() }
        return route != nil
    }

    /// What to send next and where, waiting for it. Nil at the end.
    func next(count: Int, bytes: Int) -> (draft: Outbox.Draft, route: Route)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if failure != nil { return nil }
            if isEnding, outbox.isEmpty || end.map({ $0 <= Date() }) ?? false { return nil }
            if outbox.batchesOnTheirWay < OutboxDesk.window, outbox.hasWork, let route,
                let draft = outbox.draft(count: count, bytes: bytes)
            {
                condition.broadcast()
                return (draft, route)
            }
            _ = condition.wait(unlessAfter: end)
        }
    }

    // MARK: The end

    /// The callers are gone: whoever waits for room need not any more.
    func beginClosing() {
        condition.lock()
        defer { condition.unlock() }
        isClosing = true
        condition.broadcast()
    }

    /// Lets `next` end once all is final, or at a time.
    func finish(by end: Date?) {
        condition.lock()
        defer { condition.unlock() }
        (isEnding, self.end) = (true, end)
        condition.broadcast()
    }

    /// Tells everyone that the node has stopped.
    func fail(_ error: NodeError) {
        condition.lock()
        failure = failure ?? error
        let answers = outbox.fail(error)
        condition.broadcast()
        condition.unlock()
        for answer in answers { answer.tell() }
    }
}

import Codec
import Foundation
import Ledger
import Ordering
import Synchronization

/// The way of transactions from submission to finality, in stages that overlap, each on its own thread:
///
/// check (all cores) → batch → engine → verify (all cores) → replica → store, sync, tell and send.
///
/// The replica takes batches, messages of peers, their blocks and the time from one queue, and a batch only
/// where it has room, which holds the engine back. What it wants done goes in order to the effects' thread,
/// which writes and synchronises what many events have stored, and only then tells and sends.
package final class CommitPipeline: Sendable {
    let genesis: Genesis
    let rules: Rules
    let store: NodeStore
    let network: (any PeerNetwork)?
    let voters: [MessageSigner]
    let clock: @Sendable () -> Timestamp
    let options: LedgerNode.Options
    let verifier: BatchVerifier
    let file: OutboxFile
    let onEvidence: @Sendable (Replica.Evidence) -> Void
    /// Whether this node's keys alone are a quorum and order in this process: nothing is sent twice then.
    let isAlone: Bool
    /// Whether only what is final is looked at: no engine is followed, and no time passes.
    let isReading: Bool

    let submitted = SubmissionQueue(ownCapacity: 16_384, memberCapacity: 2_048)
    let checks = CheckDesk()
    let deliveries = Deliveries()
    let events = ReplicaEvents()
    let outgoing = BoundedQueue<[Outgoing]>(capacity: 64)
    let fetches = Mailbox<Fetch>()
    let ticker = Mailbox<Void>()
    let feed: FinalFeed
    let desk: OutboxDesk
    let engines: EngineManager
    let counters = Mutex(NodeCounters())
    let shared: Mutex<Shared>
    private let threads = ThreadGroup()
    /// The check stage's and everything else's end, which come in this order.
    private let checking = ThreadGroup()
    private let batching = ThreadGroup()

    /// The most transactions in a batch, and the most bytes of them.
    static let batchCount = 1024
    static let batchBytes = 1 << 20

    struct Fetch: Sendable {
        let above: Height
        let member: MemberID?
    }

    /// What other threads may know of the replica.
    struct Shared: Sendable {
        var view: ReplicaView
        var failure: NodeError?
        var wantsEpochTick = false
        /// How often peers have said that they do not keep what this node lacks, since one served blocks.
        var prunedAnswers = 0
        /// How many batches without transactions came after the first that was made at a clock's time.
        var emptyBatches: (clock: Timestamp, count: Int64) = (Timestamp(nanoseconds: 0), 0)
    }

    /// What a pipeline begins with.
    struct Start: Sendable {
        let replica: Replica
        /// What beginning came to, beside the founding block.
        let effects: [Replica.Effect]
        let voters: [MessageSigner]
        /// What the outbox file holds.
        let remembered: [[UInt8]]
        /// Nothing is ordered, sent or signed.
        let isReading: Bool
    }

    /// Starts the stages on a replica's head.
    init(
        _ start: consuming Start, genesis: Genesis, engines factory: @escaping EngineFactory,
        store: NodeStore,
        network: (any PeerNetwork)?, outbox: OutboxFile, options: LedgerNode.Options,
        clock: @escaping @Sendable () -> Timestamp,
        onEvidence: @escaping @Sendable (Replica.Evidence) -> Void
    ) {
        let replica = start.replica
        (self.genesis, rules) = (genesis, replica.executor.rules)
        (self.store, self.network, self.clock, self.options) = (store, network, clock, options)
        (voters, self.onEvidence, file) = (start.voters, onEvidence, outbox)
        verifier = BatchVerifier(
            rules: rules, width: ProcessInfo.processInfo.activeProcessorCount,
            toldAbove: store.store.overlay.height
        ) { try store.key($0) }
        isAlone = CommitPipeline.isAlone(replica.inForce, start.voters, rules) && network == nil
        isReading = start.isReading
        feed = FinalFeed(replica.finalHeader)
        desk = OutboxDesk(canHandOver: network != nil)
        engines = EngineManager(factory: factory, desk: desk, deliveries: deliveries) { [events] in
            events.push(.suspect(wish: nil))
        }
        shared = Mutex(Shared(view: ReplicaView(replica)))
        checkAgain(start.remembered)
        let box = Mutex(start)
        for thread in 0..<verifier.width { checking.start("check") { [self] in checkStage(thread) } }
        batching.start("batch") { [self] in batchStage() }
        threads.start("verify") { [self] in verifyStage() }
        threads.start("replica") { [self] in box.withLock { replicaStage($0) } }
        threads.start("effects") { [self] in effectsStage() }
        guard !isReading else { return }
        threads.start("engine") { [self] in engines.run() }
        threads.start("ticker") { [self] in tickerStage() }
        if network != nil { threads.start("fetch") { [self] in fetchStage() } }
    }

    /// Whether these keys alone certify what is ordered.
    static func isAlone(_ context: EpochContext, _ voters: [MessageSigner], _ rules: Rules) -> Bool {
        let keys = voters.map { KeyID(publicKey: $0.publicKey, hash: rules.hash) }
        return context.quorum(of: .epoch).isReached(by: keys)
    }

    // MARK: From outside

    /// Takes a transaction in; the waiter is told once, when it has come as far as it waits for or is known
    /// to be refused.
    func submit(_ submission: Submission) {
        // Longer ones are no transactions, and must not make a batch that is none either.
        guard submission.bytes.count <= UnverifiedTransaction.maximumSize else {
            submission.waiter?.tell(.refused(.malformed))
            return
        }
        if !submitted.push(submission) { submission.waiter?.tell(.failed(stopped)) }
    }

    /// Orders a batch, which brings this node's clock to the ledger and so its deadlines.
    func tick() async throws(NodeError) {
        let news: SubmissionNews = await withCheckedContinuation { continuation in
            let waiter = Waiter(level: .final) { continuation.resume(returning: $0) }
            if !desk.addTick(waiter) { waiter.tell(.failed(stopped)) }
        }
        if case .failed(let error) = news { throw error }
    }

    private var stopped: NodeError { failure ?? NodeError("node.stopped", "this node is shutting down") }

    /// Why the pipeline halted; nil while it runs.
    package var failure: NodeError? { shared.withLock { $0.failure } }

    /// Finishes what has been submitted, as far as others let it, and stops all stages.
    package func close() {
        submitted.close()
        desk.beginClosing()
        checking.join()
        desk.finish(by: isAlone ? nil : Date(timeIntervalSinceNow: options.closeSeconds))
        batching.join()
        remember()
        ticker.close()
        desk.fail(NodeError("node.stopped", "this node is shutting down"))
        stopStages()
        threads.join()
        feed.close()
    }

    /// Ends every stage as soon as it has done what is there.
    private func stopStages() {
        engines.close()
        deliveries.close()
        fetches.close()
    }

    /// Leaves the outbox file with what is not final.
    private func remember() {
        let durable = desk.look { $0.durable }
        do { try file.compact(durable, isClosing: true) } catch {
            shared.withLock {
                $0.failure =
                    $0.failure
                    ?? NodeError("node.storage", "the outbox could not be written", cause: error)
            }
        }
    }

    /// Stops rather than go on wrongly. What is final stays readable.
    func halt(_ error: NodeError) {
        shared.withLock { $0.failure = $0.failure ?? error }
        submitted.close()
        desk.fail(error)
        ticker.close()
        stopStages()
        events.close()
        outgoing.close()
        feed.close()
        for submission in submitted.take(limit: .max) { submission.waiter?.tell(.failed(error)) }
    }
}

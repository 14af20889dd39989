import Codec
import Foundation
import Ledger
import Ordering
import Synchronization

/// Where the pipeline keeps blocks and rows: the edge's storage, as much of it as the pipeline needs.
package protocol PipelineStore: Sendable {
    /// The rows after every block that `apply` was given. Only the execution thread uses it.
    var working: any StateReader { get }
    /// Takes a block's rows in, so that the next block sees them. Called on the execution thread.
    func apply(_ block: ExecutedBlock) throws
    /// Makes block records durable, all with one sync. Called on the commit thread, in order.
    func append(_ records: [BlockRecord]) throws
    /// Nothing more will be appended: who waits for a block that is not durable waits in vain.
    func endOfRecords()
    /// A key's public half from the final state. Called on any thread.
    func publicKey(_ key: KeyID) throws -> [UInt8]?
}

/// The way of transactions from submission to finality, in stages that overlap:
/// batch → order → verify (all cores) → execute (one thread) → store, sync, tell (one thread).
package final class CommitPipeline: Sendable {
    private let rules: Rules
    private let engine: any OrderingEngine
    private let store: any PipelineStore
    private let voter: MessageSigner
    private let clock: @Sendable () -> Timestamp
    private let verifier: BatchVerifier
    private let epochBlock: Digest

    private let submitted = BoundedQueue<Submission>(capacity: 16_384)
    private let delivered = BoundedQueue<OrderedBytes>(capacity: 4)
    private let verified = BoundedQueue<OrderedBatch>(capacity: 4)
    private let executed = BoundedQueue<Executed>(capacity: 8)
    private let shared = Mutex(Shared())
    private let latest: Mutex<Timestamp>
    private let threads = ThreadGroup()

    /// The most transactions in a batch, and the most bytes of them.
    static let batchCount = 512
    static let batchBytes = 1 << 20

    private struct Executed: Sendable {
        let record: BlockRecord
        let block: ExecutedBlock
    }

    private struct Shared {
        /// Whom to tell about a batch, by the digest of its bytes. Where a demonstration's clock stands still
        /// two batches can be the same bytes: they are answered in the order in which they were ordered.
        var waiting: [Digest: [[Submission]]] = [:]
        var failure: NodeError?
    }

    /// Starts the stages on a replica's head.
    package init(
        replica: consuming Replica, voter: MessageSigner, engine: any OrderingEngine,
        store: any PipelineStore,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        rules = replica.executor.rules
        epochBlock = replica.inForce.block
        (self.engine, self.store, self.voter, self.clock) = (engine, store, voter, clock)
        verifier = BatchVerifier(rules: rules, width: ProcessInfo.processInfo.activeProcessorCount) {
            try store.publicKey($0)
        }
        let head = replica.executor.head
        latest = Mutex(head.time)
        engine.start(from: head.height == 0 ? 0 : head.position + 1) { [delivered] in delivered.push($0) }
        let box = Mutex(replica)
        threads.start("batch") { [self] in batchStage() }
        threads.start("verify") { [self] in verifyStage() }
        threads.start("execute") { [self] in box.withLock { executeStage(&$0) } }
        threads.start("commit") { [self] in commitStage() }
    }

    /// Takes a transaction in; `tell` is called once, when it is final or known to be refused.
    package func submit(_ bytes: [UInt8], tell: @escaping @Sendable (SubmissionResult) -> Void) {
        // Longer ones are no transactions, and must not make a batch that is none either.
        guard bytes.count <= UnverifiedTransaction.maximumSize else { return tell(.refused(.malformed)) }
        if !submitted.push(Submission(bytes: bytes, tell: tell)) {
            tell(.failed(failure ?? NodeError("node.stopped", "this node is shutting down")))
        }
    }

    /// Orders an empty batch, which brings this node's clock to the ledger and so its deadlines.
    package func tick() async throws(NodeError) {
        let result: SubmissionResult = await withCheckedContinuation { continuation in
            submit([]) { continuation.resume(returning: $0) }
        }
        if case .failed(let error) = result { throw error }
    }

    /// The last final block's time.
    package var time: Timestamp { latest.withLock { $0 } }

    /// Why the pipeline halted; nil while it runs.
    package var failure: NodeError? { shared.withLock { $0.failure } }

    /// Finishes what has been submitted and stops all stages.
    package func close() {
        submitted.close()
        threads.join()
        engine.stop()
    }

    // MARK: Stages

    private func batchStage() {
        while case let taken = submitted.take(limit: CommitPipeline.batchCount), !taken.isEmpty {
            var start = 0
            while start < taken.count {
                var end = start
                var size = 0
                while end < taken.count,
                    end == start || size + taken[end].bytes.count <= CommitPipeline.batchBytes
                {
                    size += taken[end].bytes.count
                    end += 1
                }
                order(Array(taken[start..<end]))
                start = end
            }
        }
        delivered.close()
    }

    private func order(_ submissions: [Submission]) {
        let bytes = Batch.signed(
            chain: rules.chain, epochBlock: epochBlock, clock: clock(),
            transactions: submissions.map(\.bytes).filter { !$0.isEmpty }, signer: voter, hash: rules.hash)
        let digest = rules.hash(bytes)
        let refused = shared.withLock { shared -> NodeError? in
            if let failure = shared.failure { return failure }
            shared.waiting[digest, default: []].append(submissions)
            return nil
        }
        if let refused {
            for submission in submissions { submission.tell(.failed(refused)) }
            return
        }
        do { try engine.submit(bytes) } catch {
            halt(NodeError("node.engine", "the ordering engine took no batch", cause: error))
        }
    }

    private func verifyStage() {
        defer { verified.close() }
        do {
            while let next = delivered.take(limit: 1).first {
                guard let batch = try verifier.verify(next.bytes, position: next.position) else { continue }
                if !verified.push(batch) { return }
            }
        } catch { halt(NodeError("node.storage", "the node could not read its state", cause: error)) }
    }

    private func executeStage(_ replica: inout Replica) {
        defer { executed.close() }
        do {
            while let batch = verified.take(limit: 1).first {
                var record: BlockRecord?
                for effect in try replica.ordered(batch, reader: store.working) {
                    switch effect {
                    case .store(let items):
                        if case .block(let stored)? = items.first { record = stored }
                    case .final(let block):
                        guard let record else { continue }
                        try store.apply(block)
                        if !executed.push(Executed(record: record, block: block)) { return }
                    case .skipped(_, let refusal):
                        let reason = NodeError(refusal.rawValue, "the batch is not of this ledger's epoch")
                        answer(rules.hash(batch.batch.bytes)) { _ in .failed(reason) }
                    case .publish, .undone, .engine, .fetch, .evidence, .halt: continue
                    }
                }
            }
        } catch { halt(NodeError("node.halted", "the node stopped rather than go on wrongly", cause: error)) }
    }

    private func commitStage() {
        defer { store.endOfRecords() }
        do {
            while case let taken = executed.take(limit: 16), !taken.isEmpty {
                try store.append(taken.map(\.record))
                for item in taken { tell(item.block) }
            }
        } catch { halt(NodeError("node.storage", "the block log could not be written", cause: error)) }
    }

    // MARK: Answers

    private func tell(_ block: ExecutedBlock) {
        latest.withLock { $0 = block.header.time }
        let count = block.included.count + block.skipped.count
        var results = [SubmissionResult](repeating: .refused(.malformed), count: count)
        let first = block.header.logSize - UInt64(block.included.count)
        for (offset, included) in block.included.enumerated() {
            results[included.index] = .final(
                FinalTransaction(
                    id: included.id, height: block.header.height, leaf: first + UInt64(offset),
                    time: block.header.time, outcome: included.outcome, message: included.message))
        }
        for skip in block.skipped { results[skip.index] = .refused(skip.reason) }
        answer(block.header.content) { results.indices.contains($0) ? results[$0] : .refused(.malformed) }
    }

    /// Tells everyone who waits for a batch. Ticks, which have no place in the batch, are told that it is
    /// final.
    private func answer(_ content: Digest, _ result: (Int) -> SubmissionResult) {
        let next = shared.withLock { shared -> [Submission]? in
            guard var batches = shared.waiting.removeValue(forKey: content) else { return nil }
            let first = batches.removeFirst()
            if !batches.isEmpty { shared.waiting[content] = batches }
            return first
        }
        guard let submissions = next else { return }
        var index = 0
        for submission in submissions {
            submission.tell(submission.bytes.isEmpty ? result(-1) : result(index))
            if !submission.bytes.isEmpty { index += 1 }
        }
    }

    private func halt(_ error: NodeError) {
        let waiting = shared.withLock { shared -> [Submission] in
            if shared.failure == nil { shared.failure = error }
            defer { shared.waiting = [:] }
            return shared.waiting.values.flatMap { $0.flatMap { $0 } }
        }
        submitted.close()
        delivered.close()
        verified.close()
        executed.close()
        for submission in waiting { submission.tell(.failed(error)) }
        for submission in submitted.take(limit: .max) { submission.tell(.failed(error)) }
    }
}

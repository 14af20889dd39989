import Codec
import Foundation
import Ledger
import Ordering

/// From submission to the replica: check, batch, verify.
extension CommitPipeline {
    // MARK: Check

    /// What the outbox file held when the node was opened goes in before all else.
    func checkAgain(_ remembered: [[UInt8]]) {
        for start in stride(from: 0, to: remembered.count, by: CommitPipeline.batchCount) {
            let end = min(remembered.count, start + CommitPipeline.batchCount)
            desk.noteChecking(end - start)
            checks.add(remembered[start..<end].map { Submission(bytes: $0, origin: .outbox, waiter: nil) })
        }
    }

    /// One core's part of checking.
    func checkStage(_ thread: Int) {
        // Where the order stands still it is looked again only after as many as a batch holds.
        var unasked = 0
        do {
            while true {
                if unasked > 0 {
                    unasked -= 1
                } else if !desk.waitForLead(thread: thread, of: verifier.width) {
                    unasked = CommitPipeline.batchCount / CheckDesk.partCount
                }
                guard let part = checks.next(refill: waiting) else { return }
                let candidates = try verifier.candidates(part.submissions.map(\.bytes)[...])
                try checks.finish(part, candidates, letIn: letIn)
            }
        } catch {
            let failure = NodeError("node.storage", "the node could not read its state", cause: error)
            halt(failure)
            tell(checks.abandon(), failure)
        }
    }

    private func waiting() -> [Submission] {
        let taken = submitted.take(limit: CommitPipeline.batchCount)
        if !taken.isEmpty { desk.waitForRoom() }
        desk.noteChecking(taken.count)
        return taken
    }

    private func tell(_ submissions: [Submission], _ failure: NodeError) {
        for submission in submissions { submission.waiter?.tell(.failed(failure)) }
    }

    /// Lets in what a block could hold: junk must never fill one.
    private func letIn(_ submissions: [Submission], _ candidates: [Candidate]) throws {
        let finalTime = feed.last.time
        let isValidator = shared.withLock(\.view.isValidator)
        defer { desk.noteChecking(-submissions.count) }
        var answers: [Answer] = []
        var good: [(submission: Submission, transaction: VerifiedTransaction)] = []
        good.reserveCapacity(submissions.count)
        do {
            for (submission, candidate) in zip(submissions, candidates) {
                let isOwn = submission.origin == .caller
                switch try verdict(candidate, isOwn: isOwn, learns: isOwn && isValidator, finalTime) {
                case .success(let transaction): good.append((submission, transaction))
                case .failure(let refusal):
                    guard let waiter = submission.waiter else { continue }
                    answers.append(Answer(waiters: [waiter], news: .refused(refusal.reason)))
                }
            }
        } catch {
            tell(submissions, NodeError("node.storage", "the node could not read its state", cause: error))
            throw error
        }
        answers += try remember(good)
        for answer in answers { answer.tell() }
        // A validator learns from its own batch that a transaction was on the ledger before.
        if !shared.withLock(\.view.isValidator) {
            try settleDuplicates(good.map(\.transaction.transaction.id), finalTime)
        }
    }

    /// Whoever hands over to others never hears that a transaction was on the ledger before. Looked up once
    /// they are in the outbox, so that a block that becomes final meanwhile is found here or finds them
    /// there.
    private func settleDuplicates(_ ids: [TransactionID], _ finalTime: Timestamp) throws {
        let known = try ids.filter { try store.hasSeen($0, notExpiredAt: finalTime) }
        if !known.isEmpty { desk.tell { $0.refuse(known, .duplicate) } }
    }

    private struct Refusal: Error {
        let reason: Skip.Reason
    }

    /// - Parameters:
    ///   - isOwn: whether a caller of this node brings it.
    ///   - learns: whether it is ordered in a batch of this node, which tells what became of it.
    private func verdict(
        _ candidate: Candidate, isOwn: Bool, learns: Bool, _ finalTime: Timestamp
    ) throws -> Result<VerifiedTransaction, Refusal> {
        switch candidate {
        case .invalid(let reason): return .failure(Refusal(reason: reason))
        case .unknownKey: return .failure(Refusal(reason: .unknownKey))
        case .verified(let verified):
            let payload = verified.transaction.payload
            if payload.chain != rules.chain { return .failure(Refusal(reason: .wrongChain)) }
            if payload.expires <= finalTime { return .failure(Refusal(reason: .expired)) }
            // A caller's own is known to be new, or is answered when it turns out to be there.
            if !isOwn, try store.hasSeen(verified.transaction.id, notExpiredAt: finalTime) {
                return .failure(Refusal(reason: .duplicate))
            }
            // What such a key signs costs no quota: it must not fill batches, nor be sent for a day.
            if !learns, let reason = try store.refusal(of: verified.transaction.key, at: finalTime) {
                // It may be there, and what has ended the key: that is then the answer.
                let isThere = try store.hasSeen(verified.transaction.id, notExpiredAt: finalTime)
                return .failure(Refusal(reason: isThere ? .duplicate : reason))
            }
            return .success(verified)
        }
    }

    /// Writes down what is to be accepted, and puts all of it into the outbox.
    private func remember(
        _ good: [(submission: Submission, transaction: VerifiedTransaction)]
    ) throws -> [Answer] {
        func isDurable(_ submission: Submission) -> Bool {
            submission.waiter.map { $0.level < .final } ?? false
        }
        let durable = good.filter { isDurable($0.submission) }.map(\.submission.bytes)
        var failure: NodeError?
        if !durable.isEmpty {
            do { try file.append(durable) } catch {
                failure = NodeError("node.storage", "the outbox could not be written", cause: error)
            }
        }
        let now = MonotonicClock.now
        return desk.add { outbox in
            var answers: [Answer] = []
            for (submission, transaction) in good {
                if let failure, isDurable(submission), let waiter = submission.waiter {
                    answers.append(Answer(waiters: [waiter], news: .failed(failure)))
                    continue
                }
                guard outbox.hasRoom(for: submission.origin) else { continue }
                answers += outbox.add(
                    transaction, waiter: submission.waiter, origin: submission.origin,
                    isDurable: isDurable(submission) || submission.origin == .outbox, now: now)
            }
            return answers
        }
    }

    // MARK: Batch

    func batchStage() {
        while let (draft, route) = desk.next(
            count: CommitPipeline.batchCount, bytes: CommitPipeline.batchBytes)
        {
            switch route {
            case .engine(let engine, let epochBlock, let signer): order(draft, engine, epochBlock, signer)
            case .validators: handOver(draft)
            }
        }
    }

    private func order(
        _ draft: Outbox.Draft, _ engine: any OrderingEngine, _ epochBlock: Digest, _ signer: MessageSigner
    ) {
        let bytes = Batch.signed(
            chain: rules.chain, epochBlock: epochBlock,
            clock: draft.transactions.isEmpty ? clockOfEmptyBatch() : clock(),
            transactions: draft.transactions, signer: signer, hash: rules.hash)
        let digest = rules.hash(bytes)
        desk.with {
            $0.send(draft, as: digest, bytes: bytes, epochBlock: epochBlock, now: MonotonicClock.now)
        }
        counters.withLock { $0.batchesSent += 1 }
        do { try engine.submit(bytes) } catch {
            // It may have been ordered: then it is seen, or sent again in time.
            if error == .unavailable { return }
            if error != .stopped { events.push(.suspect(wish: nil)) }
            desk.with { $0.returned(digest, at: MonotonicClock.now + .milliseconds(200)) }
        }
    }

    /// Where a demonstration's clock stands still two batches without transactions would be the same bytes,
    /// and an engine that knows them again orders only the first: each is a nanosecond after the one before.
    private func clockOfEmptyBatch() -> Timestamp {
        let now = clock()
        guard !isAlone else { return now }
        return shared.withLock { shared in
            shared.emptyBatches =
                shared.emptyBatches.clock == now ? (now, shared.emptyBatches.count + 1) : (now, 0)
            return now + Span(nanoseconds: shared.emptyBatches.count)
        }
    }

    /// A node that is no validator has its transactions ordered by those that are.
    private func handOver(_ draft: Outbox.Draft) {
        let validators = shared.withLock { $0.view.context.validators.validators.map(\.member) }
        var name = CBORWriter()
        name.unsigned(UInt64(MonotonicClock.now.nanoseconds))
        for id in draft.ids { name.digest(id) }
        let (digest, turn) = (
            rules.hash(name.bytes),
            counters.withLock { counters -> UInt64 in
                counters.batchesSent += 1
                return counters.batchesSent
            }
        )
        desk.with { $0.send(draft, as: digest, bytes: [], epochBlock: .zero, now: MonotonicClock.now) }
        guard !validators.isEmpty, !draft.transactions.isEmpty else { return }
        network?.submit(draft.transactions, to: validators[Int(turn % UInt64(validators.count))])
    }

    // MARK: Verify

    func verifyStage() {
        defer { events.close() }
        do {
            while let next = deliveries.take() {
                let (bytes, position) = (next.bytes.bytes, next.bytes.position)
                // What this node made itself need be neither hashed nor verified again.
                let own = desk.own(bytes)
                guard
                    let batch = try verifier.verify(
                        bytes, position: position, digest: own?.digest ?? rules.hash(bytes),
                        known: own?.candidates)
                else { continue }
                if !events.push(batch, generation: next.generation) { return }
            }
        } catch { halt(NodeError("node.storage", "the node could not read its state", cause: error)) }
    }
}

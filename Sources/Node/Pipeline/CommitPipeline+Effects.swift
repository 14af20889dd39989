import Codec
import Foundation
import Ledger

/// Writing, telling and sending what the replica has decided.
extension CommitPipeline {
    func effectsStage() {
        defer {
            store.endOfRecords()
            feed.close()
        }
        do {
            while case let taken = outgoing.take(limit: 16), !taken.isEmpty {
                // Whatever is stored among them is durable before any of it is told or sent.
                try write(taken)
                for outgoing in taken { for effect in outgoing { try carryOut(effect) } }
            }
        } catch { halt(NodeError("node.storage", "the block log could not be written", cause: error)) }
    }

    private func write(_ taken: [[Outgoing]]) throws {
        var records: [LogItem] = []
        var head: Height = 0
        for case .store(let items, let height) in taken.joined() {
            records += items
            head = height
        }
        guard !records.isEmpty else { return }
        try store.append(records, at: head)
        counters.withLock { $0.syncs += 1 }
    }

    private func carryOut(_ effect: Outgoing) throws {
        switch effect {
        case .store: return
        case .publish(let message): network?.publish(message)
        case .final(let blocks): try tell(blocks)
        case .undone(let block):
            counters.withLock { $0.undoneBlocks += 1 }
            desk.with { $0.undone(block) }
            sendAgain(block)
        case .seen(let digest, let candidates):
            desk.tell { $0.seen(digest, candidates, now: MonotonicClock.now) }
        case .skipped(let digest, let refusal):
            counters.withLock { $0.skippedBatches += 1 }
            // Sent for another epoch or while it changed: at once; otherwise something is wrong here.
            let isWrong = refusal == .badSignature || refusal == .notValidator
            desk.with { $0.returned(digest, at: isWrong ? MonotonicClock.now + .seconds(1) : nil) }
        case .epoch(let context):
            desk.with { $0.begin(epochBlock: context.block) }
            guard context.height == feed.last.height, context.height > 0 else { return }
            shared.withLock { $0.wantsEpochTick = true }
        case .serve(let blocks, let answer): answer(blocks)
        case .evidence(let evidence):
            counters.withLock { $0.evidence += 1 }
            onEvidence(evidence)
        case .halt(let divergence): halt(NodeError(divergence))
        }
    }

    private func tell(_ blocks: [ExecutedBlock]) throws {
        guard let last = blocks.last else { return }
        for block in blocks where block.header.kind == .epoch && block.header.height > 0 {
            let commits = try store.block(block.header.height)?.commits ?? []
            try store.epochs.add(
                EpochRecord(header: block.header, content: block.content, commits: commits))
        }
        store.noteFinal(last.header.height)
        feed.add(blocks)
        let (now, clock) = (MonotonicClock.now, clock())
        for block in blocks {
            try verifier.learn(block)
            let news = desk.with { $0.final(block, clock: clock, now: now) }
            counters.withLock { counters in
                counters.blocks += 1
                counters.epochs += block.header.kind == .epoch ? 1 : 0
                counters.transactions += UInt64(block.included.count)
                counters.rejected += UInt64(block.included.count { $0.outcome != .accepted })
                counters.skippedTransactions += UInt64(block.skipped.count)
                for latency in news.latencies { counters.note(latency: latency) }
            }
            for answer in news.answers { answer.tell() }
        }
    }

    /// What a block held that is not on the chain any more is on its way again from every node that had it:
    /// this node may be the only one.
    private func sendAgain(_ block: ExecutedBlock) {
        guard let batch = try? Batch(decoding: block.content, chain: rules.chain) else { return }
        let unknown = desk.look { outbox in
            block.included.filter { !outbox.knows($0.id) && batch.transactions.indices.contains($0.index) }
        }
        for included in unknown {
            // The check stage may be waiting for room, which this thread makes.
            submitted.offer(
                Submission(bytes: batch.transactions[included.index], origin: .undone, waiter: nil))
        }
    }

    // MARK: Fetching

    func fetchStage() {
        var mending = EpochMending()
        while !fetches.hasClosed {
            do {
                if let fetch = fetches.take(seconds: EpochMending.lookSeconds) { try catchUp(fetch) }
                try mend(&mending)
            } catch {
                return halt(NodeError("node.storage", "the node could not read its state", cause: error))
            }
        }
    }

    /// Asks peers, one after the other, for the commits of a change of validators that this node knows to be
    /// final only by later blocks: without them it can make no receipt.
    private func mend(_ mending: inout EpochMending) throws {
        guard let network, !fetches.hasClosed,
            let height = mending.due(store.epochs.all, genesis: genesis, rules: rules)
        else { return }
        let members = network.peers.map(\.member)
        let member = members.isEmpty ? nil : members[mending.failures % members.count]
        var hasMended = false
        _ = try? network.blocks(above: height - 1, from: member) { [store, genesis, rules] encoded in
            // The block itself, and the one after it, which may stand for it.
            let served = encoded.prefix(2).compactMap { try? BlockRecord(decoding: $0) }
            hasMended = (try? store.epochs.mend(with: served, genesis: genesis, rules: rules)) ?? false
            return hasMended
        }
        mending.note(hasMended: hasMended)
    }

    /// Fetches blocks as long as what was fetched becomes final: the next answer is on its way while the
    /// replica executes the last.
    private func catchUp(_ fetch: Fetch) throws {
        // It was asked for before what has been executed meanwhile.
        var above = max(fetch.above, shared.withLock { $0.view.finalHeight })
        var blocks = fetched(above, fetch.member)
        while let last = try take(blocks) {
            // A shorter answer is the end of what the peer has.
            let next = blocks.count >= CommitPipeline.partCount ? fetched(last, fetch.member) : []
            waitForReplica()
            guard shared.withLock({ $0.view.finalHeight }) > above, !fetches.hasClosed else { return }
            (above, blocks) = (last, next)
        }
    }

    /// A peer's blocks; none where no peer answers.
    private func fetched(_ above: Height, _ member: MemberID?) -> [[UInt8]] {
        counters.withLock { $0.fetches += 1 }
        do throws(NodeError) {
            let blocks = try network?.blocks(above: above, from: member) ?? []
            shared.withLock { $0.prunedAnswers = 0 }
            return blocks
        } catch {
            if error.code == "block.pruned" { shared.withLock { $0.prunedAnswers += 1 } }
            return []
        }
    }

    /// Waits until the replica has taken what was pushed: what it asks for meanwhile is on its way already.
    private func waitForReplica() {
        let taken = Mailbox<Void>()
        events.push(.serve(above: .max) { _ in taken.put(()) })
        let end = Date(timeIntervalSinceNow: CommitPipeline.fetchedSeconds)
        while taken.take(seconds: 0.1) == nil, !fetches.hasClosed, Date() < end {}
    }

    /// How long blocks may take to be executed before others are fetched.
    private static let fetchedSeconds = 10.0

    /// Decodes and checks a peer's blocks, in parts, up to the first that is none.
    /// - Returns: the last one's height; nil where there is none.
    private func take(_ encoded: [[UInt8]]) throws -> Height? {
        var part: [CandidateBlock] = []
        var last: Height?
        for bytes in encoded.prefix(CommitPipeline.fetchCount) {
            guard let record = try? BlockRecord(decoding: bytes), let block = try verifier.candidate(record)
            else { break }
            part.append(block)
            last = block.header.height
            if part.count == CommitPipeline.partCount {
                push(part)
                part = []
            }
        }
        if !part.isEmpty { push(part) }
        return last
    }

    private func push(_ blocks: [CandidateBlock]) {
        counters.withLock { $0.fetchedBlocks += UInt64(blocks.count) }
        events.push(.blocks(blocks))
    }

    /// Blocks of one answer that are looked at.
    private static let fetchCount = 1024
    /// Blocks that the replica takes at once.
    private static let partCount = 64
}

extension NodeError {
    /// This node's execution differs from what a quorum signed.
    init(_ divergence: Replica.Divergence) {
        let place =
            "block \(divergence.certified.height)"
            + (divergence.transaction.map { ", transaction \($0)" } ?? "")
        self.init(
            "node.diverged",
            "\(place): this node's execution differs from what a quorum of validators signed. Nothing is "
                + "changed any more; the state before that block can be read")
    }
}

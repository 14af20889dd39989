import Codec

/// Going on after a restart.
extension Replica {
    /// Goes on from what a node has on disk; a snapshot from a peer is the same with an empty log.
    ///
    /// The replica is then on the chain that it had executed last, with the same promises and the signatures
    /// that it had made; it sends them again with the first tick. Blocks that were undone are known again, so
    /// that the block of the lock is never lost.
    /// - Parameters:
    ///   - executor: on a final block, such as the last one whose rows are in the store.
    ///   - context: the epoch of that block (`EpochContext.following`).
    ///   - voteState: the replica's when that block's rows were stored, or the last that is known.
    ///   - log: everything written after the executor's block, in the order in which it was written; what was
    ///     undone included.
    ///   - voters: this node's voting keys; a member's old and new one while it changes them, none for a node
    ///     that only follows.
    ///   - reader: the rows after the executor's block.
    /// - Returns: effects as of an event: blocks above the executor's that the log shows to be final, and the
    ///   engine to follow.
    /// - Throws: a read error, `LedgerFault`, or `cbor.*` and `cose.*` where a record is damaged.
    package static func restore(
        executor: Executor, context: EpochContext, voteState: VoteState, log: [LogItem],
        voters: [MessageSigner], timing: Timing = Timing(), reader: any StateReader
    ) throws -> (replica: Replica, effects: [Effect]) {
        var state = voteState
        for item in log { state.note(item) }
        if state.stops.contains(where: { $0.epoch != state.record.promised }) { state.stops = [] }
        var replica = Replica(
            executor: executor, voteRecord: state.record, stops: state.stops, context: context,
            voters: voters, timing: timing)
        try replica.readDecided(reader)
        var head = replica.tree.final.hash
        for item in log { try replica.recall(item, head: &head) }
        _ = try replica.switchTo(head, reader: reader)
        // What was executed again is in the log already.
        replica.effects = []
        replica.recallProposal()
        for hash in replica.tree.chain { try replica.advance(hash, reader: reader) }
        try replica.voteForward(reader: reader)
        replica.followEngine()
        let effects = replica.drain()
        return (replica, effects)
    }

    private mutating func readDecided(_ reader: any StateReader) throws {
        let key = ValidatorsRecord.rowKey(ParametersRecord.Key())
        guard let stored = try reader.value(for: key) else {
            throw LedgerFault("the ledger's own records are missing")
        }
        try noteDecided(stored)
    }

    /// - Parameter head: the block that was executed last.
    private mutating func recall(_ item: LogItem, head: inout Digest) throws {
        switch item {
        case .block(let record):
            let hash = record.header.hashed(self.hash)
            guard record.header.height >= tree.final.header.height else { return }
            if tree.known(hash) == nil {
                let candidate = try CandidateBlock(record, chain: rules.chain, hash: self.hash)
                guard add(candidate, hash) else { return }
            }
            head = hash
            recall(record.votes + record.commits, of: hash)
        case .certificate(let certificate):
            recall(certificate.votes + certificate.commits, of: certificate.block)
        case .votes: break
        }
    }

    /// Signatures that were checked before they were written.
    private mutating func recall(_ signatures: [Attestation], of block: Digest) {
        guard let known = tree.known(block) else { return }
        for signature in signatures { tallies.add(signature, logRoot: known.header.logRoot, now: now) }
    }

    /// A proposer says the same thing again.
    private mutating func recallProposal() {
        guard let head = tree.head, case .epoch(let proposal) = head.content,
            proposal.epoch == voteRecord.promised, voters.contains(where: { $0.key == proposal.key })
        else { return }
        ownProposal = proposal
    }
}

extension CandidateBlock {
    /// A block as the log keeps it.
    /// - Throws: `cbor.*` or `cose.*` where its content is damaged.
    package init(_ record: BlockRecord, chain: ChainID, hash: HashFunction) throws(CodecError) {
        let content: Content
        switch record.header.kind {
        case .epoch: content = .epoch(try EpochProposal(decoding: record.content))
        case .batch:
            let batch = try Batch(decoding: record.content, chain: chain)
            let candidates = batch.transactions.map { Candidate(decoding: $0, hash: hash) }
            content = .batch(
                OrderedBatch(batch: batch, position: record.header.position, candidates: candidates))
        }
        self.init(
            header: record.header, content: content, votes: record.votes, commits: record.commits,
            outcomes: record.outcomes)
    }
}

extension BlockRecord {
    /// A block as a peer is served it, without what executing it gives.
    package init(_ block: CandidateBlock) {
        (header, content, outcomes) = (block.header, block.content.bytes, block.outcomes)
        (changes, history) = ([], [])
        (votes, commits, voteRecord) = (block.votes, block.commits, VoteRecord())
    }
}

extension Candidate {
    /// A transaction whose signature is left to the executor.
    package init(decoding bytes: [UInt8], hash: HashFunction) {
        do throws(CodecError) {
            self = .unknownKey(try UnverifiedTransaction(decoding: bytes, hash: hash))
        } catch {
            self = .invalid(.malformed)
        }
    }
}

extension VoteState {
    /// Takes in what was written after.
    package mutating func note(_ item: LogItem) {
        switch item {
        case .block(let block): record = block.voteRecord
        case .certificate(let certificate): record = certificate.voteRecord
        case .votes(let state): self = state
        }
    }
}

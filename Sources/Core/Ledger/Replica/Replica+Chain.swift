import Codec
import Merkle

/// Executing blocks, going over to another branch, and making blocks final.
extension Replica {
    /// Executes a block on the head and puts it on the chain.
    /// - Parameter isNext: it comes from the engine, and nothing else is executed in this event.
    mutating func append(
        _ content: CandidateBlock.Content, outcomes: [BlockRecord.Entry] = [], isNext: Bool = false,
        reader base: any StateReader
    ) throws -> BlockTree.Block {
        let reader = rows.reader(over: base)
        let (parent, parentLog, parentContext) = (executor.head, executor.log, tree.headContext)
        let executed: ExecutedBlock
        let context: EpochContext
        switch content {
        case .batch(let batch):
            guard let sender = parentContext.validators.validator(batch.batch.key) else {
                throw LedgerFault("a batch of no validator of the epoch")
            }
            executed = try executor.execute(batch, sender: sender.member, reader: reader)
            context = parentContext
        case .epoch(let proposal):
            let quorum = childQuorum(of: parentContext, kind: parent.kind, decided: proposal.validators)
            let clocks = proposal.stops.compactMap { stop in
                quorum.validator(stop.key).map { (member: $0.member, time: stop.clock) }
            }
            executed = try executor.execute(proposal, clocks: clocks, reader: reader)
            context = parentContext.next(
                proposal, block: executed.hash, height: executed.header.height,
                parentIsEpochBlock: parent.kind == .epoch, hash: hash)
        }
        let block = BlockTree.Block(
            header: executed.header, hash: executed.hash, content: content, context: context,
            outcomes: outcomes)
        // A lone validator's blocks are final at once: nothing is read over them or taken back.
        let isFinal = isNext && isAlone(context, executed.header.kind) && canVote(for: block)
        var before: [RowChange] = []
        if !isFinal {
            before.reserveCapacity(executed.changes.count)
            for change in executed.changes {
                before.append(RowChange(key: change.key, value: try reader.value(for: change.key)))
            }
        }
        tree.add(block, keeping: voteRecord.lock?.block)
        tree.push(
            executed.hash,
            BlockTree.Execution(
                block: executed, before: before, parent: parent, parentLog: parentLog, since: now))
        if !isFinal { rows.push(executed.changes, height: executed.header.height) }
        return tree.block(executed.hash) ?? block
    }

    /// Whether this node's keys alone certify such a block.
    private func isAlone(_ context: EpochContext, _ kind: BlockHeader.Kind) -> Bool {
        context.quorum(of: kind).isReached(by: voters.map(\.key))
    }

    /// Takes the head back to its parent.
    mutating func undoHead() throws(LedgerFault) {
        guard let execution = tree.pop() else { return }
        rows.pop()
        try executor.undo(
            execution.block, before: execution.before, to: execution.parent, log: execution.parentLog)
        if execution.block.header.kind == .batch { effects.append(.undone(execution.block)) }
    }

    /// Writes an executed block down, and votes for it where every promise allows.
    mutating func store(_ block: BlockTree.Block, reader: any StateReader) throws {
        guard let executed = block.execution?.block else { return }
        let quorum = block.context.quorum(of: block.header.kind)
        guard canVote(for: block) else {
            let record = BlockRecord(executed, votes: [], commits: [], voteRecord: voteRecord)
            effects.append(.store([.block(record)]))
            return try advance(block.hash, reader: reader)
        }
        let point = VoteRecord.Point(block.header, hash: block.hash)
        voteRecord.lastVote = point
        let votes = attest(.vote, block.header, block.hash, block.context)
        if quorum.isReached(by: votes.map(\.key)) {
            (voteRecord.lock, voteRecord.lastCommit) = (point, point)
            let commits = attest(.commit, block.header, block.hash, block.context)
            let record = BlockRecord(executed, votes: votes, commits: commits, voteRecord: voteRecord)
            effects.append(.store([.block(record)]))
            return try finalize(block.hash, reader: reader)
        }
        let record = BlockRecord(executed, votes: votes, commits: [], voteRecord: voteRecord)
        effects.append(.store([.block(record)]))
        publish(votes)
        try advance(block.hash, reader: reader)
    }

    /// This node's signatures over a block: one for each of its keys that counts there.
    func attest(
        _ kind: AttestationKind, _ header: BlockHeader, _ block: Digest, _ context: EpochContext
    ) -> [Attestation] {
        let quorum = context.quorum(of: header.kind)
        return voters.filter { quorum.validator($0.key) != nil }.map {
            Attestation.sign(kind, header, hash: block, signer: $0.signer, hash: hash)
        }
    }

    // MARK: Finality

    /// Makes an executed block on the chain and its ancestors final.
    mutating func finalize(_ target: Digest, reader: any StateReader) throws {
        guard let position = tree.position(target), let last = tree.block(target) else { return }
        let before = inForce
        let finals = tree.finalize(position + 1)
        _ = voteRecord.raiseLock(to: VoteRecord.Point(last.header, hash: target))
        for block in finals { effects.append(.final(block)) }
        tallies.drop(through: last.header.height, keeping: target)
        lastFinal = now
        claims.removeAll { $0.height <= last.header.height }
        if last.header.kind == .batch { failedEpochs = 0 }
        try noteDecided(in: finals)
        guard inForce.block != before.block else { return }
        let epoch = inForce.epoch
        stops.removeAll { $0.epoch <= epoch }
        heldProposals.removeAll { $0.epoch <= epoch }
        (suspicions, ownSuspicions) = ([], [])
        if voteRecord.promised <= epoch {
            voteRecord.promised = epoch
            (ownStops, ownProposal, quorumSince, changeDeadline) = ([], nil, nil, nil)
        }
        followEngine()
    }

    /// Tells the node which engine orders now.
    mutating func followEngine() {
        let head = executor.head
        effects.append(.engine(inForce, after: head.kind == .epoch ? nil : head.position))
    }

    /// Notes what final blocks say of the validators to come, and asks for the epoch that brings them.
    private mutating func noteDecided(in blocks: [ExecutedBlock]) throws {
        let key = ValidatorsRecord.rowKey(ParametersRecord.Key())
        var stored: [UInt8]?
        for block in blocks {
            if let change = block.changes.last(where: { $0.key == key }) { stored = change.value }
        }
        guard let stored else { return }
        try noteDecided(stored)
    }

    /// - Parameter stored: the row of the validators.
    mutating func noteDecided(_ stored: [UInt8]) throws {
        let record = try CBOR.decode(ValidatorsRecord.self, from: StoredRow(decoding: stored).record)
        decided = record.next.map { ValidatorSet($0, hash: hash) }
        (decisionAttempts, nextDecisionAttempt) = (0, now)
    }

    // MARK: Branches

    /// Goes over to a known block's chain, executing what is not executed yet.
    /// - Returns: false where its ancestors are not known, or a block does not execute to what its header
    ///   says: then the replica stands on the last good ancestor, and has halted where the block is
    ///   certified.
    mutating func switchTo(_ target: Digest, reader: any StateReader) throws -> Bool {
        guard let path = tree.path(to: target) else { return false }
        let parent = path.first.flatMap { tree.block($0)?.header.previous } ?? target
        let isLeaving = tree.chain.last.map { $0 != parent } ?? false
        while let head = tree.chain.last, head != parent { try undoHead() }
        defer { if isLeaving, isOrdering, halted == nil { followEngine() } }
        for hash in path {
            guard let block = tree.block(hash) else { return false }
            if let refusal = refusal(of: block) {
                tree.remove(hash)
                if isCertified(block) { throw LedgerFault("a certified block is malformed: \(refusal)") }
                return false
            }
            let own = try append(block.content, outcomes: block.outcomes, reader: reader)
            guard own.hash == hash else {
                try undoHead()
                tree.remove(own.hash)
                if isCertified(block) { halt(certified: block, own: own) } else { tree.remove(hash) }
                return false
            }
            guard let executed = own.execution?.block else { return false }
            let record = BlockRecord(
                executed, votes: ownVotes(hash), commits: [], voteRecord: voteRecord)
            effects.append(.store([.block(record)]))
        }
        return true
    }

    private func ownVotes(_ hash: Digest) -> [Attestation] {
        let votes = tally(hash)?.votes ?? []
        return votes.filter { vote in voters.contains { $0.key == vote.key } }
    }

    /// Why a block from outside cannot be executed on its parent, which is the head; nil where it can.
    private func refusal(of block: BlockTree.Block) -> String? {
        switch block.content {
        case .batch(let batch):
            let context = tree.headContext
            guard batch.batch.epochBlock == context.block else { return BatchRefusal.otherEpoch.rawValue }
            guard let sender = context.validators.validator(batch.batch.key) else {
                return BatchRefusal.notValidator.rawValue
            }
            guard batch.batch.isSigned(by: sender.votingKey.array, verifier: rules.verify, hash: hash) else {
                return BatchRefusal.badSignature.rawValue
            }
            return nil
        case .epoch(let proposal):
            return proposal.parent == executor.headHash ? nil : "epoch.other_parent"
        }
    }

    private mutating func halt(certified: BlockTree.Block, own: BlockTree.Block) {
        var place: Int?
        let included = own.execution?.block.included ?? []
        if !certified.outcomes.isEmpty {
            let theirs = certified.outcomes
            let mine = included.map { BlockRecord.Entry(index: $0.index, outcome: $0.outcome) }
            let common = zip(mine, theirs).prefix { $0 == $1 }.count
            if common < max(mine.count, theirs.count) {
                let next = [mine, theirs].compactMap { $0.indices.contains(common) ? $0[common].index : nil }
                place = next.min()
            }
        }
        let divergence = Divergence(certified: certified.header, own: own.header, transaction: place)
        halted = divergence
        effects.append(.halt(divergence))
    }
}

import Codec

/// What comes from other nodes, and what time brings.
extension Replica {
    /// Takes a message in. What is not signed by a validator, or not about the present, is passed over.
    package mutating func received(
        _ message: ReplicaMessage, from member: MemberID?, now: Timestamp, reader: any StateReader
    ) throws -> [Effect] {
        begin(now)
        guard halted == nil else { return [] }
        switch message {
        case .vote(let vote): try take(vote, logRoot: .zero, reader: reader)
        case .commit(let commit, let logRoot): try take(commit, logRoot: logRoot, reader: reader)
        case .suspicion(let suspicion): try take(suspicion, reader: reader)
        case .stop(let stop, let lock): try take(stop, lock: lock, reader: reader)
        case .proposal(let proposal): try take(proposal, reader: reader)
        case .status(let status): note(Claim(member: member, height: status.finalHeight))
        }
        return drain()
    }

    /// Takes blocks that a peer serves of its chain, parents before their children. They are executed only
    /// where a certificate covers them.
    package mutating func received(
        _ candidates: [CandidateBlock], now: Timestamp, reader: any StateReader
    ) throws -> [Effect] {
        begin(now)
        guard halted == nil else { return [] }
        for candidate in candidates {
            let hash = candidate.header.hashed(self.hash)
            guard candidate.header.chain == rules.chain,
                candidate.header.content == self.hash(candidate.content.bytes)
            else { break }
            if tree.known(hash) == nil, !add(candidate, hash) { continue }
            // Commits beyond a quorum are not verified: that is most of the work of catching up. Votes are
            // kept, since a lone validator's log is verified with both.
            for attestation in candidate.votes + candidate.commits where attestation.block == hash {
                guard !isCommitted(hash) else { break }
                try harvest(attestation, candidate.header, reader: reader)
            }
        }
        try adoptCertified(reader: reader)
        for held in heldProposals where tree.known(held.parent) != nil {
            heldProposals.removeAll { $0 == held }
            try take(held, reader: reader)
        }
        try propose(reader: reader)
        let final = tree.final.header.height
        if let asked = fetchedAbove, final > asked, !claims.isEmpty { askForBlocks() }
        return drain()
    }

    private mutating func harvest(
        _ attestation: Attestation, _ header: BlockHeader, reader: any StateReader
    ) throws {
        guard attestation.height == header.height, attestation.epoch == header.epoch,
            attestation.logSize == header.logSize
        else { return }
        try take(attestation, logRoot: header.logRoot, reader: reader)
    }

    /// Puts a block into the tree where its parent is known; it is not executed.
    mutating func add(_ candidate: CandidateBlock, _ hash: Digest) -> Bool {
        guard let parent = tree.known(candidate.header.previous),
            candidate.header.height == parent.header.height + 1
        else { return false }
        let context: EpochContext
        switch candidate.content {
        case .batch(let batch):
            guard candidate.header.kind == .batch, candidate.header.epoch == parent.context.epoch,
                batch.position == candidate.header.position
            else { return false }
            context = parent.context
        case .epoch(let proposal):
            guard candidate.header.kind == .epoch, candidate.header.epoch == proposal.epoch,
                proposal.epoch > parent.header.epoch, proposal.parent == candidate.header.previous
            else { return false }
            context = parent.context.next(
                proposal, block: hash, height: candidate.header.height,
                parentIsEpochBlock: parent.header.kind == .epoch, hash: self.hash)
        }
        tree.add(
            BlockTree.Block(
                header: candidate.header, hash: hash, content: candidate.content, context: context,
                outcomes: candidate.outcomes), keeping: voteRecord.lock?.block)
        return true
    }

    /// Goes over to the highest certified block where it is not on the chain and above all that are.
    private mutating func adoptCertified(reader: any StateReader) throws {
        let certified = tree.all.filter { isCertified($0) }
        let highest = certified.max {
            VoteRecord.Point($0.header, hash: $0.hash) < VoteRecord.Point($1.header, hash: $1.hash)
        }
        guard let highest, !tree.isOnChain(highest.hash) else { return }
        guard try switchTo(highest.hash, reader: reader) else { return }
        for hash in tree.chain { try advance(hash, reader: reader) }
        try voteForward(reader: reader)
    }

    /// A peer asks for blocks above a height: final ones come from the log, those that are not final from
    /// here, parents before their children, with what signatures there are.
    package func requested(above height: Height, by member: MemberID?) -> [Effect] {
        let pending = tree.all.map { block in
            let tally = tallies.tally(block.header, block.hash)
            return CandidateBlock(
                header: block.header, content: block.content, votes: tally?.votes ?? [],
                commits: tally.map { commits(of: $0, on: block.header) } ?? [],
                outcomes: BlockRecord.Entry.list(block.execution?.block) ?? block.outcomes)
        }
        return [.serve(pending, above: height, to: member)]
    }

    // MARK: Time

    /// Sends again what still matters, suspects an engine that does not get on, gives an epoch change up that
    /// comes to nothing, and asks for blocks that others have.
    /// - Parameters:
    ///   - now: of a clock that never goes back; only differences count.
    ///   - clock: the node's own idea of the time, for its stops.
    package mutating func tick(
        now: Timestamp, clock: Timestamp, reader: any StateReader
    ) throws -> [Effect] {
        begin(now)
        self.clock = clock
        guard halted == nil else { return [] }
        suspicions.removeAll { $0.until < now }
        ownSuspicions.removeAll { $0.until < now }
        if voteRecord.promised > inForce.epoch {
            if let deadline = changeDeadline, now >= deadline {
                try beginStop(voteRecord.promised + 1, wish: ownStops.first?.wish, reader: reader)
            }
            try propose(reader: reader)
        } else if let oldest = tree.executed.first?.execution?.since,
            now - max(oldest, lastFinal) >= patience
        {
            suspectEngine(wish: nil)
        }
        askForDecided()
        try stopIfSuspected(reader: reader)
        if (now - lastRetry) >= timing.retry {
            lastRetry = now
            sendAgain()
        }
        fetchIfBehind()
        return drain()
    }

    /// What may have been lost.
    private mutating func sendAgain() {
        let head = executor.head
        effects.append(
            .publish(
                .status(
                    .init(
                        epoch: inForce.epoch, finalHeight: tree.final.header.height,
                        headHeight: head.height))))
        for own in ownSuspicions { effects.append(.publish(.suspicion(own.suspicion))) }
        if voteRecord.promised > inForce.epoch {
            for stop in ownStops {
                effects.append(.publish(.stop(stop, lock: lockCertificate(stop.lock))))
            }
            if let ownProposal { effects.append(.publish(.proposal(ownProposal))) }
        }
        let hashes = [tree.final.hash] + tree.chain
        for hash in hashes {
            guard let tally = tally(hash) else { continue }
            for vote in tally.votes where voters.contains(where: { $0.key == vote.key }) {
                effects.append(.publish(.vote(vote)))
            }
            for commit in tally.commits where voters.contains(where: { $0.key == commit.attestation.key }) {
                effects.append(.publish(.commit(commit.attestation, logRoot: commit.logRoot)))
            }
        }
    }

    // MARK: Being behind

    mutating func note(_ claim: Claim) {
        claims.removeAll { $0.member == claim.member }
        guard claim.height > tree.final.header.height, claims.count < 200 else { return }
        claims.append(claim)
    }

    /// Asks the peer that has waited longest of those who say that they have more, and the same one as long
    /// as it delivers. A claim that comes to nothing is let go; what is true is said again.
    private mutating func askForBlocks() {
        let final = tree.final.header.height
        if fetchedAbove == final, let first = claims.first, first.member == asked { claims.removeFirst() }
        (lastFetch, fetchedAbove, asked) = (now, final, claims.first?.member)
        effects.append(.fetch(above: final, from: asked))
    }

    /// Asks for blocks where others are ahead, or have certified what is not on this chain.
    private mutating func fetchIfBehind() {
        guard now - lastFetch >= timing.fetch else { return }
        let final = tree.final.header.height
        let isMissing = tallies.all.contains { tally in
            now - tally.since >= timing.fetch && !tree.isOnChain(tally.point.block)
                && tally.point.height > final
                && max(tally.votes.count, tally.commits.count) >= inForce.validators.quorum
        }
        let isBehind = !claims.isEmpty && now - lastFinal >= timing.fetch
        guard isMissing || isBehind || !heldProposals.isEmpty || lacksLock else { return }
        askForBlocks()
    }

    /// Whether a stop names a lock that is not known here.
    private var lacksLock: Bool {
        voteRecord.promised > inForce.epoch
            && stops.contains {
                $0.epoch == voteRecord.promised && $0.lock.height > tree.final.header.height
                    && tree.known($0.lock.block) == nil
            }
    }
}

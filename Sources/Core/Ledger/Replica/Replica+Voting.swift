import Codec

/// Votes, locks and commits.
extension Replica {
    /// Whether every promise allows a vote for an executed block on the chain. A batch's block needs its
    /// epoch to be in force: whoever votes for it knows that the epoch block is final.
    func canVote(for block: BlockTree.Block) -> Bool {
        guard block.header.kind == .epoch || block.context.block == inForce.block else { return false }
        let quorum = block.context.quorum(of: block.header.kind)
        guard voters.contains(where: { quorum.validator($0.key) != nil }) else { return false }
        return voteRecord.allowsVote(
            block.header, parentIsCertified: isCertifiedInEpoch(block.header.previous, block.header.epoch))
    }

    /// Whether a block is certified by votes or final, and of the epoch.
    private func isCertifiedInEpoch(_ hash: Digest, _ epoch: Epoch) -> Bool {
        if hash == tree.final.hash { return tree.final.header.epoch == epoch }
        guard let block = tree.block(hash), block.header.epoch == epoch else { return false }
        return isCertified(block)
    }

    /// Whether a quorum has voted for or committed to a block.
    func isCertified(_ block: BlockTree.Block) -> Bool {
        let base = block.header.kind == .batch ? block.context : tree.known(block.header.previous)?.context
        guard let base, isTrusted(base) else { return false }
        return isSigned(block)
    }

    /// Whether an epoch's validators are those that the ones before them agreed to. A peer can serve an epoch
    /// block that names anybody: until a quorum of the validators before has signed it, what those it names
    /// sign is nothing.
    func isTrusted(_ context: EpochContext) -> Bool {
        if context.block == tree.final.context.block || tree.isOnChain(context.block) { return true }
        guard let epoch = tree.block(context.block),
            let before = tree.known(epoch.header.previous)?.context, isTrusted(before)
        else { return false }
        return context.validators == before.validators || isSigned(epoch)
    }

    private func isSigned(_ block: BlockTree.Block) -> Bool {
        reaches(block) { $0.votes.map(\.key) } || isCommitted(block)
    }

    /// Whether a quorum has committed to a known block, or it is final.
    func isCommitted(_ hash: Digest) -> Bool {
        tree.block(hash).map(isCommitted) ?? (hash == tree.final.hash)
    }

    private func isCommitted(_ block: BlockTree.Block) -> Bool {
        reaches(block) { commits(of: $0, on: block.header).map(\.key) }
    }

    /// Whether the keys of a block's tally are a quorum of those who decide it.
    private func reaches(_ block: BlockTree.Block, _ keys: (Tallies.Tally) -> [KeyID]) -> Bool {
        guard let tally = tallies.tally(block.header, block.hash) else { return false }
        return block.context.quorum(of: block.header.kind).isReached(by: keys(tally))
    }

    /// The commits that sign this block's log root.
    func commits(of tally: Tallies.Tally, on header: BlockHeader) -> [Attestation] {
        tally.commits.filter { $0.logRoot == header.logRoot }.map(\.attestation)
    }

    /// The signatures over a known block.
    func tally(_ hash: Digest) -> Tallies.Tally? {
        tree.known(hash).flatMap { tallies.tally($0.header, hash) }
    }

    /// Adds this node's own signatures to the tallies and sends them out.
    mutating func publish(_ attestations: [Attestation], logRoot: Digest? = nil) {
        for attestation in attestations {
            tallies.add(attestation, logRoot: logRoot ?? .zero, now: now)
            if attestation.kind == .vote {
                effects.append(.publish(.vote(attestation)))
            } else {
                effects.append(.publish(.commit(attestation, logRoot: logRoot ?? .zero)))
            }
        }
    }

    /// Goes as far as the signatures over a block allow: lock, commit, final, and votes for what follows.
    mutating func advance(_ hash: Digest, reader: any StateReader) throws {
        guard halted == nil, tree.isOnChain(hash), let block = tree.block(hash), let tally = tally(hash)
        else { return }
        let quorum = block.context.quorum(of: block.header.kind)
        if quorum.isReached(by: commits(of: tally, on: block.header).map(\.key)) {
            return try finish(block, tally, reader: reader)
        }
        guard quorum.isReached(by: tally.votes.map(\.key)) else { return }
        // The lock is never of an epoch above the promised one: the next stop names both.
        promise(block.header.epoch, wish: nil)
        let hasRisen = voteRecord.raiseLock(to: tally.point)
        if voteRecord.allowsCommit(block.header), isCommitter(block) {
            voteRecord.lastCommit = tally.point
            let commits = attest(.commit, block.header, hash, block.context)
            effects.append(
                .store([
                    .certificate(
                        BlockCertificate(
                            height: block.header.height, block: hash, votes: tally.votes, commits: commits,
                            voteRecord: voteRecord))
                ]))
            publish(commits, logRoot: block.header.logRoot)
            if let grown = self.tally(hash),
                quorum.isReached(by: self.commits(of: grown, on: block.header).map(\.key))
            {
                return try finish(block, grown, reader: reader)
            }
        } else if hasRisen, isValidator {
            effects.append(
                .store([
                    .certificate(
                        BlockCertificate(
                            height: block.header.height, block: hash, votes: tally.votes, commits: [],
                            voteRecord: voteRecord))
                ]))
        }
        if hasRisen { try voteForward(reader: reader) }
    }

    private func isCommitter(_ block: BlockTree.Block) -> Bool {
        let quorum = block.context.quorum(of: block.header.kind)
        return voters.contains { quorum.validator($0.key) != nil }
    }

    /// A quorum has committed: keeps its signatures and makes the block final.
    private mutating func finish(
        _ block: BlockTree.Block, _ tally: Tallies.Tally, reader: any StateReader
    ) throws {
        _ = voteRecord.raiseLock(to: tally.point)
        effects.append(
            .store([
                .certificate(
                    BlockCertificate(
                        height: block.header.height, block: block.hash, votes: tally.votes,
                        commits: commits(of: tally, on: block.header), voteRecord: voteRecord))
            ]))
        try finalize(block.hash, reader: reader)
        try voteForward(reader: reader)
    }

    /// Votes for blocks on the chain that could not be voted for when they were executed.
    mutating func voteForward(reader: any StateReader) throws {
        for hash in tree.chain {
            guard let block = tree.block(hash), canVote(for: block) else { continue }
            voteRecord.lastVote = VoteRecord.Point(block.header, hash: hash)
            let votes = attest(.vote, block.header, hash, block.context)
            effects.append(
                .store([
                    .certificate(
                        BlockCertificate(
                            height: block.header.height, block: hash, votes: votes, commits: [],
                            voteRecord: voteRecord))
                ]))
            publish(votes)
            try advance(hash, reader: reader)
        }
    }

    // MARK: Signatures of others

    /// Takes in a signature. Whoever it came from, it counts only if it verifies.
    mutating func take(_ attestation: Attestation, logRoot: Digest, reader: any StateReader) throws {
        let final = tree.final.header
        guard attestation.chain == rules.chain, attestation.epoch >= final.epoch,
            attestation.height > final.height || attestation.block == tree.final.hash,
            attestation.height <= final.height + Tallies.heights
        else {
            noteAhead(attestation)
            return
        }
        guard !tallies.holds(attestation),
            let publicKey = votingKey(attestation.key, at: attestation.block)
        else { return }
        let payload = attestation.kind == .vote ? attestation.block : logRoot
        guard attestation.isSigned(by: publicKey, payload: payload, verifier: rules.verify) else { return }
        let signed = Evidence.Signed(attestation, logRoot: logRoot)
        if let conflict = tallies.add(attestation, logRoot: logRoot, now: now) {
            effects.append(.evidence(.conflicting(conflict, signed)))
        }
        if let stop = stops.first(where: { $0.key == attestation.key && $0.hides(attestation) }) {
            effects.append(.evidence(.hiddenLock(stop, signed)))
        }
        try advance(attestation.block, reader: reader)
    }

    /// A node that is far behind hears thousands of these: the first is enough to know that it is.
    private mutating func noteAhead(_ attestation: Attestation) {
        guard attestation.chain == rules.chain,
            attestation.height > tree.final.header.height + Tallies.heights,
            !claims.contains(where: { $0.member == nil }),
            votingKey(attestation.key, at: attestation.block) != nil
        else { return }
        note(Claim(member: nil, height: attestation.height))
    }

    /// The public half of a voting key that counts for a block, or in general for one that is not known.
    private func votingKey(_ key: KeyID, at block: Digest) -> [UInt8]? {
        if let known = tree.block(block) {
            return known.context.quorum(of: known.header.kind).validator(key)?.votingKey.array
        }
        return relevantSets.lazy.compactMap { $0.validator(key) }.first?.votingKey.array
    }

    /// Sets of validators whose word counts now or may count in the next epoch.
    var relevantSets: [ValidatorSet] {
        var sets = [inForce.validators]
        if let leaving = inForce.leaving { sets.append(leaving) }
        if let decided { sets.append(decided) }
        for block in tree.executed where block.header.kind == .epoch { sets.append(block.context.validators) }
        return sets
    }

    func isRelevant(_ key: KeyID) -> Bool { relevantSets.contains { $0.validator(key) != nil } }
}

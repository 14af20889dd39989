import Codec

/// The epoch block: who proposes it, on what, and what the others check.
extension Replica {
    /// Whose signatures a block needs on a parent, and whose stops an epoch block there.
    ///
    /// An epoch block that changed the validators and is not known to be final needs both sets again.
    func childQuorum(
        of context: EpochContext, kind: BlockHeader.Kind, decided: [ValidatorsRecord.Validator]
    ) -> Quorum {
        let next = ValidatorSet(decided, hash: hash)
        if next != context.validators { return Quorum([context.validators, next]) }
        return context.quorum(of: kind)
    }

    /// Proposes the epoch block where it is this node's turn and a quorum has stopped.
    ///
    /// The parent is the highest lock that is known here to be certified. Stops that name a higher one are
    /// left out: it may not exist, and any quorum of stops is enough.
    mutating func propose(reader base: any StateReader) throws {
        let epoch = voteRecord.promised
        guard epoch > inForce.epoch, ownProposal == nil, !voters.isEmpty,
            voteRecord.lastVote.map({ $0.epoch < epoch }) ?? true
        else { return }
        let ready = stops.filter { $0.epoch == epoch }
        guard let lock = ready.map(\.lock).filter({ isBacked($0) }).max(),
            let parent = tree.known(lock.block)
        else { return }
        guard lock.block == tree.final.hash || tree.isOnChain(lock.block) else {
            if try switchTo(lock.block, reader: base) { try propose(reader: base) }
            return
        }
        let reader = rows.reader(over: base, at: parent.header.height)
        let record = try systemRecord(ValidatorsRecord.self, reader)
        let stopped = ready.filter { $0.lock == lock || $0.lock < lock }
        guard let validators = chooseValidators(record, on: parent, stopped: stopped.map(\.key)) else {
            return
        }
        let quorum = childQuorum(of: parent.context, kind: parent.header.kind, decided: validators)
        let backing = stopped.filter { quorum.validator($0.key) != nil }
        guard let proposer = Replica.proposer(of: epoch, in: quorum),
            let voter = voters.first(where: { proposer.isKey($0.key, hash: hash) })
        else { return }
        let engines = try systemRecord(ParametersRecord.self, reader).engines
        let engine = choose(
            engines, parent: parent, wishes: backing.map(\.wish), hosts: validators)
        let proposal = try EpochProposal.signed(
            chain: rules.chain, epoch: epoch, parent: lock.block, validators: validators,
            engine: EpochContext.expanded(engine, host: proposer.member), stops: backing,
            lock: lockCertificate(lock), signer: voter.signer, hash: hash)
        ownProposal = proposal
        effects.append(.publish(.proposal(proposal)))
        try consider(proposal, reader: base)
    }

    /// Whether a stop's lock is known here and certified.
    private func isBacked(_ lock: VoteRecord.Point) -> Bool {
        if lock.block == tree.final.hash {
            return lock == VoteRecord.Point(tree.final.header, hash: lock.block)
        }
        guard let block = tree.block(lock.block) else { return false }
        return lock == VoteRecord.Point(block.header, hash: lock.block) && isCertified(block)
    }

    /// The validators that the board has decided on; those in force where too few of the newcomers have
    /// stopped, which they are given half of the wait for. Nil where no quorum has stopped.
    private func chooseValidators(
        _ record: ValidatorsRecord, on parent: (header: BlockHeader, context: EpochContext), stopped: [KeyID]
    ) -> [ValidatorsRecord.Validator]? {
        func isReached(_ validators: [ValidatorsRecord.Validator]) -> Bool {
            childQuorum(of: parent.context, kind: parent.header.kind, decided: validators)
                .isReached(by: stopped)
        }
        if let next = record.next {
            if isReached(next) { return next }
            let wait = Span(nanoseconds: backoff(timing.change).nanoseconds / 2)
            guard let quorumSince, now - quorumSince >= wait else { return nil }
        }
        return isReached(record.current) ? record.current : nil
    }

    /// Validator e mod N of the set that is to be in force.
    private static func proposer(of epoch: Epoch, in quorum: Quorum) -> ValidatorsRecord.Validator? {
        guard let set = quorum.sets.last, !set.validators.isEmpty else { return nil }
        return set.validators[Int(epoch % UInt64(set.validators.count))]
    }

    /// The engine that enough wish; otherwise the list's next after the parent's.
    ///
    /// An epoch that came to nothing says nothing of an engine, since no epoch block needs one: the next
    /// proposer makes the same choice. An engine that has brought nothing in its epoch is not kept because
    /// somebody wishes to keep it: what is wished for is tried once.
    private func choose(
        _ engines: [String], parent: (header: BlockHeader, context: EpochContext),
        wishes: [String?], hosts: [ValidatorsRecord.Validator]
    ) -> String {
        func matches(_ listed: String, _ engine: String) -> Bool {
            listed.utf8.elementsEqual(engine.utf8)
                || (listed.utf8.elementsEqual("embedded:".utf8) && engine.utf8.starts(with: "embedded:".utf8))
        }
        guard !engines.isEmpty else { return "embedded:" }
        let hasFailed = parent.header.kind == .epoch && parent.context.block == inForce.block
        if let wish = commonWish(wishes),
            let listed = engines.first(where: { matches($0, wish) }),
            parent.header.height == 0 || !hasFailed
                || !wish.utf8.elementsEqual(parent.context.engine.utf8)
        {
            let isHosted = hosts.contains { wish.utf8.elementsEqual("embedded:\($0.member)".utf8) }
            return isHosted ? wish : listed
        }
        let current = engines.firstIndex { matches($0, parent.context.engine) } ?? -1
        return engines[(current + 1) % engines.count]
    }

    private func systemRecord<R: Record>(
        _ type: R.Type, _ reader: any StateReader
    ) throws -> R where R.ID == ParametersRecord.Key {
        guard let stored = try reader.value(for: R.rowKey(ParametersRecord.Key())) else {
            throw LedgerFault("the ledger's own records are missing")
        }
        return try CBOR.decode(R.self, from: StoredRow(decoding: stored).record)
    }

    /// Takes a proposal from outside.
    mutating func take(_ proposal: EpochProposal, reader: any StateReader) throws {
        guard proposal.chain == rules.chain, proposal.epoch > inForce.epoch,
            proposal.epoch >= voteRecord.promised,
            proposal.epoch <= voteRecord.promised + Replica.epochLead,
            // Whoever has voted in the epoch goes over to another proposal only if that is certified.
            tree.headContext.epoch < proposal.epoch,
            voteRecord.lastVote.map({ $0.epoch < proposal.epoch }) ?? true,
            let validator = relevantSets.lazy.compactMap({ $0.validator(proposal.key) }).first,
            proposal.isSigned(by: validator.votingKey.array, verifier: rules.verify)
        else { return }
        try consider(proposal, reader: reader)
    }

    /// Executes and votes for a proposal that holds; keeps one whose parent is not known yet.
    mutating func consider(_ proposal: EpochProposal, reader base: any StateReader) throws {
        guard let parent = tree.known(proposal.parent) else { return hold(proposal) }
        guard isTrusted(parent.context), holds(proposal, on: parent.header, parent.context) else { return }
        if proposal.parent != tree.final.hash, !tree.isOnChain(proposal.parent) {
            guard try switchTo(proposal.parent, reader: base) else { return }
        }
        let reader = rows.reader(over: base, at: parent.header.height)
        let record = try systemRecord(ValidatorsRecord.self, reader)
        guard proposal.validators == record.current || proposal.validators == record.next,
            try isListed(proposal, systemRecord(ParametersRecord.self, reader).engines),
            try switchTo(proposal.parent, reader: base)
        else { return }
        heldProposals.removeAll { $0.epoch <= proposal.epoch }
        for stop in proposal.stops { note(stop) }
        promise(proposal.epoch, wish: nil)
        awaitProposal()
        let block = try append(.epoch(proposal), reader: base)
        try store(block, reader: base)
    }

    /// Keeps a proposal until its parent comes from a peer, unless that is below what is final here.
    private mutating func hold(_ proposal: EpochProposal) {
        guard let lock = proposal.stops.map(\.lock).max(), lock.height > tree.final.header.height else {
            return
        }
        if let known = heldProposals.first(where: { $0.key == proposal.key }) {
            guard known.epoch < proposal.epoch else { return }
        }
        heldProposals.removeAll { $0.key == proposal.key }
        heldProposals.append(proposal)
    }

    /// Whether a proposal's signatures hold: the proposer's turn, a quorum of stops for its epoch, the parent
    /// as the highest lock among them, and that it is certified.
    private func holds(
        _ proposal: EpochProposal, on parent: BlockHeader, _ context: EpochContext
    ) -> Bool {
        let quorum = childQuorum(of: context, kind: parent.kind, decided: proposal.validators)
        guard let proposer = Replica.proposer(of: proposal.epoch, in: quorum),
            proposer.isKey(proposal.key, hash: hash)
        else { return false }
        var keys: [KeyID] = []
        for stop in proposal.stops {
            guard stop.chain == rules.chain, stop.epoch == proposal.epoch, !keys.contains(stop.key),
                let validator = quorum.validator(stop.key),
                stop.isSigned(by: validator.votingKey.array, verifier: rules.verify)
            else { return false }
            keys.append(stop.key)
        }
        guard quorum.isReached(by: keys), let lock = proposal.stops.map(\.lock).max(),
            lock == VoteRecord.Point(parent, hash: proposal.parent)
        else { return false }
        if proposal.parent == tree.final.hash { return true }
        if let block = tree.block(proposal.parent), isCertified(block) { return true }
        let needed = context.quorum(of: parent.kind)
        return AttestationKind.both.contains { kind in
            (try? Certificate(
                kind, proposal.lock, over: parent, hash: proposal.parent, quorum: needed,
                verifier: rules.verify)) != nil
        }
    }

    private func isListed(_ proposal: EpochProposal, _ engines: [String]) -> Bool {
        if engines.contains(where: { $0.utf8.elementsEqual(proposal.engine.utf8) }) {
            return !proposal.engine.utf8.elementsEqual("embedded:".utf8)
        }
        guard engines.contains(where: { $0.utf8.elementsEqual("embedded:".utf8) }) else { return false }
        return proposal.validators.contains {
            proposal.engine.utf8.elementsEqual("embedded:\($0.member)".utf8)
        }
    }
}

extension AttestationKind {
    static let both: [AttestationKind] = [.vote, .commit]
}

extension ValidatorsRecord.Validator {
    func isKey(_ key: KeyID, hash: HashFunction) -> Bool {
        KeyID(publicKey: votingKey.array, hash: hash) == key
    }
}

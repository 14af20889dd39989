import Codec

/// Changing the epoch: suspicion, stops, the proposal.
///
/// It is the view change of PBFT (Castro and Liskov, 1999) with an epoch block in the place of the new-view
/// message. A block that may be final anywhere was committed by a quorum, each of whom holds it or a higher
/// one as its lock; any quorum of stops meets them in an honest validator; so the highest lock among a quorum
/// of stops descends from every final block of the epochs before, or is it.
extension Replica {
    // MARK: Suspicion

    /// Tells the others that the engine in force does not get on, or that another is wanted; more than N − q
    /// such hints stop the epoch.
    package mutating func suspect(
        wish: String?, now: Timestamp, reader: any StateReader
    ) throws -> [Effect] {
        begin(now)
        guard halted == nil else { return [] }
        suspectEngine(wish: wish)
        try stopIfSuspected(reader: reader)
        return drain()
    }

    /// - Parameter newcomers: speak for the keys that the board has decided on instead of those in force.
    mutating func suspectEngine(wish: String?, as newcomers: Bool = false) {
        guard voteRecord.promised == inForce.epoch else { return }
        let signers = voters.filter { voter in
            let isInForce = inForce.validators.validator(voter.key) != nil
            return newcomers ? !isInForce && decided?.validator(voter.key) != nil : isInForce
        }
        for voter in signers {
            let known = ownSuspicions.first { $0.key == voter.key }
            if let known, known.epoch == inForce.epoch, known.wish == wish { continue }
            let suspicion = Suspicion.signed(
                chain: rules.chain, epoch: inForce.epoch, wish: wish, signer: voter.signer, hash: hash)
            ownSuspicions.removeAll { $0.key == voter.key }
            ownSuspicions.append(suspicion)
            effects.append(.publish(.suspicion(suspicion)))
        }
    }

    /// Asks for the epoch that brings the validators that the board has decided on, once a quorum of them
    /// can be counted on: those who validate already, and newcomers who have said that they are there.
    mutating func askForDecided() {
        guard let decided, voteRecord.promised == inForce.epoch else { return }
        suspectEngine(wish: inForce.engine, as: true)
        let speakers = (suspicions + ownSuspicions).map(\.key)
        let ready = decided.validators.map { KeyID(publicKey: $0.votingKey.array, hash: hash) }
            .count { inForce.validators.validator($0) != nil || speakers.contains($0) }
        guard ready >= decided.quorum, now >= nextDecisionAttempt else { return }
        suspectEngine(wish: inForce.engine)
    }

    mutating func take(_ suspicion: Suspicion, reader: any StateReader) throws {
        guard suspicion.chain == rules.chain, suspicion.epoch == inForce.epoch,
            let validator = inForce.validators.validator(suspicion.key) ?? decided?.validator(suspicion.key),
            suspicion.isSigned(by: validator.votingKey.array, verifier: rules.verify)
        else { return }
        suspicions.removeAll { $0.key == suspicion.key }
        suspicions.append(suspicion)
        try stopIfSuspected(reader: reader)
    }

    /// N − q: so many may lie or be away without anything coming of it.
    private var tolerated: Int { inForce.validators.validators.count - inForce.validators.quorum }

    mutating func stopIfSuspected(reader: any StateReader) throws {
        guard voteRecord.promised == inForce.epoch else { return }
        let others = suspicions.filter { other in !ownSuspicions.contains { $0.key == other.key } }
        let all = (ownSuspicions + others).filter {
            $0.epoch == inForce.epoch && inForce.validators.validator($0.key) != nil
        }
        guard all.count > tolerated else { return }
        try beginStop(inForce.epoch + 1, wish: commonWish(all.map(\.wish)), reader: reader)
    }

    /// What more than N − q wish, so that at least one honest validator does; nil where they do not agree.
    private func commonWish(_ wishes: [String?]) -> String? {
        for case let wish? in wishes
        where wishes.count(where: { $0.map { $0.utf8.elementsEqual(wish.utf8) } ?? false }) > tolerated {
            return wish
        }
        return nil
    }

    // MARK: Stops

    /// Promises to sign nothing below an epoch, and says so.
    mutating func beginStop(_ epoch: Epoch, wish: String?, reader: any StateReader) throws {
        guard epoch > voteRecord.promised else { return }
        let signers = voters.filter { isRelevant($0.key) }
        guard !signers.isEmpty else { return }
        voteRecord.promised = epoch
        let lock = voteRecord.lock ?? VoteRecord.Point(epoch: 0, height: 0, block: genesisHash)
        ownStops = signers.map {
            Stop.signed(
                chain: rules.chain, epoch: epoch, lock: lock, clock: clock, wish: wish, signer: $0.signer,
                hash: hash)
        }
        (ownSuspicions, ownProposal) = ([], nil)
        effects.append(.store([.votes(VoteState(record: voteRecord, stops: ownStops))]))
        for stop in ownStops {
            effects.append(.publish(.stop(stop, lock: lockCertificate(lock))))
            note(stop)
        }
        changeDeadline = nil
        failedEpochs += 1
        if decided != nil {
            decisionAttempts += 1
            let wait = timing.change.nanoseconds << Int64(min(decisionAttempts, 10))
            nextDecisionAttempt = now + Span(nanoseconds: wait)
        }
        awaitProposal()
        try propose(reader: reader)
    }

    /// Begins to wait for the epoch block once a quorum has stopped: before, more epochs would only lead this
    /// node further from the others.
    private mutating func awaitProposal() {
        let keys = stops.filter { $0.epoch >= voteRecord.promised }.map(\.key)
        guard changeDeadline == nil, voteRecord.promised > inForce.epoch,
            Quorum([inForce.validators]).isReached(by: keys)
        else { return }
        changeDeadline = now + backoff(timing.change)
    }

    /// A wait that doubles with every epoch that came to nothing, up to 64 times.
    func backoff(_ wait: Span) -> Span {
        Span(nanoseconds: wait.nanoseconds << Int64(min(failedEpochs, 6)))
    }

    /// That a block is certified, for who does not know; empty where this node has its word from the chain.
    func lockCertificate(_ lock: VoteRecord.Point) -> [Attestation] {
        guard let tally = tallies.tally(lock.block) else { return [] }
        guard let known = tree.known(lock.block) else { return tally.votes }
        let quorum = known.context.quorum(of: known.header.kind)
        if quorum.isReached(by: tally.votes.map(\.key)) { return tally.votes }
        return commits(of: tally, on: known.header)
    }

    mutating func take(_ stop: Stop, lock: [Attestation], reader: any StateReader) throws {
        guard stop.chain == rules.chain, stop.epoch > inForce.epoch,
            let validator = relevantSets.lazy.compactMap({ $0.validator(stop.key) }).first,
            stop.isSigned(by: validator.votingKey.array, verifier: rules.verify)
        else { return }
        for attestation in lock.prefix(200) where attestation.block == stop.lock.block {
            let root = tree.known(stop.lock.block)?.header.logRoot ?? .zero
            try take(attestation, logRoot: root, reader: reader)
        }
        note(stop)
        try joinStops(reader: reader)
        awaitProposal()
        try propose(reader: reader)
    }

    private mutating func note(_ stop: Stop) {
        if let known = stops.firstIndex(where: { $0.key == stop.key }) {
            if stops[known].epoch == stop.epoch, stops[known].bytes != stop.bytes {
                effects.append(.evidence(.conflictingStops(stops[known], stop)))
            }
            guard stops[known].epoch < stop.epoch else { return }
            stops[known] = stop
        } else {
            stops.append(stop)
        }
    }

    /// Joins the highest epoch that more than N − q have stopped for.
    private mutating func joinStops(reader: any StateReader) throws {
        let epochs = stops.filter { inForce.validators.validator($0.key) != nil }.map(\.epoch).sorted(by: >)
        guard epochs.count > tolerated else { return }
        let epoch = epochs[tolerated]
        guard epoch > voteRecord.promised else { return }
        let wishes = stops.filter { $0.epoch >= epoch }.map(\.wish)
        try beginStop(epoch, wish: commonWish(wishes), reader: reader)
    }

    // MARK: The proposal

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
    mutating func propose(reader base: any StateReader) throws {
        let epoch = voteRecord.promised
        guard epoch > inForce.epoch, ownProposal?.epoch != epoch else { return }
        let ready = stops.filter { $0.epoch == epoch }
        guard let lock = ready.map(\.lock).max(), let parent = tree.known(lock.block) else { return }
        guard parent.header.epoch == lock.epoch, parent.header.height == lock.height else { return }
        // Locks of the same height and epoch are the same block while liars are few; others are not backed.
        guard lock.block == tree.final.hash || tree.isOnChain(lock.block) else {
            if let block = tree.block(lock.block), isCertified(block),
                try switchTo(lock.block, reader: base)
            {
                try propose(reader: base)
            }
            return
        }
        let reader = rows.reader(over: base, at: parent.header.height)
        let record = try systemRecord(ValidatorsRecord.self, reader)
        // Where too few of the newcomers are there, the epoch begins without them.
        let choices = [record.next, record.current].compactMap { $0 }.map { validators in
            (validators, childQuorum(of: parent.context, kind: parent.header.kind, decided: validators))
        }
        guard let (validators, quorum) = choices.first(where: { $0.1.isReached(by: ready.map(\.key)) })
        else { return }
        let backing = ready.filter { quorum.validator($0.key) != nil }
        guard let proposer = Replica.proposer(of: epoch, in: quorum),
            let voter = voters.first(where: { proposer.isKey($0.key, hash: hash) })
        else { return }
        let certificate = lockCertificate(lock)
        guard lock.height == 0 || !certificate.isEmpty || lock.block == tree.final.hash else { return }
        let engines = try systemRecord(ParametersRecord.self, reader).engines
        let proposal = try EpochProposal.signed(
            chain: rules.chain, epoch: epoch, parent: lock.block, validators: validators,
            engine: EpochContext.expanded(
                choose(
                    engines, epoch: epoch, parent: parent.context, wishes: backing.map(\.wish),
                    hosts: validators),
                host: proposer.member),
            stops: backing, lock: certificate, signer: voter.signer, hash: hash)
        ownProposal = proposal
        effects.append(.publish(.proposal(proposal)))
        try consider(proposal, reader: base)
    }

    /// Validator e mod N of the set that is to be in force.
    private static func proposer(of epoch: Epoch, in quorum: Quorum) -> ValidatorsRecord.Validator? {
        guard let set = quorum.sets.last, !set.validators.isEmpty else { return nil }
        return set.validators[Int(epoch % UInt64(set.validators.count))]
    }

    /// The engine that enough wish; otherwise the list's next with every epoch.
    private func choose(
        _ engines: [String], epoch: Epoch, parent: EpochContext, wishes: [String?],
        hosts: [ValidatorsRecord.Validator]
    ) -> String {
        func matches(_ listed: String, _ engine: String) -> Bool {
            listed.utf8.elementsEqual(engine.utf8)
                || (listed.utf8.elementsEqual("embedded:".utf8) && engine.utf8.starts(with: "embedded:".utf8))
        }
        let attempt = Int(min(epoch - parent.epoch - 1, 1 << 20))
        // What is wished for is tried once: it may be what does not work.
        if attempt == 0, let wish = commonWish(wishes),
            let listed = engines.first(where: { matches($0, wish) })
        {
            let isHosted = hosts.contains { wish.utf8.elementsEqual("embedded:\($0.member)".utf8) }
            return isHosted ? wish : listed
        }
        let current = engines.firstIndex { matches($0, parent.engine) } ?? -1
        return engines[(current + 1 + attempt) % engines.count]
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
            // Whoever has voted in the epoch goes over to another proposal only if that is certified.
            tree.headContext.epoch < proposal.epoch,
            voteRecord.lastVote.map({ $0.epoch < proposal.epoch }) ?? true,
            heldProposal.map({ $0.epoch < proposal.epoch || $0 == proposal }) ?? true
        else { return }
        let publicKey = (relevantSets.lazy.compactMap { $0.validator(proposal.key) }.first?.votingKey.array)
        guard let publicKey, proposal.isSigned(by: publicKey, verifier: rules.verify) else { return }
        try consider(proposal, reader: reader)
    }

    /// Executes and votes for a proposal that holds; keeps one whose parent is not known yet.
    mutating func consider(_ proposal: EpochProposal, reader base: any StateReader) throws {
        guard let parent = tree.known(proposal.parent) else {
            heldProposal = proposal
            return
        }
        guard holds(proposal, on: parent.header, parent.context) else { return }
        guard try switchTo(proposal.parent, reader: base) else { return }
        let reader = rows.reader(over: base)
        let record = try systemRecord(ValidatorsRecord.self, reader)
        guard proposal.validators == record.current || proposal.validators == record.next,
            try isListed(proposal, systemRecord(ParametersRecord.self, reader).engines)
        else { return }
        heldProposal = nil
        if voteRecord.promised < proposal.epoch {
            (voteRecord.promised, ownStops) = (proposal.epoch, [])
            failedEpochs += 1
            changeDeadline = now + backoff(timing.change)
        }
        let block = try append(.epoch(proposal), reader: base)
        try store(block, reader: base)
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

    var genesisHash: Digest { tree.final.header.height == 0 ? tree.final.hash : .zero }
}

extension AttestationKind {
    static let both: [AttestationKind] = [.vote, .commit]
}

extension ValidatorsRecord.Validator {
    func isKey(_ key: KeyID, hash: HashFunction) -> Bool {
        KeyID(publicKey: votingKey.array, hash: hash) == key
    }
}

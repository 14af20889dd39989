import Codec

/// Changing the epoch: suspicion and stops.
///
/// It is the view change of PBFT (Castro and Liskov, 1999) with an epoch block in the place of the new-view
/// message. A block that may be final anywhere was committed by a quorum, each of whom holds it or a higher
/// one as its lock; any quorum of stops meets them in an honest validator; so the highest lock among a quorum
/// of stops descends from every final block of the epochs before, or is it.
extension Replica {
    // MARK: Suspicion

    /// Tells the others that the engine in force does not get on, or that another is wanted; more than N − q
    /// such hints stop the epoch. A hint without a wish is forgotten after four retries: the node repeats it
    /// while a transaction waits. A wish counts until the epoch changes.
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
        let until = wish == nil ? now + freshness : .maximum
        for voter in signers {
            if let known = ownSuspicions.firstIndex(where: { $0.suspicion.key == voter.key }) {
                let said = ownSuspicions[known].suspicion.wish
                if said == wish || wish == nil {
                    ownSuspicions[known].until = max(ownSuspicions[known].until, until)
                    continue
                }
                ownSuspicions.remove(at: known)
            }
            let suspicion = Suspicion.signed(
                chain: rules.chain, epoch: inForce.epoch, wish: wish, signer: voter.signer, hash: hash)
            ownSuspicions.append(Heard(suspicion: suspicion, until: until))
            effects.append(.publish(.suspicion(suspicion)))
        }
    }

    /// How long a suspicion counts that is not said again.
    private var freshness: Span { Span(nanoseconds: timing.retry.nanoseconds * 4) }

    /// Asks for the epoch that brings the validators that the board has decided on, once a quorum of them
    /// can be counted on: those who validate already, and newcomers who have said that they are there.
    mutating func askForDecided() {
        guard let decided, voteRecord.promised == inForce.epoch else { return }
        suspectEngine(wish: inForce.engine, as: true)
        let speakers = (suspicions + ownSuspicions).map(\.suspicion.key)
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
        suspicions.removeAll { $0.suspicion.key == suspicion.key }
        suspicions.append(Heard(suspicion: suspicion, until: now + freshness))
        try stopIfSuspected(reader: reader)
    }

    /// N − q: so many may lie or be away without anything coming of it.
    var tolerated: Int { inForce.validators.validators.count - inForce.validators.quorum }

    /// Whoever has stopped already suspects the engine too.
    mutating func stopIfSuspected(reader: any StateReader) throws {
        guard voteRecord.promised == inForce.epoch else { return }
        var keys: [KeyID] = []
        var wishes: [String?] = []
        func count(_ key: KeyID, _ wish: String?) {
            guard inForce.validators.validator(key) != nil, !keys.contains(key) else { return }
            keys.append(key)
            wishes.append(wish)
        }
        for heard in ownSuspicions + suspicions where heard.suspicion.epoch == inForce.epoch {
            count(heard.suspicion.key, heard.suspicion.wish)
        }
        for stop in stops { count(stop.key, stop.wish) }
        guard keys.count > tolerated else { return }
        try beginStop(inForce.epoch + 1, wish: commonWish(wishes), reader: reader)
    }

    /// What more than N − q wish, so that at least one honest validator does; nil where they do not agree.
    func commonWish(_ wishes: [String?]) -> String? {
        for case let wish? in wishes
        where wishes.count(where: { $0.map { $0.utf8.elementsEqual(wish.utf8) } ?? false }) > tolerated {
            return wish
        }
        return nil
    }

    // MARK: Stops

    /// Promises to sign nothing below an epoch, says so, and proposes its block where it is this node's turn.
    mutating func beginStop(_ epoch: Epoch, wish: String?, reader: any StateReader) throws {
        guard epoch > voteRecord.promised, voters.contains(where: { isRelevant($0.key) }) else { return }
        promise(epoch, wish: wish)
        try propose(reader: reader)
    }

    /// Promises to sign nothing below an epoch, and says so. A node without a vote only follows.
    mutating func promise(_ epoch: Epoch, wish: String?) {
        guard epoch > voteRecord.promised else { return }
        voteRecord.promised = epoch
        (ownStops, ownSuspicions, ownProposal) = ([], [], nil)
        (quorumSince, changeDeadline) = (nil, nil)
        failedEpochs += 1
        let signers = voters.filter { isRelevant($0.key) }
        guard !signers.isEmpty, let lock = voteRecord.lock else { return }
        ownStops = signers.map {
            Stop.signed(
                chain: rules.chain, epoch: epoch, lock: lock, clock: clock, wish: wish, signer: $0.signer,
                hash: hash)
        }
        effects.append(.store([.votes(voteState)]))
        for stop in ownStops {
            effects.append(.publish(.stop(stop, lock: lockCertificate(lock))))
            note(stop)
        }
        if decided != nil {
            decisionAttempts += 1
            let wait = timing.change.nanoseconds << Int64(min(decisionAttempts, 10))
            nextDecisionAttempt = now + Span(nanoseconds: wait)
        }
        awaitProposal()
    }

    /// Begins to wait for the epoch block once a quorum has stopped: before, more epochs would only lead this
    /// node further from the others.
    func hasQuorumStopped(for epoch: Epoch) -> Bool {
        let keys = stops.filter { $0.epoch >= epoch }.map(\.key)
        return Quorum([inForce.validators]).isReached(by: keys)
    }

    mutating func awaitProposal() {
        guard changeDeadline == nil, voteRecord.promised > inForce.epoch,
            hasQuorumStopped(for: voteRecord.promised)
        else { return }
        (quorumSince, changeDeadline) = (now, now + backoff(timing.change))
    }

    /// A wait that doubles with every epoch that came to nothing, up to 64 times.
    func backoff(_ wait: Span) -> Span {
        Span(nanoseconds: wait.nanoseconds << Int64(min(failedEpochs, 6)))
    }

    /// That a block is certified, for who does not know; empty where this node has its word from the chain.
    func lockCertificate(_ lock: VoteRecord.Point) -> [Attestation] {
        guard let known = tree.known(lock.block) else { return tallies.tally(lock)?.votes ?? [] }
        guard let tally = tallies.tally(known.header, lock.block) else { return [] }
        let quorum = known.context.quorum(of: known.header.kind)
        let certificates = [tally.votes, commits(of: tally, on: known.header)].map { signatures in
            signatures.filter { quorum.validator($0.key) != nil }
        }
        return certificates.first { quorum.isReached(by: $0.map(\.key)) } ?? []
    }

    mutating func take(_ stop: Stop, lock: [Attestation], reader: any StateReader) throws {
        guard stop.chain == rules.chain, stop.epoch > inForce.epoch,
            stop.epoch <= max(voteRecord.promised, inForce.epoch) + Replica.epochLead,
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
        try stopIfSuspected(reader: reader)
        try propose(reader: reader)
    }

    mutating func note(_ stop: Stop) {
        if let commit = tallies.commits(by: stop.key).first(where: { stop.hides($0.attestation) }) {
            effects.append(.evidence(.hiddenLock(stop, commit)))
        }
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
}

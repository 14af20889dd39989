import Codec
import Ledger

/// What members submit: kept until it is final or has expired.
extension SimulatedNode {
    /// A client hands in a transaction.
    func submit(_ action: SimulatedContract.Action, lifetime: Span) throws {
        let payload = try TransactionPayload(
            chain: world.rules.chain, expires: now + lifetime, nonce: bigEndianBytes(world.chance.next()),
            contract: SimulatedContract.self, action: action)
        let bytes = memberSigner.sign(payload, hash: hash)
        let transaction = try UnverifiedTransaction(decoding: bytes, hash: hash)
        world.reports.expiries[transaction.id] = payload.expires
        disk.outbox.append(
            Submission(id: transaction.id, bytes: bytes, expires: payload.expires, since: now))
    }

    /// Puts what waits into a batch, or the clock alone where consensus time has fallen behind.
    func submit() {
        // A validator that has stopped alone goes on as a client.
        guard let replica, let following, replica.halted == nil, sabotage != .submitNothing else { return }
        let context = replica.inForce
        let secret = votingSecrets.last { context.validators.validator(FastCryptography.keyID($0)) != nil }
        let waiting = disk.outbox.indices.filter { place in
            disk.outbox[place].sent.map { now - $0 > .milliseconds(700) } ?? true
        }.prefix(20)
        let batchClock = sabotage == .fastClock ? clock + .hours(1) : clock
        let isLate = batchClock - finalTime > .seconds(2) && now - lastTickBatch > .milliseconds(500)
        guard !waiting.isEmpty || isLate else { return }
        let transactions = waiting.map { disk.outbox[$0] }
        for place in waiting { disk.outbox[place].sent = now }
        guard let secret else {
            // Who has no vote asks somebody who may have one.
            if let other = world.chance.pick(world.nodes.filter({ $0.index != index })), !transactions.isEmpty
            {
                world.send(.submissions(transactions), from: index, to: other.index)
            }
            return
        }
        lastTickBatch = now
        let said = liar?.clock(of: self) ?? batchClock
        let bytes = Batch.signed(
            chain: world.rules.chain, epochBlock: context.block, clock: said,
            transactions: transactions.map(\.bytes), signer: FastCryptography.signer(secret), hash: hash)
        world.submit(bytes, to: following.engine, from: index)
    }

    /// Hints that the engine does not get on while something waits too long, and tells the others what waits.
    func complain() throws {
        guard let replica, replica.isOrdering, sabotage != .submitNothing else {
            engineSince = now
            return
        }
        if sabotage == .complainAlways { try act { try $0.suspect(wish: nil, now: now, reader: reader) } }
        let patience = replica.patience
        guard let oldest = disk.outbox.first?.since, now - max(oldest, engineSince) > patience else { return }
        if now - lastForward > .seconds(1) {
            lastForward = now
            let late = disk.outbox.filter { now - $0.since > patience }.prefix(20)
            for other in world.nodes where other.index != index {
                world.send(.submissions(Array(late)), from: index, to: other.index)
            }
        }
        guard replica.isValidator else { return }
        world.coverage.count("complaints")
        try act { try $0.suspect(wish: nil, now: now, reader: reader) }
    }

    /// Lets go of what can no longer become final.
    func expire() throws {
        let time = sabotage == .expireEarly ? finalTime + .days(2) : finalTime
        for submission in disk.outbox where submission.expires <= time {
            guard !hasSeen(submission.id) else { continue }
            world.coverage.count("expired transactions")
            try world.reports.expired(submission.id)
        }
        disk.outbox.removeAll { $0.expires <= finalTime }
    }

    /// Whether the final state knows a transaction.
    func hasSeen(_ id: TransactionID) -> Bool {
        guard let size = replica?.finalHeader.logSize else {
            preconditionFailure("a node that is up has a replica")
        }
        return LeafIndex.leaf(of: id, in: 0..<size) { reader.rows.values[$0] } != nil
    }
}

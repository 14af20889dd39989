import Codec
import Ledger

/// What a node does differently that breaks a rule on purpose: what it tells, sends and writes is what a
/// replica without that rule would.
extension SimulatedNode {
    /// Tells that a block is final.
    func tell(_ block: ExecutedBlock) throws {
        var told = Reports.Told(block)
        var fastest = world.fastestClock()
        switch sabotage {
        case .turnTimeBack where block.header.height > 3: told.time = World.start
        case .leafAfterExpiry: (told.time, fastest) = (told.time + .days(2), nil)
        case .changeOutcome where index == 0:
            for place in told.leaves.indices { told.leaves[place].outcome = .rejected("") }
        case .inventLeaf:
            let id = hash(block.header.encoded)
            told.leaves.append((id, .accepted))
        case .skipFinal where block.header.height == 4: return
        case .spoilRows where index == 0:
            reader.rows.apply([RowChange(key: RowKey(table: "spoilt", key: []), value: [1])])
        default: break
        }
        try world.reports.final(told, at: index, fastest: fastest)
    }

    /// What a saboteur makes of a message.
    func tampered(_ message: ReplicaMessage) -> ReplicaMessage {
        switch (sabotage, message) {
        case (.hideLocks, .stop(let stop, _)): return .stop(hidingLock(stop), lock: [])
        case (.changeSignatures, .vote(let vote)):
            guard life > 0, let block = world.watch.blocks[vote.block], let secret = votingSecrets.last else {
                return message
            }
            let signer = FastCryptography.signer(secret, variant: UInt8(life & 0xff))
            return .vote(
                Attestation.sign(.vote, block.header, hash: vote.block, signer: signer, hash: hash))
        default: return message
        }
    }

    /// A stop that names what is final in the place of the lock, always the same one for an epoch.
    private func hidingLock(_ stop: Stop) -> Stop {
        if let known = hidingStops.first(where: { $0.epoch == stop.epoch }) { return known }
        guard let replica, let signer = signers().last else { return stop }
        let hiding = Stop.signed(
            chain: stop.chain, epoch: stop.epoch,
            lock: VoteRecord.Point(replica.finalHeader, hash: replica.finalHash), clock: stop.clock,
            wish: stop.wish, signer: signer, hash: hash)
        hidingStops.append(hiding)
        disk.stops.insert(hiding.bytes)
        return hiding
    }

    /// A commit to another block of the same epoch and height.
    func commitAgain(_ commit: Attestation) throws {
        guard let known = world.watch.blocks[commit.block], let signer = signers().last else { return }
        var header = known.header
        header.stateRoot = hash(header.stateRoot.bytes)
        let other = Attestation.sign(
            .commit, header, hash: header.hashed(hash), signer: signer, hash: hash)
        try world.published(.commit(other, logRoot: header.logRoot), by: self)
    }

    // MARK: What is written

    /// What a saboteur writes in the place of an item; nil for nothing.
    func tampered(_ item: LogItem) throws -> LogItem? {
        switch (sabotage, item) {
        case (.skipStores, _), (.skipPromises, .votes): return nil
        case (.wrongParent, .block(var record)) where record.header.height == 4:
            record.header.previous = hash(record.header.previous.bytes)
            return .block(record)
        case (.dropStops, .block(let record)), (.repeatStops, .block(let record)),
            (.forgeStops, .block(let record)), (.startLow, .block(let record)),
            (.outOfTurn, .block(let record)):
            guard record.header.kind == .epoch, record.header.height > 0 else { return item }
            return .block(try unjustified(record))
        default: return item
        }
    }

    /// An epoch block that its stops do not justify.
    private func unjustified(_ record: BlockRecord) throws -> BlockRecord {
        let proposal = try EpochProposal(decoding: record.content)
        var (stops, parent, signer) = (proposal.stops, proposal.parent, world.votingSigner(proposal.key))
        var record = record
        switch sabotage {
        case .dropStops: stops = Array(stops.prefix(Plan.quorum(proposal.validators.count) - 1))
        case .repeatStops: stops = stops.dropLast() + stops.prefix(1)
        case .forgeStops: stops = stops.dropLast() + stops.suffix(1).compactMap { world.forged($0) }
        case .outOfTurn: signer = signers().last
        default:
            guard let above = world.watch.blocks[parent]?.header, above.height > 0 else { return record }
            (parent, record.header.height) = (above.previous, above.height)
        }
        guard let signer else { return record }
        record.content = try EpochProposal.signed(
            chain: proposal.chain, epoch: proposal.epoch, parent: parent, validators: proposal.validators,
            engine: proposal.engine, stops: stops, lock: proposal.lock, signer: signer, hash: hash
        ).bytes
        (record.header.previous, record.header.content) = (parent, hash(record.content))
        (record.votes, record.commits) = ([], [])
        return record
    }
}

extension World {
    /// Any node's signer of a voting key.
    fileprivate func votingSigner(_ key: KeyID) -> MessageSigner? {
        for node in nodes {
            for secret in node.votingSecrets where FastCryptography.keyID(secret) == key {
                return FastCryptography.signer(secret)
            }
        }
        return nil
    }

    /// A stop in somebody's name that this somebody did not sign.
    fileprivate func forged(_ stop: Stop) -> Stop? {
        guard let signer = votingSigner(stop.key) else { return nil }
        let forger = MessageSigner(publicKey: signer.publicKey) { _ in Array(repeating: 7, count: 64) }
        return Stop.signed(
            chain: stop.chain, epoch: stop.epoch, lock: stop.lock, clock: stop.clock, wish: stop.wish,
            signer: forger, hash: rules.hash)
    }

    /// What a codec that loses something makes of a message.
    func miscoded(_ message: ReplicaMessage) -> ReplicaMessage {
        guard sabotage == .miscodeMessages, case .status(var status) = message else { return message }
        status.headHeight += 1
        return .status(status)
    }

    /// What a codec that loses something makes of what is written.
    func miscoded(_ item: LogItem) -> LogItem {
        guard sabotage == .miscodeLog, case .block(var record) = item else { return item }
        record.voteRecord.lock = nil
        return .block(record)
    }
}

import Codec
import Ledger

extension SimulatedNode {
    func perform(_ effect: Replica.Effect) throws {
        switch effect {
        case .store(let items):
            for item in items {
                keepCertificate(item)
                if let item = try tampered(item) { write(item) }
            }
            try world.raiseWritten()
            if sabotage == .tellTooEarly, case .block(let record)? = items.first {
                try world.reports.requireFinal(record.header.hashed(hash), by: index)
            }
        case .publish(let message): try publish(message)
        case .final(let block): try finalize(block)
        case .undone(let block):
            world.coverage.count("undone blocks")
            world.trace("\(name) undoes \(world.watch.name(block.hash))")
            for place in disk.outbox.indices { disk.outbox[place].sent = nil }
        case .engine(let context, let position): follow(context, position)
        case .fetch(let height, let member): fetch(above: height, from: member)
        case .serve(let blocks, let height, let member):
            if let member { serve(blocks, above: height, to: member) }
        case .skipped: world.coverage.count("skipped batches")
        case .evidence(let evidence): try world.note(evidence, by: self)
        case .halt(let divergence):
            isUp = false
            isHalted = true
            throw world.watch.fail("no honest node stops", "\(name) halts: \(divergence)")
        }
    }

    private func keepCertificate(_ item: LogItem) {
        switch item {
        case .certificate(let certificate):
            if !certificate.commits.isEmpty { certificates[certificate.block] = certificate }
        case .block(let record):
            guard !record.commits.isEmpty else { return }
            let block = record.header.hashed(hash)
            certificates[block] = BlockCertificate(
                height: record.header.height, block: block, votes: record.votes, commits: record.commits,
                voteRecord: record.voteRecord)
        case .votes: break
        }
    }

    private func finalize(_ block: ExecutedBlock) throws {
        guard block.header.height > (served.last?.header.height ?? 0) || served.isEmpty else {
            throw world.watch.fail("every final block once, in order", "\(name) at \(block.header.height)")
        }
        let candidate = try candidate(block)
        served.append(candidate)
        uncheckpointed.append((block, candidate))
        if case .epoch(let proposal) = candidate.content {
            epochs.append((proposal, block.hash, block.header.height))
            world.coverage.count("epoch blocks made final")
            if isWiped,
                signers().contains(where: { signer in
                    proposal.validators.contains { $0.votingKey.array == signer.publicKey }
                })
            {
                world.coverage.count("voting keys of wiped nodes")
            }
        }
        world.trace("\(name) has final \(world.watch.name(block.hash))")
        try tell(block)
        if !disk.outbox.isEmpty, !block.included.isEmpty, sabotage != .forgetIDs {
            let done = Set(block.included.map(\.id))
            disk.outbox.removeAll { done.contains($0.id) }
        }
        if world.chance.permille(world.plan.checkpointPermille) { checkpoint() }
    }

    private func candidate(_ block: ExecutedBlock) throws -> CandidateBlock {
        let certificate = certificates.removeValue(forKey: block.hash)
        let record = BlockRecord(
            block, votes: certificate?.votes ?? [], commits: certificate?.commits ?? [],
            voteRecord: VoteRecord())
        return try CandidateBlock(record, chain: world.rules.chain, hash: hash)
    }

    private func follow(_ context: EpochContext, _ position: UInt64?) {
        guard let engine = world.engine(context.engine) else { return }
        world.trace("\(name) follows \(context.engine) of epoch \(context.epoch) after \(position ?? 0)")
        if following?.engine !== engine { engineSince = now }
        following = Following(engine: engine, cursor: position ?? 0)
        for place in disk.outbox.indices { disk.outbox[place].sent = nil }
        pumpSoon()
    }

    // MARK: Messages

    private func publish(_ message: ReplicaMessage) throws {
        if let liar {
            try liar.publish(message, from: self)
            return
        }
        let message = tampered(message)
        try world.published(message, by: self)
        if sabotage == .commitAtOnce, case .vote(let vote) = message,
            let block = world.watch.blocks[vote.block]
        {
            let commit = Attestation.sign(
                .commit, block.header, hash: vote.block, signer: signers()[0], hash: hash)
            try world.published(.commit(commit, logRoot: block.header.logRoot), by: self)
        }
        if sabotage == .commitTwice, case .commit(let commit, _) = message { try commitAgain(commit) }
        for other in world.nodes where other.index != index {
            world.send(.replica(message), from: index, to: other.index)
        }
    }

    private func fetch(above height: Height, from member: MemberID?) {
        world.coverage.count("fetches")
        let others = world.nodes.filter { $0.index != index && (member == nil || $0.member == member) }
        guard let other = world.chance.pick(others) else { return }
        world.send(.request(above: height), from: index, to: other.index)
    }

    private func serve(_ pending: [CandidateBlock], above height: Height, to member: MemberID) {
        guard let other = world.nodes.first(where: { $0.member == member }) else { return }
        var blocks: [CandidateBlock] = []
        let first = served.firstIndex { $0.header.height > height } ?? served.count
        for block in served[first...] {
            blocks.append(block)
            if blocks.count >= 100, !block.commits.isEmpty { break }
        }
        if first + blocks.count == served.count { blocks += pending.filter { $0.header.height > height } }
        guard !blocks.isEmpty else { return }
        world.send(.blocks(blocks), from: index, to: other.index)
    }

    func receive(_ packet: Packet, from other: Int) throws {
        guard isUp else { return }
        switch packet {
        case .replica(let message):
            let message = try world.recoded(message)
            try act {
                try $0.received(message, from: world.nodes[other].member, now: now, reader: reader)
            }
        case .request(let height): try act { $0.requested(above: height, by: world.nodes[other].member) }
        case .blocks(let blocks): try act { try $0.received(blocks, now: now, reader: reader) }
        case .submissions(let submissions):
            guard liar == nil else { return }
            let known = Set(disk.outbox.map(\.id))
            for submission in submissions where !known.contains(submission.id) {
                guard world.reports.leaves[submission.id] == nil, submission.expires > finalTime else {
                    continue
                }
                disk.outbox.append(
                    Submission(
                        id: submission.id, bytes: submission.bytes, expires: submission.expires, since: now))
            }
        }
    }

    var finalTime: Timestamp { replica?.finalHeader.time ?? .zero }
}

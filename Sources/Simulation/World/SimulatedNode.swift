import Codec
import Ledger

/// One member's node: it performs a replica's effects the way that the real one does.
final class SimulatedNode {
    /// The engine that is followed, and the last position taken from it.
    struct Following {
        let engine: SimulatedEngine
        var cursor: UInt64
    }

    let index: Int
    let member: MemberID
    unowned let world: World
    /// Signs the member's transactions.
    let memberSigner: MessageSigner
    /// Signs blocks: the last one is the newest.
    var votingSecrets: [UInt64]
    var disk: SimulatedDisk
    var replica: Replica?
    var reader: SimulatedReader
    /// Final blocks with their certificates, by height.
    var served: [CandidateBlock] = []
    var epochs: [(proposal: EpochProposal, block: Digest, height: Height)] = []
    /// Effects that have still to be performed, in order.
    var queue: [Replica.Effect] = []
    /// Final blocks that have been performed and are not in the checkpoint yet.
    var uncheckpointed: [(block: ExecutedBlock, candidate: CandidateBlock)] = []
    /// Signatures that made a block final, until it is told.
    var certificates: [Digest: BlockCertificate] = [:]
    var following: Following?
    /// Grows with every start: what was scheduled before is void.
    var life = 0
    var isUp = true
    var isDeadForGood = false
    /// Gave up by itself: it must not come back by a restart.
    var isHalted = false
    var isPumping = false
    var isDraining = false
    var engineSince = Timestamp.zero
    var lastForward = Timestamp.zero
    var lastTickBatch = Timestamp.zero
    /// Effects that were begun.
    var performed = 0
    /// Kills at about one of so many effects.
    var fragility = 0
    var clockOffset = Span(nanoseconds: 0)
    /// Parts in a thousand that the clock runs too fast.
    var clockDrift: Int64 = 0
    var liar: Liar?
    /// Has lost a part of its disk without noticing.
    var isForgetful = false
    var isWiped = false
    /// What the disk of a forgetful node goes back to, or a backup.
    var backup: SimulatedDisk?
    /// What a liar serves long after.
    var oldCheckpoint: SimulatedDisk.Checkpoint?
    var sabotage: Sabotage?
    /// What a saboteur has said.
    var hidingStops: [Stop] = []

    init(_ index: Int, world: World) throws {
        (self.index, self.world) = (index, world)
        member = World.member(index)
        memberSigner = FastCryptography.signer(World.memberSecret(index))
        votingSecrets = [World.votingSecret(index, 0)]
        reader = SimulatedReader(SimulatedRows())
        let header = world.genesisHeader
        disk = SimulatedDisk(
            checkpoint: .init(
                header: header, hash: header.hashed(world.rules.hash),
                voteState: VoteState(record: VoteRecord(), stops: []), served: []))
        try found()
    }

    /// Begins with an empty disk.
    func found() throws {
        let (replica, effects) = try Replica.found(
            world.genesis, bytes: world.genesisBytes, rules: world.rules, voters: signers(),
            timing: world.plan.timing)
        let header = replica.finalHeader
        disk = SimulatedDisk(
            checkpoint: .init(
                header: header, hash: replica.finalHash, voteState: replica.voteState, served: []))
        reader = SimulatedReader(SimulatedRows())
        self.replica = replica
        (served, epochs, uncheckpointed, certificates) = ([], [], [], [:])
        for case .final(let block) in effects {
            reader.rows.apply(block.changes)
            disk.checkpoint.rows = reader.rows
        }
        for case .store(let items) in effects {
            for item in items { disk.append(item, hash: hash) }
        }
    }

    var name: String { "node \(index)" }
    var now: Timestamp { world.now }
    var hash: HashFunction { world.rules.hash }

    var clock: Timestamp {
        let passed = (now - World.start).nanoseconds
        return World.start + Span(nanoseconds: passed + passed / 1000 * clockDrift) + clockOffset
    }

    func signers() -> [MessageSigner] {
        votingSecrets.map {
            FastCryptography.signer($0)
        }
    }

    // MARK: Events

    /// Lets the replica act and performs what it asks for.
    func act(_ event: (inout Replica) throws -> [Replica.Effect]) throws {
        guard isUp, var replica else { return }
        self.replica = nil
        let effects: [Replica.Effect]
        do { effects = try event(&replica) } catch {
            isUp = false
            throw world.watch.fail("no honest node stops", "\(name): \(error)")
        }
        self.replica = replica
        try take(effects)
    }

    func take(_ effects: [Replica.Effect]) throws {
        for case .final(let block) in effects { reader.rows.apply(block.changes) }
        guard !effects.isEmpty else { return }
        queue.append(contentsOf: effects)
        if world.plan.slowDiskMilliseconds > 0 {
            guard !isDraining else { return }
            isDraining = true
            world.after(
                milliseconds: world.chance.below(world.plan.slowDiskMilliseconds), .drain(index, life: life))
        } else {
            try drain()
        }
    }

    /// Performs what is queued; a crash may come before any of it.
    func drain() throws {
        isDraining = false
        var position = 0
        if sabotage == .publishBeforeStore { queue = SimulatedNode.publishFirst(queue) }
        while position < queue.count, isUp {
            if fragility > 0, world.chance.below(fragility) == 0 {
                return die(at: position)
            }
            performed += 1
            if index == 0, performed == world.plan.killAt { return die(at: position) }
            let effect = queue[position]
            position += 1
            try perform(effect)
        }
        queue.removeAll(keepingCapacity: true)
    }

    private func die(at position: Int) {
        queue.removeFirst(position)
        world.coverage.count("killed between effects")
        crash()
        world.restartLater(self)
    }

    private static func publishFirst(_ queue: [Replica.Effect]) -> [Replica.Effect] {
        let published = queue.filter { if case .publish = $0 { true } else { false } }
        return published + queue.filter { if case .publish = $0 { false } else { true } }
    }

    func tick() throws {
        try act { try $0.tick(now: now, clock: clock, reader: reader) }
        guard isUp else { return }
        try expire()
        try complain()
        submit()
        pumpSoon()
    }

    // MARK: The engine

    func pumpSoon() {
        guard !isPumping, isUp, let following, hasNext(following) else { return }
        isPumping = true
        world.after(
            milliseconds: 1 + world.chance.below(world.plan.jitterMilliseconds), .pump(index, life: life))
    }

    private func hasNext(_ following: Following) -> Bool {
        following.engine.entries(for: index).count > Int(following.cursor)
    }

    /// Takes the next batch from the engine, and whatever does not belong to the epoch before it.
    func pump() throws {
        isPumping = false
        guard isUp, var following, !following.engine.isStalled, world.canReach(following.engine, from: index)
        else { return }
        let entries = following.engine.entries(for: index)
        for _ in 0..<50 where Int(following.cursor) < entries.count {
            guard let replica, replica.takesBatches else { break }
            let entry = entries[Int(following.cursor)]
            following.cursor += 1
            self.following = following
            let isOurs = entry.batch.batch.epochBlock == replica.inForce.block
            try act { try $0.ordered(entry.batch, now: now, reader: reader) }
            if isOurs || !isUp || self.following?.cursor != following.cursor { break }
        }
        pumpSoon()
    }

    // MARK: Crashes

    /// The process dies: what was not synced is gone, except perhaps a part of the write under way.
    func crash() {
        guard isUp else { return }
        if let first = queue.first(where: { if case .store = $0 { true } else { false } }),
            case .store(let items) = first, world.chance.permille(300)
        {
            for item in items.prefix(world.chance.below(items.count + 1)) { write(item) }
        }
        isUp = false
        life += 1
        replica = nil
        queue = []
        (following, isPumping, isDraining) = (nil, false, false)
        world.coverage.count("crashes")
        world.trace("\(name) crashes")
    }

    func write(_ item: LogItem) {
        disk.append(item, hash: hash)
        world.written(item, by: self)
    }

    /// What a sabotaged node's store has lost.
    var hiddenTable: String? {
        switch sabotage {
        case .wrongRows where index == 0, .wrongRowsEverywhere: "counter"
        case .forgetIDs: LeafIndex.table
        default: nil
        }
    }

    func restart() throws {
        guard !isUp, !isDeadForGood, !isHalted else { return }
        isUp = true
        life += 1
        (uncheckpointed, certificates) = ([], [:])
        (served, epochs) = (disk.checkpoint.served, disk.checkpoint.epochs)
        world.reports.rewind(index, to: disk.checkpoint.header.height)
        reader = SimulatedReader(disk.checkpoint.rows)
        reader.hiddenTable = hiddenTable
        var voteState = disk.checkpoint.voteState
        var tail = try disk.tail.map { try world.recoded($0) }
        if sabotage == .forgetVotes {
            voteState = VoteState(record: VoteRecord(), stops: [])
            tail = tail.map(SimulatedNode.forgetful)
        }
        let context = EpochContext.following(world.genesisContext, epochs, hash: hash)
        let replica: Replica
        let effects: [Replica.Effect]
        do {
            var executor = disk.checkpoint.executor(world.rules)
            executor.recall(
                try UsedIDs(rememberedIn: SimulatedReader(disk.checkpoint.rows), at: executor.head))
            (replica, effects) = try Replica.restore(
                executor: executor, context: context, voteState: voteState,
                log: tail, voters: signers(), timing: world.plan.timing, reader: reader)
        } catch {
            isUp = false
            throw world.watch.fail("no honest node stops", "\(name) at its start: \(error)")
        }
        world.coverage.count("restarts")
        world.trace("\(name) starts at \(replica.finalHeader.height), tail of \(tail.count)")
        self.replica = replica
        world.after(milliseconds: 1, .tick(index, life: life))
        // What became final in the blocks that a snapshot stands for.
        disk.outbox.removeAll { hasSeen($0.id) }
        try take(effects)
    }

    /// As if nothing had been promised or signed.
    private static func forgetful(_ item: LogItem) -> LogItem {
        switch item {
        case .block(var record):
            (record.voteRecord, record.votes, record.commits) = (VoteRecord(), [], [])
            return .block(record)
        case .certificate(var certificate):
            certificate.voteRecord = VoteRecord()
            return .certificate(certificate)
        case .votes: return .votes(VoteState(record: VoteRecord(), stops: []))
        }
    }

    /// Loses everything: the node comes back, with a backup or with nothing, as one that only follows, until
    /// a new key of its is in force.
    func wipe(restoring backup: SimulatedDisk?) throws {
        crash()
        votingSecrets = [World.votingSecret(index, votingSecrets.count + 10)]
        let outbox = disk.outbox
        try found()
        replica = nil
        world.reports.rewind(index, to: 0)
        if let backup {
            disk = backup
            disk.outbox = []
            world.reports.jump(index, to: backup.checkpoint.header.height)
            world.coverage.count("backups restored")
        }
        world.coverage.count("wiped disks")
        world.trace("\(name) lost its disk, and \(outbox.count) transactions")
    }

    /// Brings the stored rows up to what has been told.
    func checkpoint() {
        for (block, candidate) in uncheckpointed {
            disk.checkpoint.apply(block, served: candidate, hash: hash)
        }
        uncheckpointed = []
        disk.checkpoint.voteState = disk.voteState
        if liar != nil, oldCheckpoint == nil, !disk.checkpoint.served.isEmpty {
            oldCheckpoint = disk.checkpoint
        }
    }
}

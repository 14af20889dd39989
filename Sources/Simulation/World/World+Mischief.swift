import Codec
import Ledger

/// What goes wrong.
extension World {
    func makeMischief() throws {
        if let schedule = plan.schedule, chance.permille(400) {
            switch schedule {
            case .rollback, .rollbackTooMany: return try rollBack()
            case .restoration: return try wipeSomebody()
            case .snapshots: return try takeSnapshot()
            case .deaths: return chance.permille(500) ? try changeValidators() : bury()
            case .outages: return try sleepLong()
            }
        }
        switch chance.below(27) {
        case 0..<4: crashSomebody()
        case 4..<6: partition()
        case 6: blockOneWay()
        case 7..<12: disturbEngine()
        case 12: try wish()
        case 13: try killTheOnlyWitness()
        case 14: try rollBack()
        case 15: try wipeSomebody()
        case 16, 17: try changeValidators()
        case 18: try takeSnapshot()
        case 19..<22:
            // Without commits blocks are final and nobody knows.
            veiled = chance.pick([.commit, .commit, .blocks, .vote, .stop, .proposal, nil, nil]) ?? nil
            coverage.count("kinds of message lost")
        case 22, 23: try ambush()
        case 24: awaitsVote = true
        case 25: bury()
        default: if chance.permille(plan.badClock == nil ? 120 : 400) { try sleepLong() }
        }
    }

    func restartLater(_ node: SimulatedNode, within milliseconds: Int = 3000) {
        after(milliseconds: 20 + chance.below(milliseconds), .restart(node.index))
    }

    private func crashSomebody() {
        guard let node = chance.pick(nodes.filter(\.isUp)) else { return }
        node.crash()
        restartLater(node)
        // Sometimes many at once.
        guard chance.permille(200) else { return }
        for other in nodes where other.isUp && chance.permille(600) {
            other.crash()
            restartLater(other)
        }
    }

    private func partition() {
        coverage.count("partitions")
        let side = nodes.map { _ in chance.permille(500) }
        for from in nodes.indices {
            for to in nodes.indices { blocked[from][to] = side[from] != side[to] }
        }
        trace("partition \(side.map { $0 ? 1 : 0 })")
        if chance.permille(300) { liftBlocks() }
    }

    private func blockOneWay() {
        let (from, to) = (chance.below(nodes.count), chance.below(nodes.count))
        if from != to { blocked[from][to].toggle() }
        if chance.permille(400) { liftBlocks() }
        coverage.count("one-way blocks")
    }

    private func liftBlocks() {
        for from in nodes.indices { for to in nodes.indices { blocked[from][to] = false } }
    }

    func disturbEngine() {
        let followed = nodes.compactMap { $0.following?.engine }
        guard let engine = chance.pick(followed) else { return }
        switch chance.below(8) {
        case 0:
            engine.isStalled.toggle()
            coverage.count("engine stalls")
        case 1:
            engine.loseTail(1 + chance.below(4))
            coverage.count("engine tails lost")
        case 2:
            engine.recreate()
            coverage.count("engines recreated")
        case 3:
            engine.replay(chance.below(max(1, engine.faces[0].count)), face: 0)
            coverage.count("batches ordered twice")
        case 4:
            engine.censored = engine.censored == nil ? chance.below(nodes.count) : nil
            coverage.count("members censored")
        case 5:
            engine.unite()
            engine.isStalled = false
        default:
            engine.split(plan.split ?? nodes.map { _ in chance.below(2) })
            coverage.count("engines two-faced")
        }
        trace("\(engine.address) disturbed")
    }

    /// The engine loses its tail, or everything, between a block's first votes and its lock.
    func failBetweenVoteAndLock() {
        awaitsVote = false
        guard let engine = chance.pick(nodes.compactMap { $0.following?.engine }) else { return }
        if chance.permille(500) { engine.recreate() } else { engine.loseTail(1 + chance.below(3)) }
        coverage.count("engines failed between vote and lock")
        trace("\(engine.address) fails between vote and lock")
    }

    /// Operators move the ledger to another engine.
    private func wish() throws {
        guard let engine = chance.pick(plan.engines) else { return }
        let wish = engine == "embedded:" ? "embedded:m\(chance.below(plan.validators))" : engine
        coverage.count("planned moves")
        for node in nodes where node.isUp && chance.permille(700) {
            try node.act { try $0.suspect(wish: wish, now: now, reader: node.reader) }
        }
    }

    /// Where a liar is to propose next: blocks become final and nobody knows, then everybody stops.
    private func ambush() throws {
        let contexts = nodes.compactMap { $0.replica?.inForce }
        guard let context = contexts.max(by: { $0.epoch < $1.epoch }) else { return }
        let validators = context.validators.validators
        let next = validators[Int((context.epoch + 1) % UInt64(validators.count))].member
        guard nodes.contains(where: { $0.member == next && $0.liar != nil }) else { return }
        guard veiled == .commit else {
            veiled = .commit
            return
        }
        coverage.count("ambushes")
        for node in nodes where node.isUp {
            try node.act { try $0.suspect(wish: nil, now: now, reader: node.reader) }
        }
    }

    /// The one node that knows of a final block dies.
    private func killTheOnlyWitness() throws {
        let heights = nodes.map { $0.served.last?.header.height ?? 0 }
        guard let highest = heights.max(), heights.count(where: { $0 == highest }) == 1, nodes.count > 1,
            let witness = heights.firstIndex(of: highest), nodes[witness].isUp
        else { return }
        coverage.count("only witnesses killed")
        nodes[witness].crash()
        if mayDie(witness) { return die(witness) }
        restartLater(nodes[witness], within: 8000)
    }

    /// Whether the ledger goes on without a member: every set that may validate keeps a quorum.
    private func mayDie(_ index: Int) -> Bool {
        guard plan.change != .wiping, !plan.liarsStay, !nodes[index].isDeadForGood else { return false }
        return decided.allSatisfy { set in
            let gone = set.count { $0 == index || nodes[$0].isDeadForGood }
            return !set.contains(index) || gone <= set.count - Plan.quorum(set.count)
        }
    }

    private func die(_ index: Int) {
        nodes[index].isDeadForGood = true
        coverage.count("members dead for good")
        if decided.count > 1 { coverage.count("members dead for good after a change") }
        trace("node \(index) is dead for good")
    }

    /// A member is gone for good.
    private func bury() {
        guard plan.change == .changing, let node = chance.pick(nodes), node.isUp, mayDie(node.index) else {
            return
        }
        node.crash()
        die(node.index)
    }

    private func rollBack() throws {
        guard let index = plan.forgetful, nodes[index].isUp else { return }
        let node = nodes[index]
        guard let old = node.backup, chance.permille(600) else {
            node.backup = node.disk
            return
        }
        node.crash()
        let outbox = node.disk.outbox
        node.disk = old
        node.disk.outbox = outbox
        coverage.count("disks rolled back")
        trace("\(node.name) goes back to \(old.checkpoint.header.height)")
        restartLater(node)
    }

    private func wipeSomebody() throws {
        guard plan.change == .wiping, !nodes.contains(where: \.isWiped), reports.count > 3 else { return }
        let node = nodes[chance.below(plan.validators)]
        guard node.isUp, node.liar == nil, let replica = node.replica else { return }
        var validators = replica.inForce.validators.validators
        guard let place = validators.firstIndex(where: { $0.member == node.member }) else { return }
        let backup = node.backup
        if backup == nil, chance.permille(600) {
            node.backup = node.disk
            return
        }
        try node.wipe(restoring: backup)
        node.isWiped = true
        let key = FastCryptography.publicKey(node.votingSecrets[0])
        validators[place] = .init(member: node.member, votingKey: Bytes(key))
        try node.submit(.validators(.init(next: validators)), lifetime: .hours(20))
        restartLater(node)
    }

    /// The board decides: members come and go, keys change, or everybody is replaced.
    private func changeValidators() throws {
        guard plan.change == .changing else { return }
        var chosen = nodes.filter { _ in chance.permille(650) }
        if chance.permille(300), let context = nodes.compactMap({ $0.replica?.inForce }).first {
            // Everybody is replaced, and the engine fails with them.
            chosen = nodes.filter { node in
                !context.validators.validators.contains { $0.member == node.member }
            }
            engine(context.engine)?.isStalled = true
            coverage.count("everybody replaced")
        }
        let bad = chosen.count { $0.liar != nil || $0.isForgetful }
        let dead = chosen.count { $0.isDeadForGood }
        guard (1...7).contains(chosen.count), bad <= Plan.bound(chosen.count),
            dead <= chosen.count - Plan.quorum(chosen.count)
        else { return }
        if dead > 0 { coverage.count("validators decided with dead members") }
        decided.append(chosen.map(\.index))
        let untrusted = chosen.count { $0.liar != nil || $0.index == plan.badClock }
        if untrusted > chosen.count / 2 { clocksAreBroken = true }
        let validators = chosen.sorted { $0.member < $1.member }.map { node in
            if chance.permille(250), node.votingSecrets.count < 6, !node.isDeadForGood { rotateKey(of: node) }
            let key = FastCryptography.publicKey(node.votingSecrets[node.votingSecrets.count - 1])
            return ValidatorsRecord.Validator(member: node.member, votingKey: Bytes(key))
        }
        coverage.count("validators decided")
        trace("the board decides on \(chosen.map(\.index))")
        guard let client = chance.pick(nodes) else { return }
        try client.submit(.validators(.init(next: validators)), lifetime: .hours(20))
        if chance.permille(200) {
            try client.submit(.engines(.init(engines: chance.shuffle(plan.engines))), lifetime: .hours(20))
        }
    }

    private func rotateKey(of node: SimulatedNode) {
        let secret = World.votingSecret(node.index, node.votingSecrets.count)
        node.votingSecrets.append(secret)
        if node.liar != nil || node.isForgetful { watch.faulty.insert(FastCryptography.keyID(secret)) }
        coverage.count("voting keys changed")
        node.crash()
        restartLater(node, within: 300)
    }

    /// A node that has fallen behind, or begins, takes the state from others, whoever of them has one.
    private func takeSnapshot() throws {
        let present = nodes.filter { !$0.isDeadForGood }
        func height(_ node: SimulatedNode) -> Height { node.served.last?.header.height ?? 0 }
        let furthest = present.min { height($0) < height($1) }
        guard let node = chance.permille(500) ? furthest : chance.pick(present) else { return }
        if plan.schedule == .snapshots, node.isUp, chance.permille(500) {
            // Away for long.
            node.crash()
            return restartLater(node, within: 20_000)
        }
        node.crash()
        for other in chance.shuffle(nodes) where other !== node {
            guard let snapshot = try other.offeredSnapshot() else { continue }
            if try node.take(snapshot, of: other) { break }
        }
        restartLater(node, within: 500)
    }

    /// Everything is down for so long that what was signed before has expired.
    private func sleepLong() throws {
        coverage.count("long outages")
        if nodes.contains(where: { $0.clockOffset > .hours(1) }) {
            coverage.count("long outages with a clock days ahead")
        }
        for node in nodes { node.crash() }
        skip(.hours(Int64(chance.within(2...40))))
        for node in nodes { restartLater(node) }
    }

    // MARK: The end of it

    /// Nothing goes wrong from now on, except what is broken for good.
    func heal() throws {
        isHealed = true
        trace("healed")
        liftBlocks()
        veiled = nil
        for engine in allEngines {
            engine.unite()
            (engine.isStalled, engine.censored) = (engine.host == nil && chance.permille(300), nil)
        }
        for node in nodes {
            node.fragility = 0
            if !plan.liarsStay { node.liar = nil }
            if !node.isUp { restartLater(node, within: 500) }
        }
    }

    // MARK: Clients

    func client(_ index: Int) throws {
        guard clientsGoOn else { return }
        after(milliseconds: 1 + chance.below(2 * plan.clientMilliseconds), .client(index))
        let node = nodes[index]
        guard node.isUp, !node.isDeadForGood, node.disk.outbox.count < 60 else { return }
        let counter = World.member(chance.below(6))
        let lifetime: Span =
            chance.permille(80)
            ? .milliseconds(Int64(chance.within(300...4000))) : .seconds(Int64(chance.within(600...80_000)))
        if chance.permille(60) {
            let wait = Int64(chance.within(0...5000))
            try node.submit(.later(.init(counter: counter, milliseconds: wait)), lifetime: lifetime)
        } else {
            try node.submit(
                .add(.init(counter: counter, amount: Int64(chance.below(100)))), lifetime: lifetime)
        }
    }
}

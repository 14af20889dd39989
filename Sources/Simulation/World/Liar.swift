import Codec
import Ledger

/// What a lying validator says in the place of what its replica would: it signs anything with its own keys,
/// says different things to different nodes, and knows everything that the other liars know.
final class Liar {
    private unowned let world: World
    private let index: Int
    private var isSilent = false
    /// Votes and commits for everything, to everybody: what more liars than the bound need.
    let isEager: Bool

    init(world: World, node index: Int, isEager: Bool = false) {
        (self.world, self.index, self.isEager) = (world, index, isEager)
    }

    private var node: SimulatedNode { world.nodes[index] }
    private var hash: HashFunction { world.rules.hash }

    private func others(_ permille: Int) -> [Int] {
        world.nodes.map(\.index).filter { $0 != index && (isEager || world.chance.permille(permille)) }
    }

    private func say(_ message: ReplicaMessage, to recipients: [Int]) {
        for other in recipients { world.send(.replica(message), from: index, to: other) }
    }

    func clock(of node: SimulatedNode) -> Timestamp {
        switch world.chance.below(4) {
        case 0: World.start
        case 1: node.clock + .days(Int64(world.chance.within(1...400)))
        default: node.clock
        }
    }

    // MARK: Signatures

    /// Signs a block that somebody has executed.
    func see(_ header: BlockHeader, _ block: Digest) throws {
        guard isEager || world.chance.permille(400) else { return }
        let kinds: [AttestationKind] = isEager || world.chance.permille(700) ? [.vote, .commit] : [.vote]
        for kind in kinds { try sign(kind, header, block) }
    }

    private func sign(_ kind: AttestationKind, _ header: BlockHeader, _ block: Digest) throws {
        for signer in node.signers() {
            let attestation = Attestation.sign(kind, header, hash: block, signer: signer, hash: hash)
            try world.watch.note(attestation, by: "liar \(index)")
            world.coverage.count("lying signatures")
            let message: ReplicaMessage =
                kind == .vote ? .vote(attestation) : .commit(attestation, logRoot: header.logRoot)
            say(message, to: others(500))
        }
    }

    // MARK: What its replica wants to say

    func publish(_ message: ReplicaMessage, from node: SimulatedNode) throws {
        guard !isSilent || isEager else { return }
        switch message {
        case .vote(let vote):
            try world.watch.note(vote, by: node.name)
            say(message, to: others(700))
        case .commit(let commit, _):
            try world.watch.note(commit, by: node.name)
            say(message, to: others(700))
        case .stop(let stop, let lock):
            Liar.pool(stop, in: world)
            for other in others(850) {
                let said = world.chance.permille(500) ? .stop(stop, lock: lock) : falseStop(stop.epoch)
                if let said { say(said, to: [other]) }
            }
        case .proposal(let proposal):
            let forged = forge(proposal.epoch, like: proposal)
            for other in others(850) {
                say(
                    world.chance.permille(500) ? message : forged.map { .proposal($0) } ?? message,
                    to: [other])
            }
        case .status(var status):
            if world.chance.permille(300) { status.finalHeight = world.chance.next() }
            say(.status(status), to: others(900))
        case .suspicion: say(message, to: others(900))
        }
    }

    /// A stop with a lock that is too low, unknown, or somebody else's.
    private func falseStop(_ epoch: Epoch) -> ReplicaMessage? {
        guard epoch > 0, let signer = node.signers().last else { return nil }
        var lock = VoteRecord.Point(world.genesisHeader, hash: world.genesisHeader.hashed(hash))
        if world.chance.permille(600), let block = world.chance.pick(world.watch.order),
            let header = world.watch.blocks[block]?.header, header.epoch < epoch
        {
            lock = VoteRecord.Point(header, hash: block)
        } else if world.chance.permille(300) {
            lock = VoteRecord.Point(
                epoch: epoch - 1, height: world.chance.next() >> 40, block: hash([1, 2, 3]))
        }
        let engines = world.allEngines.map(\.address)
        let stop = Stop.signed(
            chain: world.rules.chain, epoch: epoch, lock: lock, clock: clock(of: node),
            wish: world.chance.permille(300) ? world.chance.pick(engines) : nil, signer: signer, hash: hash)
        Liar.pool(stop, in: world)
        world.coverage.count("lying stops")
        return .stop(stop, lock: world.watch.blocks[lock.block]?.votes ?? [])
    }

    // MARK: Proposals

    /// Remembers a stop for every liar.
    static func pool(_ stop: Stop, in world: World) {
        guard !world.stops.contains(stop) else { return }
        world.stops.append(stop)
        if world.stops.count > 120 { world.stops.removeFirst(20) }
    }

    /// An epoch block on the lowest lock that some quorum of stops allows, with any engine.
    private func forge(_ epoch: Epoch, like model: EpochProposal?) -> EpochProposal? {
        guard let signer = node.signers().last, let replica = node.replica else { return nil }
        let known = world.stops.filter { $0.epoch == epoch }.sorted { $0.lock < $1.lock }
        var stops: [Stop] = []
        for stop in known where !stops.contains(where: { $0.key == stop.key }) { stops.append(stop) }
        let quorum = replica.inForce.validators.quorum
        let wanted =
            world.chance.permille(300) ? 1 + world.chance.below(quorum) : quorum + world.chance.below(2)
        stops = Array(stops.prefix(wanted))
        guard let lock = stops.map(\.lock).max() else { return nil }
        let validators = model?.validators ?? replica.inForce.validators.validators
        let lowest = stops.map(\.lock).min() ?? lock
        let any = world.chance.pick(Array(world.watch.order.suffix(10))) ?? lock.block
        // What somebody holds to be final needs no certificate there, and may be below what is final.
        let final = world.chance.pick(world.nodes)?.replica?.finalHash ?? lowest.block
        let choices = [lock.block, lowest.block, final, final, any]
        let parent = world.chance.pick(choices) ?? lock.block
        world.coverage.count("lying proposals")
        return try? EpochProposal.signed(
            chain: world.rules.chain, epoch: epoch, parent: parent, validators: validators,
            engine: "embedded:m\(world.chance.below(world.nodes.count))", stops: stops,
            lock: world.watch.blocks[parent]?.votes ?? [], signer: signer, hash: hash)
    }

    // MARK: Of its own accord

    func act() throws {
        guard let replica = node.replica else { return }
        let epoch = max(replica.inForce.epoch, replica.voteState.record.promised)
        switch world.chance.below(7) {
        case 0:
            isSilent = world.chance.permille(300)
            if isSilent { world.coverage.count("silent liars") }
        case 1:
            for other in others(500) {
                if let stop = falseStop(epoch + UInt64(world.chance.below(3))) { say(stop, to: [other]) }
            }
        case 2:
            guard let signer = node.signers().last else { return }
            let suspicion = Suspicion.signed(
                chain: world.rules.chain, epoch: replica.inForce.epoch, wish: nil, signer: signer, hash: hash)
            say(.suspicion(suspicion), to: others(700))
        case 3:
            if let proposal = forge(epoch + UInt64(world.chance.below(2)), like: nil) {
                say(.proposal(proposal), to: others(600))
            }
        case 4:
            if world.chance.permille(50), let stop = falseStop(.max - UInt64(world.chance.below(3))) {
                say(stop, to: others(500))
            }
        default:
            let recent = world.watch.order.suffix(8)
            if let block = world.chance.pick(Array(recent)), let header = world.watch.blocks[block]?.header {
                try sign(world.chance.permille(500) ? .vote : .commit, header, block)
            }
        }
    }
}

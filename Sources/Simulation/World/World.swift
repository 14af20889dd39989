import Codec
import Ledger

/// What nodes send each other; indirect because it is moved about in the queue.
indirect enum Packet {
    case replica(ReplicaMessage)
    case request(above: Height)
    case blocks([CandidateBlock])
    case submissions([Submission])
}

extension Packet {
    enum Kind: CaseIterable { case vote, commit, stop, proposal, blocks, other }

    var kind: Kind {
        switch self {
        case .replica(.vote): .vote
        case .replica(.commit): .commit
        case .replica(.stop): .stop
        case .replica(.proposal): .proposal
        case .blocks: .blocks
        case .replica, .request, .submissions: .other
        }
    }
}

/// What happens next.
enum Happening {
    case deliver(Packet, from: Int, to: Int)
    case tick(Int, life: Int)
    case drain(Int, life: Int)
    case pump(Int, life: Int)
    case client(Int)
    case order([UInt8], SimulatedEngine, from: Int)
    case restart(Int)
    case lie(Int)
}

/// A whole consortium on one thread: nodes, network, engines, clients, and what goes wrong.
final class World {
    static let start = Timestamp(milliseconds: 1_767_225_600_000)

    let seed: UInt64
    let plan: Plan
    let genesis: Genesis
    let genesisBytes: [UInt8]
    let rules: Rules
    let genesisContext: EpochContext
    let genesisHeader: BlockHeader
    let watch: Watch
    let reports: Reports
    var chance: Chance
    var coverage = Coverage()
    private(set) var nodes: [SimulatedNode] = []
    private var engines: [SimulatedEngine] = []
    /// Messages from one node to another that do not arrive.
    var blocked: [[Bool]]
    private(set) var now = World.start
    private(set) var events = 0
    private var queue = EventQueue<Happening>()
    private let log: ((String) -> Void)?
    /// A kind of message that hardly ever arrives.
    var veiled: Packet.Kind?
    /// Nothing goes wrong any more.
    var isHealed = false
    var clientsGoOn = true
    /// Written and not yet seen by the checkers.
    private var written: [(item: LogItem, node: SimulatedNode)] = []
    /// Consensus time may be wrong: too many clocks were.
    var clocksAreBroken = false
    let sabotage: Sabotage?
    /// The members of every set of validators that was ever decided on: each may be in force somewhere.
    var decided: [[Int]] = []
    /// An engine fails as soon as a block has votes and no quorum of them.
    var awaitsVote = false

    static func member(_ index: Int) -> MemberID { MemberID(unchecked: "m\(index)") }
    static func memberSecret(_ index: Int) -> UInt64 { 1_000_000 + UInt64(index) }
    static func votingSecret(_ index: Int, _ generation: Int) -> UInt64 {
        UInt64(index * 1000 + generation)
    }

    init(seed: UInt64, plan: Plan, sabotage: Sabotage?, log: ((String) -> Void)?) throws {
        (self.seed, self.plan, self.log, self.sabotage) = (seed, plan, log, sabotage)
        chance = Chance(seed: seed)
        let members = (0..<plan.nodes).map {
            (World.member($0), FastCryptography.publicKey(World.memberSecret($0)))
        }
        genesis = Genesis(
            name: "simulated", created: World.start, simulated: true,
            validators: (0..<plan.validators).map {
                let key = FastCryptography.publicKey(World.votingSecret($0, 0))
                return .init(member: World.member($0), votingKey: Bytes(key))
            }, parameters: .init(), founders: Bytes([]))
        genesisBytes = try genesis.encoded()
        let hash = FastCryptography.hash
        rules = Rules(
            chain: hash(genesisBytes), hash: hash, verify: FastCryptography.verifier,
            contracts: [
                SimulatedContract.contracts(members: members, engines: plan.engines)
            ])
        let (executor, block) = try Executor.found(genesis, bytes: genesisBytes, rules: rules)
        genesisHeader = executor.head
        genesisContext = EpochContext.genesis(
            genesis, block: block.hash, engines: plan.engines, hash: hash)
        watch = Watch(genesis: executor.head, context: genesisContext, rules: rules)
        reports = Reports(watch: watch, genesis: executor.head, nodes: plan.nodes)
        blocked = Array(repeating: Array(repeating: false, count: plan.nodes), count: plan.nodes)
        for address in plan.engines where !address.hasPrefix("embedded:") {
            engines.append(SimulatedEngine(address, host: nil, nodes: plan.nodes))
        }
        for index in 0..<plan.nodes {
            engines.append(SimulatedEngine("embedded:m\(index)", host: index, nodes: plan.nodes))
        }
        for index in 0..<plan.nodes { nodes.append(try SimulatedNode(index, world: self)) }
        try begin()
    }

    private func begin() throws {
        trace("\(plan)")
        for node in nodes {
            let index = node.index
            node.clockOffset = .milliseconds(plan.clockOffsets[index])
            if plan.badClock == index {
                let isAhead = plan.schedule == .outages || chance.permille(500)
                node.clockOffset = isAhead ? .days(3) : .milliseconds(-90_000)
            }
            node.clockDrift = Int64(chance.within(0...2)) - 1
            node.sabotage = sabotage
            node.reader.hiddenTable = node.hiddenTable
            if plan.liars.contains(index) {
                node.liar = Liar(world: self, node: index, isEager: plan.isEager)
            }
            if plan.liars.contains(index) || plan.forgetful == index {
                watch.faulty.insert(FastCryptography.keyID(World.votingSecret(index, 0)))
            }
            node.isForgetful = plan.forgetful == index
            if !plan.isCalm, chance.permille(400) { node.fragility = chance.pick([60, 200, 600]) ?? 0 }
            if let replica = node.replica { try node.take([.engine(replica.inForce, after: nil)]) }
            after(milliseconds: chance.below(50), .tick(index, life: 0))
            after(milliseconds: chance.below(200), .client(index))
            if node.liar != nil { after(milliseconds: chance.below(300), .lie(index)) }
        }
        let untrusted = plan.liars.count + (plan.badClock == nil ? 0 : 1)
        clocksAreBroken = untrusted > plan.validators / 2
        decided = [(0..<plan.validators).map { $0 }]
        if plan.isEager { coverage.count("eager liars", plan.liars.count) }
        if plan.isEager || plan.split != nil {
            for engine in engines { engine.split(plan.split ?? (0..<plan.nodes).map { $0 % 2 }) }
        }
    }

    // MARK: Time

    func after(milliseconds: Int, _ happening: Happening) {
        queue.push(happening, at: now + .milliseconds(Int64(milliseconds)))
    }

    /// Time passes while nothing happens.
    func skip(_ time: Span) { now = now + time }

    func trace(_ text: @autoclosure () -> String) {
        guard let log else { return }
        let passed = (now - World.start).nanoseconds / 1_000_000
        log("\(passed) ms  \(text())")
    }

    /// Lets the next thing happen.
    func step() throws {
        guard let (time, happening) = queue.pop() else { return }
        now = max(now, time)
        events += 1
        switch happening {
        case .deliver(let packet, let from, let to): try nodes[to].receive(packet, from: from)
        case .tick(let index, let life):
            guard nodes[index].life == life, nodes[index].isUp else { return }
            try nodes[index].tick()
            if nodes[index].isUp {
                after(milliseconds: 40 + chance.below(30), .tick(index, life: nodes[index].life))
            }
        case .drain(let index, let life):
            if nodes[index].life == life, nodes[index].isUp { try nodes[index].drain() }
        case .pump(let index, let life):
            if nodes[index].life == life { try nodes[index].pump() }
        case .client(let index): try client(index)
        case .order(let bytes, let engine, let from): try order(bytes, engine, from: from)
        case .restart(let index): try nodes[index].restart()
        case .lie(let index):
            try nodes[index].liar?.act()
            after(milliseconds: 100 + chance.below(400), .lie(index))
        }
        if !isHealed, !plan.isCalm, chance.below(plan.mischiefEvents) == 0 { try makeMischief() }
    }

    // MARK: Network

    func send(_ packet: Packet, from: Int, to: Int) {
        guard !blocked[from][to], nodes[to].isUp || chance.permille(300) else { return }
        if let veiled, packet.kind == veiled, chance.permille(900) { return }
        if !isHealed, chance.permille(plan.dropPermille) { return }
        let copies = !isHealed && chance.permille(plan.duplicatePermille) ? 2 : 1
        for _ in 0..<copies {
            var delay = plan.delayMilliseconds + chance.below(plan.jitterMilliseconds)
            if !isHealed, chance.permille(10) { delay += chance.below(2000) }
            after(milliseconds: delay, .deliver(packet, from: from, to: to))
        }
    }

    /// One message in so many goes through its bytes.
    func recoded(_ message: ReplicaMessage) throws -> ReplicaMessage {
        guard chance.below(64) == 0 else { return message }
        let decoded = try ReplicaMessage(decoding: miscoded(message).encoded)
        guard decoded == message else { throw watch.fail("bytes say the same", "\(message)") }
        return decoded
    }

    func recoded(_ item: LogItem) throws -> LogItem {
        let decoded: LogItem
        switch miscoded(item) {
        case .block(let block): decoded = .block(try BlockRecord(decoding: block.encoded))
        case .certificate(let certificate):
            decoded = .certificate(try BlockCertificate(decoding: certificate.encoded))
        case .votes(let state): decoded = .votes(try VoteState(decoding: state.encoded))
        }
        guard decoded == item else { throw watch.fail("bytes say the same", "\(item)") }
        return decoded
    }

    // MARK: Engines

    func engine(_ address: String) -> SimulatedEngine? { engines.first { $0.address == address } }
    var allEngines: [SimulatedEngine] { engines }

    func canReach(_ engine: SimulatedEngine, from node: Int) -> Bool {
        guard let host = engine.host else { return true }
        return host == node || nodes[host].isUp && !blocked[node][host] && !blocked[host][node]
    }

    func submit(_ bytes: [UInt8], to engine: SimulatedEngine, from node: Int) {
        guard canReach(engine, from: node), engine.censored != node else { return }
        if !isHealed, chance.permille(plan.dropPermille / 2) { return }
        after(
            milliseconds: plan.delayMilliseconds + chance.below(plan.jitterMilliseconds),
            .order(bytes, engine, from: node))
    }

    private func order(_ bytes: [UInt8], _ engine: SimulatedEngine, from node: Int) throws {
        guard !engine.isStalled, engine.host.map({ nodes[$0].isUp }) ?? true else { return }
        let batch = try Batch(decoding: bytes, chain: rules.chain)
        let candidates = batch.transactions.map { Candidate(decoding: $0, hash: rules.hash) }
        for face in engine.faces.indices {
            if engine.isTwoFaced, chance.permille(150) { continue }
            engine.append(batch, candidates: candidates, to: face)
            if engine.isTwoFaced, chance.permille(100) {
                engine.replay(chance.below(engine.faces[face].count), face: face)
            }
        }
        for node in nodes where node.following?.engine === engine { node.pumpSoon() }
    }

    // MARK: What the checkers see

    func written(_ item: LogItem, by node: SimulatedNode) { written.append((item, node)) }

    /// Shows the checkers what was written, once it all is.
    func raiseWritten() throws {
        let items = written
        written = []
        for (item, node) in items {
            switch item {
            case .block(let record):
                if try watch.note(record) { try newBlock(record) }
                try note(record.votes + record.commits, by: node)
            case .certificate(let certificate): try note(certificate.votes + certificate.commits, by: node)
            case .votes(let state):
                for stop in state.stops { watch.note(stop, by: node.name) }
            }
        }
    }

    /// - Parameter signatures: the node's own and others' that it has seen.
    private func note(_ signatures: [Attestation], by node: SimulatedNode) throws {
        let own = node.votingSecrets.map { FastCryptography.keyID($0) }
        for signature in signatures where own.contains(signature.key) {
            try watch.note(signature, by: node.name)
        }
    }

    private func newBlock(_ record: BlockRecord) throws {
        let hash = record.header.hashed(rules.hash)
        if record.header.kind == .epoch { coverage.count("epoch blocks executed") }
        for node in nodes {
            try node.liar?.see(record.header, hash)
            if node.sabotage == .signEverything, node.index == 0 {
                let vote = Attestation.sign(
                    .vote, record.header, hash: hash, signer: node.signers()[0], hash: rules.hash)
                try watch.note(vote, by: node.name)
            }
        }
    }

    /// An honest node sends something: its disk must explain it.
    func published(_ message: ReplicaMessage, by node: SimulatedNode) throws {
        try raiseWritten()
        switch message {
        case .vote(let vote): try explain(vote, node)
        case .commit(let commit, _): try explain(commit, node)
        case .stop(let stop, _):
            guard node.disk.stops.contains(stop.bytes) else {
                throw watch.fail(
                    "the disk explains what is sent", "\(node.name) sent a stop for \(stop.epoch)")
            }
            watch.note(stop, by: node.name)
            Liar.pool(stop, in: self)
        case .suspicion, .proposal, .status: break
        }
    }

    private func explain(_ attestation: Attestation, _ node: SimulatedNode) throws {
        try watch.note(attestation, by: node.name)
        if awaitsVote, !isHealed, watch.blocks[attestation.block]?.isCertified == false {
            failBetweenVoteAndLock()
        }
        trace("\(node.name) sends a \(attestation.kind) for \(watch.name(attestation.block))")
        if watch.faulty.contains(attestation.key) { return }
        guard node.disk.signatures.contains(attestation) else {
            throw watch.fail(
                "the disk explains what is sent",
                "\(node.name) sent a \(attestation.kind) for \(watch.name(attestation.block))")
        }
    }

    func note(_ evidence: Replica.Evidence, by node: SimulatedNode) throws {
        coverage.count("evidence")
        let keys: [KeyID]
        switch evidence {
        case .conflicting(let first, let second): keys = [first.attestation.key, second.attestation.key]
        case .conflictingStops(let first, let second): keys = [first.key, second.key]
        case .hiddenLock(let stop, let commit): keys = [stop.key, commit.attestation.key]
        }
        for key in keys where !watch.faulty.contains(key) {
            throw watch.fail("evidence only of liars", "\(node.name) accuses \(key)")
        }
    }

    /// Stops that are known anywhere: what liars build proposals from.
    var stops: [Stop] = []

    /// The fastest clock of those that may be trusted; nil where too many of the validators' clocks may not.
    func fastestClock() -> Timestamp? {
        guard !clocksAreBroken else { return nil }
        return nodes.filter { $0.liar == nil && $0.index != plan.badClock }.map(\.realClock).max().map {
            max($0, World.start)
        }
    }
}

extension SimulatedNode {
    /// The clock as it should be, whatever a saboteur says.
    fileprivate var realClock: Timestamp { clock }
}

import Foundation
import TestSupport

/// One thing that goes wrong, and comes right again.
enum Fault: CaseIterable {
    case killNode, killAgain, killHost, pauseNode, pauseHost, restartNode
    case partNode, partOneWay, partHalves, killEveryNode, wipeNode
    case killLeader, pauseServer, partServer, killMajority, moveToServers, loseServers

    /// What happens in a short run: each once, in an order in which it leaves enough to go on.
    static let once: [Fault] = [
        .killLeader, .pauseServer, .partServer, .killNode, .pauseNode, .partNode, .killMajority, .killHost,
        .pauseHost,
        .moveToServers, .killAgain, .killEveryNode, .partHalves, .partOneWay, .restartNode, .loseServers,
        .wipeNode,
    ]

    /// Whether it befalls the node that orders, or the servers that do.
    var needsHost: Bool { self == .killHost || self == .pauseHost }
    var needsServers: Bool {
        [.killLeader, .pauseServer, .partServer, .killMajority, .loseServers].contains(self)
    }
}

/// Brings faults about, and prints what each one did and how long recovery took.
final class Faults {
    private let fleet: Fleet
    private let recovery: Recovery
    /// What may happen once each has happened.
    private let possible: [Fault]
    private let print: (String) -> Void
    private var random: SeededGenerator
    /// Nodes that have lost their vote record and only observe.
    private var observers: Set<Int> = []
    private(set) var problems: [String] = []

    /// How long the ledger may take to go on.
    private static let patience = 120.0

    init(
        _ fleet: Fleet, _ recovery: Recovery, among possible: [Fault], seed: UInt64,
        print: @escaping (String) -> Void
    ) {
        (self.fleet, self.recovery, self.possible, self.print) = (fleet, recovery, possible, print)
        random = SeededGenerator(seed: seed)
    }

    private var all: [Int] { Array(fleet.members.indices) }

    func next() -> Fault {
        let possible = self.possible.filter { $0 != .wipeNode || observers.isEmpty }
        return possible.randomElement(using: &random) ?? .killNode
    }

    func perform(_ fault: Fault) throws {
        if fault.needsHost, fleet.host == nil { try move(to: "embedded:") }
        if fault.needsServers, fleet.host != nil { try move(to: fleet.engine) }
        let any = all.randomElement(using: &random) ?? 0
        let node = fault.needsHost ? fleet.host ?? any : any
        let name = fleet.members[node].text
        let others = all.filter { $0 != node }
        switch fault {
        case .killNode, .killHost:
            fleet.kill(node)
            during("\(name) killed\(fault == .killHost ? ", the engine's host" : "")", others)
            try fleet.start(node)
            after("\(name) started again", node)
        case .pauseNode, .pauseHost:
            fleet.pause(node)
            during("\(name) paused\(fault == .pauseHost ? ", the engine's host" : "")", others)
            fleet.resume(node)
            after("\(name) goes on", node)
        case .killAgain:
            for _ in 0..<4 {
                fleet.kill(node)
                try fleet.start(node)
                usleep(.random(in: 0...1_500_000, using: &random))
            }
            after("\(name) killed and started four times", node)
        case .restartNode:
            let status = fleet.stop(node)
            if status != 0 { problems.append("\(name) stopped with \(status.map { "\($0)" } ?? "SIGKILL")") }
            during("\(name) stopped by its operator", others)
            try fleet.start(node)
            after("\(name) started again", node)
        case .partOneWay:
            let isDeaf = Bool.random(using: &random)
            fleet.cut(node, isDeaf: isDeaf)
            during("\(name) \(isDeaf ? "reaches nobody" : "is reached by nobody")", others)
            fleet.mend()
            after("\(name) connected again", node)
        case .partNode:
            fleet.part([[node], others])
            during("\(name) cut off from the other nodes", others)
            fleet.mend()
            after("\(name) connected again", node)
        case .partHalves:
            let order = all.shuffled(using: &random)
            let halves = [Array(order.prefix(3)).sorted(), Array(order.suffix(3)).sorted()]
            fleet.part(halves)
            let text = halves.map { $0.map { fleet.members[$0].text }.joined(separator: " ") }
                .joined(separator: " | ")
            say("\(text) parted", "no quorum, waits 5 s")
            usleep(5_000_000)
            fleet.mend()
            goesOn("parts joined", all)
        case .killEveryNode:
            for index in all { fleet.kill(index) }
            for index in all { try fleet.start(index) }
            goesOn("every node killed and started", all)
        case .wipeNode:
            try fleet.wipe(node)
            observers.insert(node)
            during("\(name) killed and its ledger removed", others)
            try fleet.start(node)
            after("\(name) started without its ledger, observes", node)
        case .moveToServers: if fleet.host != nil { try move(to: fleet.engine) }
        case .killLeader, .pauseServer, .partServer, .killMajority, .loseServers: try servers(fault)
        }
    }

    private func servers(_ fault: Fault) throws {
        let nats = fleet.nats
        let leader = nats.streamLeader ?? Int.random(in: 0..<nats.count, using: &random)
        let others = (0..<nats.count).filter { $0 != leader }
        switch fault {
        case .killLeader:
            nats.kill(leader)
            goesOn("NATS s\(leader) killed\(nats.streamLeader == nil ? "" : ", the leader")", all)
            try nats.start(leader)
        case .pauseServer:
            nats.pause(leader)
            goesOn("NATS s\(leader) paused", all)
            nats.resume(leader)
            goesOn("NATS s\(leader) goes on", all)
        case .partServer:
            fleet.cutServer(leader)
            goesOn("NATS s\(leader), the leader, cut off from the other servers", all)
            fleet.mend()
            goesOn("NATS s\(leader) connected again", all)
        case .killMajority:
            nats.kill(leader)
            nats.kill(others[0])
            goesOn("NATS s\(leader) s\(others[0]) killed, a majority", all)
            try nats.start(leader)
            try nats.start(others[0])
            goesOn("NATS s\(leader) s\(others[0]) started again", all)
        default:
            for index in 0..<nats.count { nats.kill(index) }
            for index in 0..<nats.count { try nats.wipe(index) }
            goesOn("all of NATS killed and its files removed", all)
            for index in 0..<nats.count { try nats.start(index) }
            goesOn("NATS started again, empty", all)
            try move(to: fleet.engine)
        }
    }

    /// Has the ledger go on with another engine, as operators do: with `millwright engine move`, on as many
    /// nodes as it takes.
    private func move(to engine: String) throws {
        let name = engine.prefix { $0 != "," }
        let voters = all.filter { !observers.contains($0) }
        let operators = voters.prefix(all.count - Fleet.quorum + 1)
        let begin = Date()
        var count = 1
        while true {
            for index in operators.dropLast() { try fleet.move(index, to: engine, isLast: false) }
            do {
                if let last = operators.last { try fleet.move(last, to: engine, isLast: true) }
                break
            } catch {
                // The epoch may have changed before enough had asked.
                guard count < 4 else { throw error }
                say("\(error)", "asked again")
                count += 1
            }
        }
        let time = Recovery.text(Date().timeIntervalSince(begin))
        let names = operators.map { fleet.members[$0].text }.joined(separator: " and ")
        goesOn("moved to \(name) by \(names) with «millwright engine move» in \(time)", all)
        let isMoved = (fleet.host == nil) == (engine == fleet.engine)
        if !isMoved { problems.append("the ledger did not move to \(engine)") }
    }

    // MARK: What is measured

    /// With a node away: the others go on where they are enough to make a quorum.
    private func during(_ what: String, _ nodes: [Int]) {
        guard nodes.filter({ !observers.contains($0) }).count >= Fleet.quorum else {
            say(what, "no quorum, waits 3 s")
            usleep(3_000_000)
            return
        }
        goesOn(what, nodes)
        usleep(.random(in: 500_000...4_000_000, using: &random))
    }

    private func goesOn(_ what: String, _ nodes: [Int]) {
        let times = recovery.probe(nodes, seconds: Faults.patience)
        say(what, times.text)
        if times.last == nil { problems.append("\(what): \(times.text) in \(Faults.patience) s") }
        check()
    }

    private func after(_ what: String, _ node: Int) {
        let caughtUp = recovery.caughtUp(node, seconds: Faults.patience)
        let times = recovery.probe(all, seconds: Faults.patience)
        say(what, "caught up \(Recovery.text(caughtUp)), \(times.text)")
        if caughtUp == nil || times.last == nil { problems.append("\(what): did not recover") }
        check()
    }

    private func check() {
        for (index, status) in fleet.fallen {
            problems.append("\(fleet.members[index]) ended by itself with status \(status)")
        }
    }

    private func say(_ what: String, _ result: String) {
        let reports = all.compactMap { try? fleet.report($0) }
        let height = reports.map(\.finalHeight).max().map { "height \($0)" } ?? ""
        let epoch = reports.max { $0.finalHeight < $1.finalHeight }.map {
            "epoch \($0.epoch) \($0.engine.address.prefix { $0 != "," })"
        }
        print("\(what): \(result)   [\(height), \(epoch ?? "")]")
    }
}

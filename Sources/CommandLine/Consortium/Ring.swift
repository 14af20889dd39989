import API
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Ordering
import Synchronization

/// Six companies on one machine, each with a data directory, keys and a running node of its own.
final class Ring: Sendable {
    enum Engine: String, CaseIterable {
        case nats
        case embedded
    }

    /// A company's node and the program's way to it.
    struct Company: Sendable {
        let member: MemberID
        let home: Home
        let endpoint: String
    }

    private struct Running {
        var nodes: [ChildProcess] = []
        var servers: [ChildProcess] = []
        var isStopping = false
        /// Why, where somebody asked for it.
        var signal: Int32?
    }

    private let unfinished: UnfinishedHome
    let chain: ChainID
    let companies: [Company]
    let begins: Timestamp
    /// Nil where a company's node orders.
    let servers: RingServers?
    private let running = Mutex(Running())
    /// The nodes that did not end well; held while they end.
    private let ending = Mutex<[String]>([])

    var folder: URL { unfinished.home.folder }

    // MARK: Founding

    /// Founds the ledger: the board's company alone, in a data directory of its own. The others join.
    /// - Throws: `home.exists`, `home.busy`, `nats.not_installed`, `http.server`, and what founding throws.
    ///   Nothing is left behind then.
    init(in folder: URL, engine: Engine, begins: Timestamp) throws {
        let unfinished = try UnfinishedHome(Home(folder))
        self.begins = begins
        self.unfinished = unfinished
        do {
            let members = DemoCast.members
            let ports = try LocalPorts.free(members.count + 2 * RingServers.count)
            let companies = zip(members, ports).map { member, port in
                Company(
                    member: member.id, home: Home(folder.appendingPathComponent(member.id.text)),
                    endpoint: "https://127.0.0.1:\(port)")
            }
            servers = engine == .nats ? try RingServers(ports: Array(ports.dropFirst(members.count))) : nil
            chain = try Ring.found(companies, begins: begins)
            self.companies = companies
        } catch {
            try? unfinished.remove(only: DemoCast.members.map(\.id.text))
            throw error
        }
    }

    private static func found(_ companies: [Company], begins: Timestamp) throws -> ChainID {
        let founder = companies.first { $0.member == DemoCast.board } ?? companies[0]
        var founding = Founding(
            name: DemoCast.consortium,
            members: DemoCast.members.filter { $0.id == founder.member }.map { member in
                var member = member
                member.endpoint = founder.endpoint
                return member
            }, validator: founder.member, created: begins, simulated: true)
        founding.engines = ["embedded:"]
        let chain = try founding.found(in: [founder.member: founder.home], validators: [founder.member])
        try configure(founder, .defaults(member: founder.member, endpoint: founder.endpoint))
        return chain
    }

    /// As the configuration says, but the node listens on this machine only.
    static func configure(_ company: Company, _ configuration: NodeConfiguration) throws(NodeError) {
        var configuration = configuration
        configuration.listen = String(company.endpoint.dropFirst("https://".count))
        try configuration.write(to: company.home)
    }

    // MARK: Running

    static let patience = Duration.seconds(60)

    /// This program.
    /// - Throws: `process.not_started`.
    static func program() throws(NodeError) -> URL {
        guard let program = Bundle.main.executableURL else {
            throw NodeError("process.not_started", "this program does not know where it is")
        }
        return program
    }

    /// Starts a company's node.
    /// - Throws: `process.not_started`.
    func start(_ company: Company) throws(NodeError) {
        let node = try ChildProcess(
            company.member.text, try Ring.program(), ["node", "--home", company.home.folder.path],
            log: company.home.folder.appendingPathComponent("node.log"))
        running.withLock { $0.nodes.append(node) }
    }

    /// Starts the NATS servers for the companies' keys, and waits until they have a leader.
    /// - Throws: `process.*`, `home.io`, `keys.*`.
    func start(_ servers: RingServers) throws {
        let members = try companies.map {
            NATSServerConfiguration.Member(id: $0.member, key: try $0.home.natsKey().publicKey)
        }
        let started = try servers.start(
            in: folder.appendingPathComponent("nats"), chain: chain, members: members)
        running.withLock { $0.servers = started }
        let deadline = ContinuousClock.now + Ring.patience
        while !started.allSatisfy(RingServers.hasLeader) {
            try check()
            guard ContinuousClock.now < deadline else {
                throw NodeError("process.not_ready", "the NATS servers have elected no leader")
            }
            usleep(20_000)
        }
    }

    /// Waits until every node is ready and as wanted.
    /// - Throws: `process.ended`, `process.not_ready`, `consortium.interrupted`.
    func wait(_ patience: Duration = Ring.patience, until isSo: (NodeReport) -> Bool) throws {
        let deadline = ContinuousClock.now + patience
        for company in companies { try wait(for: company, deadline, isSo) }
    }

    /// Waits until one company's node is ready.
    /// - Throws: as `wait`.
    func wait(for company: Company) throws {
        try wait(for: company, ContinuousClock.now + Ring.patience) { _ in true }
    }

    private func wait(
        for company: Company, _ deadline: ContinuousClock.Instant, _ isSo: (NodeReport) -> Bool
    ) throws {
        var report: NodeReport?
        while true {
            try check()
            report = (try? NodeVerbs.report(company.home)) ?? report
            if let report, report.isReady, isSo(report) { return }
            guard ContinuousClock.now < deadline else {
                let state =
                    report.map { "epoch \($0.epoch) with \($0.engine.address)" } ?? "it does not answer"
                let reasons = report?.reasons.map { "; " + $0 }.joined() ?? ""
                throw NodeError(
                    "process.not_ready", "the node of \(company.member) is not ready: \(state)\(reasons)")
            }
            usleep(20_000)
        }
    }

    /// Sees that nobody has ended by itself.
    /// - Throws: `process.ended`, `consortium.interrupted`.
    func check() throws(NodeError) {
        let (processes, isStopping) = running.withLock { ($0.servers + $0.nodes, $0.isStopping) }
        guard !isStopping else {
            throw NodeError("consortium.interrupted", "stopped before the end, all processes with it")
        }
        for process in processes {
            guard let status = process.status else { continue }
            throw NodeError(
                "process.ended",
                "\(process.name) ended with \(status), see \(process.log.path): \(process.lastWords)")
        }
    }

    /// The companies' ways to the ledger, each through its own node and with its own keys.
    func cast(_ news: RingNews) throws -> DemoCast {
        var nodes: [(Company, RemoteLedger)] = []
        for company in companies {
            guard let address = NodeAddress.running(in: company.home), let pin = address.tlsPin else {
                throw NodeError("node.not_running", "no node runs on \(company.home.folder.path)")
            }
            nodes.append((company, try LedgerOpening.remote(address.endpoint, pin, company.home)))
        }
        let clock = RingClock(nodes.map(\.1), begins: begins)
        let entries = nodes.map { company, node in
            let ledger = RingLedger(node: node, clock: clock, news: news)
            return (company.member, DemoCast.Company(home: company.home, ledger: ledger))
        }
        return DemoCast(Dictionary(uniqueKeysWithValues: entries), clock: clock)
    }

    // MARK: The end

    /// Ends all nodes, then the servers, and waits for them; whoever calls meanwhile waits too.
    /// - Returns: the nodes that did not end well, with how they ended.
    @discardableResult
    func stop(for signal: Int32? = nil) -> [String] {
        running.withLock { running in
            // What ends anyway was not ended by a signal that comes then.
            if !running.isStopping { running.signal = signal }
            running.isStopping = true
        }
        return ending.withLock { failures in
            let (nodes, servers) = running.withLock { ($0.nodes, $0.servers) }
            // They finish together what is on its way: a quorum is needed for it.
            for node in nodes { node.send(SIGTERM) }
            let ends = nodes.map { ($0.name, $0.end(seconds: 30)) }
            for server in servers { server.send(SIGTERM) }
            for server in servers { server.end(seconds: 10) }
            running.withLock { ($0.nodes, $0.servers) = ([], []) }
            failures += ends.filter { $0.1 != 0 }.map { "\($0.0): \($0.1)" }
            return failures
        }
    }

    /// Ends all nodes and servers without asking. What they had made stays.
    func endAtOnce() {
        for process in running.withLock({ $0.servers + $0.nodes }) { process.endAtOnce() }
    }

    /// Removes everything, when all has ended, where a signal was the reason.
    /// - Returns: what to say of it; nil where there was none.
    func interrupted() -> Interruption? {
        guard let signal = running.withLock({ $0.signal }) else { return nil }
        do {
            try unfinished.remove(only: companies.map(\.member.text) + ["nats", "documents"])
            return Interruption(signal, "all processes have ended, and what was made is removed")
        } catch {
            return Interruption(
                signal,
                "all processes have ended, and what was made is still in \(folder.path) "
                    + "(\(ErrorText.of(error))): remove it")
        }
    }
}

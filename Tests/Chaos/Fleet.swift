import API
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import TestSupport

/// Six companies' nodes as processes, each reached by every other through a relay of that pair's own, and
/// three NATS servers that put their transactions in order.
final class Fleet: Sendable {
    let folder: URL
    let members: [MemberID]
    let homes: [Home]
    let chain: ChainID
    let nats: NATSTestCluster
    /// The servers, as the ledger names them.
    let engine: String
    private let program: URL
    private let ports: [UInt16]
    /// From the first to the second.
    private let relays: [[PairRelay?]]
    /// To each NATS server from the one before it: these three make up their network.
    private let routes: [PairRelay]
    private let clients: [HTTPClient]
    private let children = Shared<[Child?]>([])

    static let quorum = 5

    init(_ count: Int, in folder: URL, program: URL) throws {
        (self.folder, self.program) = (folder, program)
        let names = ["anvil", "bench", "crane", "drill", "edger", "forge"].prefix(count)
        let members = names.map { MemberID(unchecked: $0) }
        self.members = members
        homes = names.map { Home(folder.appendingPathComponent($0)) }
        let all = try LocalPorts.free(count + 6)
        let ports = Array(all.prefix(count))
        let natsPorts = Array(all.suffix(6))
        self.ports = ports
        let relays = try (0..<count).map { from in
            try (0..<count).map { to in from == to ? nil : try PairRelay(to: ports[to]) }
        }
        self.relays = relays
        var founding = Founding(
            name: "Chaos",
            members: zip(members, ports).map { member, port in
                .init(
                    id: member, name: member.text, roles: [.board],
                    profile: MemberProfile(registrationName: member.text, country: "DE"),
                    endpoint: "https://127.0.0.1:\(port)")
            }, validator: members[0], created: Fleet.now, simulated: false,
            parameters: .init(transactionsPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000))
        let servers = natsPorts.prefix(3).map { "127.0.0.1:\($0)" }.joined(separator: ",")
        engine = "nats://\(servers)"
        founding.engines = [engine, "embedded:"]
        chain = try founding.found(
            in: Dictionary(uniqueKeysWithValues: zip(members, homes)), validators: members)
        let identities = try zip(members, homes).map { member, home in
            guard let entry = try TLSFiles(home).read(.current) else {
                throw Trouble("no TLS key: \(member)")
            }
            return entry.identity
        }
        for from in members.indices {
            var configuration = NodeConfiguration.defaults(
                member: members[from], endpoint: "https://127.0.0.1:\(ports[from])")
            configuration.listen = "127.0.0.1:\(ports[from])"
            configuration.logLevel = "debug"
            configuration.peers = members.indices.compactMap { to in
                relays[from][to].map {
                    .init(
                        member: members[to].text, endpoint: "https://127.0.0.1:\($0.port)",
                        pins: [identities[to].pin.description])
                }
            }
            try configuration.write(to: homes[from])
        }
        clients = try zip(ports, identities).map { port, identity in
            var configuration = HTTPClientConfiguration()
            configuration.maximumIdleConnections = 16
            return try HTTPClient(
                "https://127.0.0.1:\(port)", trust: .pins([identity.pin]), identity: identity,
                configuration: configuration)
        }
        routes = try natsPorts.suffix(3).map { try PairRelay(to: $0) }
        nats = try NATSTestCluster(
            ports: natsPorts, chain: chain, keys: try zip(members, homes).map { ($0, try $1.natsKey()) },
            reach: routes.map { "127.0.0.1:\($0.port)" })
        // The servers have yet to find each other: the nodes wait for that.
        children.update { $0 = Array(repeating: nil, count: count) }
        for index in members.indices { try start(index) }
    }

    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    // MARK: What can happen to a node

    func start(_ index: Int) throws {
        let child = try Child(
            program, ["node", "--home", homes[index].folder.path], log: log(index))
        children.update { $0[index] = child }
    }

    func kill(_ index: Int) {
        children.read { $0[index] }?.end(SIGKILL)
        children.update { $0[index] = nil }
    }

    func pause(_ index: Int) { children.read { $0[index] }?.signal(SIGSTOP) }
    func resume(_ index: Int) { children.read { $0[index] }?.signal(SIGCONT) }

    /// Ends a node as an operator does.
    /// - Returns: its exit status; nil where it had to be killed.
    func stop(_ index: Int) -> Int32? {
        defer { children.update { $0[index] = nil } }
        return children.read { $0[index] }?.end(SIGTERM)
    }

    /// Parts the nodes: nothing goes between one group and another.
    func part(_ groups: [[Int]]) {
        for (from, row) in relays.enumerated() {
            for (to, relay) in row.enumerated() {
                let isTogether = groups.contains { $0.contains(from) && $0.contains(to) }
                if isTogether { relay?.mend() } else { relay?.cut() }
            }
        }
    }

    /// Parts a node in one direction: it reaches nobody, or nobody reaches it.
    func cut(_ index: Int, isDeaf: Bool) {
        for (from, row) in relays.enumerated() {
            for (to, relay) in row.enumerated() where (isDeaf ? from : to) == index { relay?.cut() }
        }
    }

    /// Parts a NATS server from the other servers; its clients still reach it.
    func cutServer(_ index: Int) {
        for relay in [routes[index], routes[(index + 1) % routes.count]] { relay.cut() }
    }

    func mend() {
        for relay in relays.joined() { relay?.mend() }
        for relay in routes { relay.mend() }
    }

    /// Removes what a node has stored, but for its keys and the genesis. It is killed first.
    ///
    /// Its vote record is gone, so it must not vote any more.
    func wipe(_ index: Int) throws {
        kill(index)
        for name in ["ledger", "engine", "outbox", "vault"] {
            let place = homes[index].folder.appendingPathComponent(name)
            if FileManager.default.fileExists(atPath: place.path) {
                try FileManager.default.removeItem(at: place)
            }
        }
    }

    /// The node that hosts the engine in force; nil where NATS orders.
    var host: Int? {
        let reports = members.indices.compactMap { try? report($0) }
        guard let engine = reports.max(by: { $0.epoch < $1.epoch })?.engine.address else { return nil }
        return members.firstIndex { engine == "embedded:\($0)" }
    }

    /// A node that has ended though nobody ended it, and how.
    var fallen: [(index: Int, status: Int32)] {
        children.read { $0 }.enumerated().compactMap { index, child in
            child?.status().map { (index, $0) }
        }
    }

    /// The operator of a node asks for another engine.
    /// - Parameter isLast: wait until it is in force and followed.
    /// - Throws: where the verb says no.
    func move(_ index: Int, to engine: String, isLast: Bool) throws {
        let output = folder.appendingPathComponent("\(members[index]).move")
        let arguments = ["engine", "move", engine, "--home", homes[index].folder.path]
        let child = try Child(program, arguments + (isLast ? [] : ["--no-wait"]), log: output)
        guard child.end(0, seconds: 90) == 0 else {
            let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
            let last = text.split(separator: "\n").last.map(String.init) ?? ""
            throw Trouble("engine move of \(members[index]): \(last)")
        }
    }

    // MARK: What a node says

    func log(_ index: Int) -> URL { folder.appendingPathComponent("\(members[index]).log") }

    func client(_ index: Int) -> HTTPClient { clients[index] }

    func report(_ index: Int) throws -> NodeReport {
        let answer = try clients[index].request(.get, "/v1/node/status", totalMilliseconds: 3_000)
        return try JSONDecoder().decode(NodeReport.self, from: Data(answer.successful().body))
    }
}

/// A value that threads share.
///
/// `@unchecked Sendable`: `value` is read and written only under `lock`.
final class Shared<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func read<T>(_ body: (Value) -> T) -> T { lock.withLock { body(value) } }
    func update(_ body: (inout Value) -> Void) { lock.withLock { body(&value) } }
}

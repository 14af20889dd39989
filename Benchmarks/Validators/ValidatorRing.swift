import API
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import TestSupport

/// Several companies' nodes in one process, each with a data directory, an HTTPS server and a vote,
/// optionally behind relays that delay what they say to each other, and with NATS servers in their midst.
final class ValidatorRing {
    let members: [MemberID]
    let nodes: [NodeProcess]
    let chain: ChainID
    private let folder: URL
    /// The NATS servers, the first at the first member's place and so on; nil where a member's node orders.
    let servers: NATSTestCluster?
    private let relays: [DelayRelay]
    private let endpoints: [String]
    private let signers: [MessageSigner]

    /// - Parameters:
    ///   - milliseconds: how long anything between two places takes, one way; 0 without relays.
    ///   - servers: NATS servers that order, 0 for the first member's node. Every member has a place of its
    ///     own, and so has every server, the first at the first member's.
    init(
        _ count: Int, in parent: URL, delayMilliseconds milliseconds: Double = 0, servers serverCount: Int = 0
    ) throws {
        let folder = parent.appendingPathComponent("ring-\(UUID().uuidString)")
        self.folder = folder
        members = (0..<count).map { MemberID(unchecked: "company-\($0)") }
        let ports = try LocalPorts.free(count)
        var relays: [DelayRelay] = []
        /// Where another place reaches a port.
        func far(_ port: UInt16) throws -> UInt16 {
            guard milliseconds > 0 else { return port }
            relays.append(try DelayRelay(to: port, milliseconds: milliseconds))
            return relays.last?.port ?? port
        }
        endpoints = try ports.map { "https://127.0.0.1:\(try far($0))" }
        let natsPorts = try LocalPorts.free(2 * serverCount)
        let (clients, routes) = (natsPorts.prefix(serverCount), natsPorts.suffix(serverCount))
        let ways = try clients.map { (near: "127.0.0.1:\($0)", far: "127.0.0.1:\(try far($0))") }
        let reach = try routes.map { "127.0.0.1:\(try far($0))" }
        self.relays = relays
        var founding = Founding(
            name: "Benchmark",
            members: zip(members, endpoints).map { member, endpoint in
                .init(
                    id: member, name: member.text, roles: [.board],
                    profile: MemberProfile(registrationName: member.text, country: "DE"), endpoint: endpoint)
            }, validator: members[0],
            created: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)),
            simulated: false,
            parameters: .init(transactionsPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000))
        if serverCount > 0 {
            founding.engines = ["nats://" + ways.map(\.near).joined(separator: ","), "embedded:"]
        }
        let homes = members.map { Home(folder.appendingPathComponent($0.text)) }
        chain = try founding.found(
            in: Dictionary(uniqueKeysWithValues: zip(members, homes)), validators: members)
        servers =
            serverCount > 0
            ? try NATSTestCluster(
                ports: natsPorts, chain: chain, keys: try zip(members, homes).map { ($0, try $1.natsKey()) },
                reach: reach) : nil
        try servers?.waitForMetadataLeader()
        let identifiers = members
        let addresses = endpoints
        signers = try zip(homes, members).map { try $0.keystore(of: $1).signingKey().signer }
        nodes = try (0..<count).map { index in
            var configuration = NodeConfiguration.defaults(member: identifiers[index], endpoint: "")
            configuration.listen = "127.0.0.1:\(ports[index])"
            configuration.endpoint = addresses[index]
            configuration.logLevel = "error"
            // The own place's server first, the others through relays.
            configuration.nats = .init(
                servers: ways.enumerated().sorted {
                    ($0.offset != index ? 1 : 0) < ($1.offset != index ? 1 : 0)
                }
                .map { .init(server: $1.near, address: $0 == index ? nil : $1.far) })
            return try NodeProcess(
                home: homes[index], configuration: configuration, log: NodeLog(.error))
        }
    }

    /// Whether the servers' order is the one in force.
    var isOrderedByServers: Bool { nodes.allSatisfy { $0.node.epoch.engine.utf8.starts(with: "nats:".utf8) } }

    /// Who orders, for people.
    var order: String {
        let epoch = nodes[0].node.epoch
        let leader = servers?.streamLeader.map { "s\($0)" } ?? "no server"
        return "epoch \(epoch.epoch) with \(epoch.engine.prefix { $0 != "," }), \(leader) leads"
    }

    func stop() {
        for node in nodes { node.stop() }
        for relay in relays { relay.stop() }
        try? FileManager.default.removeItem(at: folder)
    }

    /// A signed transaction of one member: it changes its city.
    func transaction(of index: Int, _ number: Int) throws -> [UInt8] {
        try nodes[index].node.sign(
            ConsortiumContract.self,
            .updateProfile(
                .init(
                    name: members[index].text,
                    profile: MemberProfile(
                        registrationName: members[index].text, city: "City \(number)", country: "DE"),
                    endpoint: endpoints[index])), as: signers[index])
    }

    /// Waits until every node has brought a transaction through.
    func warmUp() async throws {
        for index in nodes.indices {
            _ = try await nodes[index].node.submit(try transaction(of: index, 0), until: .final)
        }
    }
}

import API
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// Several companies' nodes in one process, each with a data directory, an HTTPS server and a vote,
/// optionally behind relays that delay what they say to each other.
final class ValidatorRing {
    let members: [MemberID]
    let nodes: [NodeProcess]
    let chain: ChainID
    private let folder: URL
    private let relays: [DelayRelay]
    private let endpoints: [String]
    private let signers: [MessageSigner]

    /// - Parameters:
    ///   - milliseconds: how long anything between two nodes takes, one way; 0 without relays.
    ///   - engines: the ledger's list; nil for the embedded one, hosted by the first member.
    init(
        _ count: Int, in parent: URL, delayMilliseconds milliseconds: Double = 0, engines: [String]? = nil
    ) throws {
        let folder = parent.appendingPathComponent("ring-\(UUID().uuidString)")
        self.folder = folder
        members = (0..<count).map { MemberID(unchecked: "company-\($0)") }
        let ports = try ValidatorRing.freePorts(count)
        relays =
            milliseconds > 0 ? try ports.map { try DelayRelay(to: $0, milliseconds: milliseconds) } : []
        endpoints = (relays.isEmpty ? ports : relays.map(\.port)).map { "https://127.0.0.1:\($0)" }
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
        founding.engines = engines
        let homes = members.map { Home(folder.appendingPathComponent($0.text)) }
        chain = try founding.found(
            in: Dictionary(uniqueKeysWithValues: zip(members, homes)), validators: members)
        let identifiers = members
        let addresses = endpoints
        signers = try zip(homes, members).map { try $0.keystore(of: $1).signingKey().signer }
        nodes = try (0..<count).map { index in
            var configuration = NodeConfiguration.defaults(member: identifiers[index], endpoint: "")
            configuration.listen = "127.0.0.1:\(ports[index])"
            configuration.endpoint = addresses[index]
            configuration.logLevel = "error"
            return try NodeProcess(
                home: homes[index], configuration: configuration, log: NodeLog(.error))
        }
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

    private static func freePorts(_ count: Int) throws -> [UInt16] {
        var servers: [HTTPServer] = []
        defer { for server in servers { server.stop(graceMilliseconds: 0) } }
        for _ in 0..<count { servers.append(try HTTPServer { _ in HTTPResponse() }) }
        return servers.map(\.port)
    }
}

import Codec
import Cryptography
import Foundation
import Ledger
import Node

/// A node's configuration: `node.json` in its data directory.
///
/// ```json
/// {
///   "member": "press-works",
///   "listen": "0.0.0.0:7443",
///   "endpoint": "https://node.press-works.example:7443",
///   "peers": [{ "member": "chamber", "endpoint": "https://…:7443", "pins": ["sha256//…"] }],
///   "nats": { "authorities": "ca.pem", "certificate": "node.pem", "key": "node-key.pem" },
///   "logLevel": "info",
///   "keepBlocks": 0,
///   "keepDays": 0,
///   "certificateDays": 90,
///   "keyDays": 365
/// }
/// ```
///
/// Only `member` has to be there. A name that is none of these is an error, so that a slip of the pen is
/// seen.
package struct NodeConfiguration: Codable, Hashable, Sendable {
    /// A node that is known beside those on the ledger.
    package struct Peer: Codable, Hashable, Sendable {
        package var member: String
        /// Empty where the peer only calls.
        package var endpoint: String?
        /// As `millwright node status` prints them: `sha256//` and base64.
        package var pins: [String]

        package init(member: String, endpoint: String?, pins: [String]) {
            (self.member, self.endpoint, self.pins) = (member, endpoint, pins)
        }
    }

    /// Files in PEM for an engine `nats-tls://`, relative to the data directory, and this node's way to the
    /// servers.
    package struct NATS: Codable, Hashable, Sendable {
        /// A server of the ledger's list, `HOST:PORT`, and where this node reaches it, where that differs.
        package struct Server: Codable, Hashable, Sendable {
            package var server: String
            package var address: String?

            package init(server: String, address: String? = nil) {
                (self.server, self.address) = (server, address)
            }
        }

        package var authorities: String?
        package var certificate: String?
        package var key: String?
        /// The nearest first. Servers that are not here come after them, as the ledger names them.
        package var servers: [Server]?

        package init(
            authorities: String? = nil, certificate: String? = nil, key: String? = nil,
            servers: [Server]? = nil
        ) {
            (self.authorities, self.certificate, self.key) = (authorities, certificate, key)
            self.servers = servers
        }

        /// Where to reach the servers of an engine, and in which order.
        package func ways(to listed: [EngineAddress.Server]) -> [EngineAddress.Server] {
            var rest = listed
            var ways: [EngineAddress.Server] = []
            for entry in servers ?? [] {
                guard let server = EngineAddress.Server(entry.server.utf8[...]),
                    let index = rest.firstIndex(of: server)
                else { continue }
                rest.remove(at: index)
                ways.append(entry.address.flatMap { EngineAddress.Server($0.utf8[...]) } ?? server)
            }
            return ways + rest
        }
    }

    package var member: String
    /// Where the node listens, `HOST:PORT`.
    package var listen: String?
    /// Where others reach it, `https://HOST[:PORT]`; it goes on the ledger. Missing leaves what is there.
    package var endpoint: String?
    package var peers: [Peer]?
    /// The ledger's name, for a node that takes the genesis document from a peer.
    package var chain: String?
    package var nats: NATS?
    package var logLevel: String?
    /// Blocks that stay in the log when older ones are removed; 0 or missing keeps all.
    package var keepBlocks: UInt64?
    /// Days of blocks that stay in the log; 0 or missing keeps all. Where both are given, the longer counts.
    package var keepDays: Int64?
    package var certificateDays: Int64?
    package var keyDays: Int64?

    package static let defaultPort: UInt16 = 7443

    package init(member: MemberID, listen: String? = nil, endpoint: String? = nil) {
        self.member = member.text
        (self.listen, self.endpoint) = (listen, endpoint)
    }

    /// What `found` and `join` write: a node with an endpoint is reached from everywhere, one without only
    /// from its own machine.
    package static func defaults(member: MemberID, endpoint: String) -> NodeConfiguration {
        let port =
            EngineAddress.Server(endpoint.utf8.dropFirst("https://".utf8.count))?.port
            ?? (endpoint.isEmpty ? defaultPort : 443)
        var configuration = NodeConfiguration(
            member: member, listen: "\(endpoint.isEmpty ? "127.0.0.1" : "0.0.0.0"):\(port)",
            endpoint: endpoint.isEmpty ? nil : endpoint)
        (configuration.logLevel, configuration.peers) = ("info", [])
        (configuration.certificateDays, configuration.keyDays) = (TLSFiles.defaultDays, 365)
        configuration.keepBlocks = 0
        return configuration
    }

    // MARK: Files

    private static let names: Set = [
        "member", "listen", "endpoint", "peers", "chain", "nats", "logLevel", "keepBlocks", "keepDays",
        "certificateDays", "keyDays",
    ]

    /// Reads and checks a file.
    /// - Throws: `config.*`.
    package static func read(_ file: URL) throws(NodeError) -> NodeConfiguration {
        guard let data = try? Data(contentsOf: file) else {
            throw NodeError("config.missing", "\(file.path) cannot be read")
        }
        do {
            guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw NodeError("config.malformed", "\(file.path) is not a JSON object")
            }
            if let name = object.keys.sorted().first(where: { !names.contains($0) }) {
                throw NodeError("config.unknown_name", "\(file.path): there is no setting «\(name)»")
            }
            let configuration = try JSONDecoder().decode(NodeConfiguration.self, from: data)
            try configuration.check(file)
            return configuration
        } catch let error as NodeError { throw error } catch let error as DecodingError {
            throw NodeError("config.malformed", "\(file.path): \(explanation(error))")
        } catch { throw NodeError("config.malformed", "\(file.path) is not JSON") }
    }

    private static func explanation(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "«\(key.stringValue)» is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "is not JSON"
                : "«\(context.codingPath.map(\.stringValue).joined(separator: "."))» is of another type"
        @unknown default: "is not understood"
        }
    }

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and lists always encode.
        return ((try? encoder.encode(self)).map { [UInt8]($0) } ?? []) + [0x0a]
    }

    /// Puts the configuration in a data directory.
    /// - Throws: `home.io`.
    package func write(to home: Home) throws(NodeError) {
        try home.replace(home.configurationFile, with: json, mode: 0o600)
    }

    // MARK: Readings

    private func check(_ file: URL) throws(NodeError) {
        func fail(_ text: String) -> NodeError { NodeError("config.bad_value", "\(file.path): \(text)") }
        guard MemberID(member) != nil else { throw fail("«\(member)» is no member's name") }
        guard listener != nil else { throw fail("listen is HOST:PORT, not «\(listen ?? "")»") }
        if let endpoint, !endpoint.isEmpty {
            guard NodeConfiguration.isEndpoint(endpoint) else {
                throw fail("an endpoint is https://HOST[:PORT], not «\(endpoint)»")
            }
        }
        guard NodeLog.Level(rawValue: logLevel ?? "info") != nil else {
            throw fail("logLevel is debug, info, warning or error")
        }
        guard (1...3650).contains(certificateDays ?? 90), (1...36_500).contains(keyDays ?? 365) else {
            throw fail("certificateDays is 1 to 3650, keyDays 1 to 36500")
        }
        guard (0...36_500).contains(keepDays ?? 0) else { throw fail("keepDays is 0 to 36500") }
        if let chain, Hex.decode(chain).flatMap({ Digest($0) }) == nil {
            throw fail("chain is 64 hexadecimal digits")
        }
        for entry in nats?.servers ?? [] {
            guard ([entry.server] + (entry.address.map { [$0] } ?? [])).allSatisfy(Self.isServer) else {
                throw fail("a server of nats is HOST:PORT, not «\(entry.server)» «\(entry.address ?? "")»")
            }
        }
        for peer in peers ?? [] {
            guard MemberID(peer.member) != nil else { throw fail("«\(peer.member)» is no member's name") }
            guard (peer.endpoint ?? "").isEmpty || NodeConfiguration.isEndpoint(peer.endpoint ?? "") else {
                throw fail("the endpoint of \(peer.member) is not https://HOST[:PORT]")
            }
            guard !peer.pins.isEmpty, peer.pins.allSatisfy({ TLSPin(text: $0) != nil }) else {
                throw fail("the pins of \(peer.member) are sha256// and base64, one at least")
            }
        }
    }

    private static func isServer(_ text: String) -> Bool { EngineAddress.Server(text.utf8[...]) != nil }

    private static func isEndpoint(_ text: String) -> Bool {
        let rest = text.utf8.dropFirst("https://".utf8.count)
        return text.hasPrefix("https://")
            && (EngineAddress.Server.isHost(rest) || EngineAddress.Server(rest) != nil)
    }

    /// Where to listen. `0` as the port takes any free one.
    package var listener: (host: String, port: UInt16)? {
        let text = listen ?? "127.0.0.1:\(NodeConfiguration.defaultPort)"
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.isEmpty ? nil : (host, port)
    }

    package var memberID: MemberID { MemberID(unchecked: member) }
    package var level: NodeLog.Level { logLevel.flatMap { NodeLog.Level(rawValue: $0) } ?? .info }

    package var configuredPeers: [PeerBook.Configured] {
        (peers ?? []).map { peer in
            PeerBook.Configured(
                member: MemberID(unchecked: peer.member), endpoint: peer.endpoint ?? "",
                pins: peer.pins.compactMap { TLSPin(text: $0) })
        }
    }

    /// Which blocks stay; nil for all.
    package var pruning: PruneOrder? {
        let order = PruneOrder(
            blocks: keepBlocks.flatMap { $0 > 0 ? $0 : nil }, days: keepDays.flatMap { $0 > 0 ? $0 : nil })
        return order == PruneOrder() ? nil : order
    }

    package var tlsSettings: TLSPlan.Settings {
        .init(certificateDays: certificateDays ?? TLSFiles.defaultDays, keyDays: keyDays ?? 365)
    }

    /// The settings for NATS, its files with paths from the data directory.
    package func natsFiles(in home: Home) -> NATS? {
        func path(_ text: String?) -> String? {
            text.map { URL(fileURLWithPath: $0, relativeTo: home.folder).path }
        }
        return nats.map { nats in
            NATS(
                authorities: path(nats.authorities), certificate: path(nats.certificate), key: path(nats.key),
                servers: nats.servers)
        }
    }
}

extension TLSPin {
    /// Reads `sha256//` and base64, or 64 hexadecimal digits.
    package init?(text: String) {
        let bytes =
            text.hasPrefix("sha256//")
            ? Data(base64Encoded: String(text.dropFirst("sha256//".count))).map { [UInt8]($0) }
            : Hex.decode(text)
        guard let digest = bytes.flatMap({ Digest($0) }) else { return nil }
        self.init(digest)
    }
}

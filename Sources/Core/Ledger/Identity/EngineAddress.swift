/// An ordering engine as the ledger names it: a URL of at most 256 ASCII characters, without credentials,
/// which do not belong on a ledger.
///
/// `embedded:` runs in the node of the validator that proposes the epoch, `embedded:MEMBER` in that member's
/// node, `nats://HOST:PORT[,HOST:PORT…]` is a NATS JetStream cluster, `nats-tls://…` the same under TLS.
package enum EngineAddress: Hashable, Sendable {
    /// In the node of the validator that proposes the epoch.
    case embedded
    /// In the node of one member.
    case hosted(by: MemberID)
    /// 1 to 16 servers of one cluster, in the order written.
    case nats(servers: [Server], isEncrypted: Bool)

    package struct Server: Hashable, Sendable {
        /// A name or an IPv4 address; an IPv6 address in brackets.
        package let host: String
        package let port: UInt16

        package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }
    }

    package static let maximumCount = 256
    private static let maximumServers = 16

    /// The engine, or nil where the text names none that there is.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count <= EngineAddress.maximumCount, bytes.allSatisfy({ (0x21...0x7e).contains($0) }),
            let colon = bytes.firstIndex(of: 0x3a)
        else { return nil }
        let scheme = String(bytes[..<colon]) ?? ""
        let rest = bytes[bytes.index(after: colon)...]
        switch scheme {
        case "embedded":
            guard !rest.isEmpty else {
                self = .embedded
                return
            }
            guard let member = String(rest).flatMap(MemberID.init) else { return nil }
            self = .hosted(by: member)
        case "nats", "nats-tls":
            guard rest.starts(with: "//".utf8) else { return nil }
            let parts = rest.dropFirst(2).split(separator: 0x2c, omittingEmptySubsequences: false)
            guard (1...EngineAddress.maximumServers).contains(parts.count) else { return nil }
            var servers: [Server] = []
            for part in parts {
                guard let server = Server(part), !servers.contains(server) else { return nil }
                servers.append(server)
            }
            self = .nats(servers: servers, isEncrypted: scheme == "nats-tls")
        default: return nil
        }
    }
}

extension EngineAddress.Server {
    /// `HOST:PORT`; the port has no leading zero.
    package init?(_ text: Substring.UTF8View) {
        guard let colon = text.lastIndex(of: 0x3a), let host = String(text[..<colon]),
            EngineAddress.Server.isHost(host.utf8)
        else { return nil }
        let digits = text[text.index(after: colon)...]
        guard let first = digits.first, (0x31...0x39).contains(first),
            digits.allSatisfy({ (0x30...0x39).contains($0) }), let port = String(digits).flatMap(UInt16.init)
        else { return nil }
        (self.host, self.port) = (host, port)
    }

    /// Letters, digits, `-` and `.`, or in brackets hexadecimal digits, `:` and `.`. Whether it resolves is
    /// for whoever connects.
    package static func isHost(_ host: some Collection<UInt8>) -> Bool {
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func isLetter(_ byte: UInt8, through last: UInt8) -> Bool { (0x61...last).contains(byte | 0x20) }
        guard (1...253).contains(host.count), let first = host.first else { return false }
        if first == 0x5b {
            let inside = Array(host.dropFirst().dropLast())
            return host.count > 3 && Array(host).last == 0x5d && inside.contains(0x3a)
                && inside.allSatisfy {
                    isDigit($0) || isLetter($0, through: 0x66) || $0 == 0x3a || $0 == 0x2e
                }
        }
        return (isDigit(first) || isLetter(first, through: 0x7a))
            && host.allSatisfy { isDigit($0) || isLetter($0, through: 0x7a) || $0 == 0x2d || $0 == 0x2e }
    }
}

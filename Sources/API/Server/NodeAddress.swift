import Codec
import Cryptography
import Foundation
import Ledger
import Node

/// Where a running node is reached by programs on its own machine: `node.address` in its data directory,
/// written when it listens and removed when it stops.
///
/// `{"endpoint":"https://127.0.0.1:7443","pid":4711,"pin":"<hexadecimal>","member":"press-works"}`. Whoever
/// calls shows the node's own TLS key (`TLSFiles`), and is then its own member.
package struct NodeAddress: Codable, Hashable, Sendable {
    /// On loopback, where the node listens there.
    package let endpoint: String
    /// SHA-256 of the TLS key's SubjectPublicKeyInfo, in hexadecimal.
    package let pin: String
    package let pid: Int32
    package let member: String

    package init(endpoint: String, pin: TLSPin, pid: Int32, member: MemberID) {
        (self.endpoint, self.pid, self.member) = (endpoint, pid, member.text)
        self.pin = pin.digest.description
    }

    package var tlsPin: TLSPin? { Hex.decode(pin).flatMap { Digest($0) }.map { TLSPin($0) } }

    /// The address that a data directory holds, where its process is there.
    package static func running(in home: Home) -> NodeAddress? {
        guard let data = try? Data(contentsOf: home.addressFile),
            let address = try? JSONDecoder().decode(NodeAddress.self, from: data),
            address.pid > 0, kill(address.pid, 0) == 0 || errno == EPERM
        else { return nil }
        return address
    }

    package func write(to home: Home) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try home.replace(home.addressFile, with: [UInt8](try encoder.encode(self)), mode: 0o600)
    }

    package static func remove(from home: Home) { unlink(home.addressFile.path) }
}

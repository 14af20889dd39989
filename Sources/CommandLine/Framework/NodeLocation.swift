import API
import Codec
import Cryptography
import Foundation
import Node

/// Where a node is that runs on another machine, and which TLS key it has: `https://HOST:PORT#PIN`, the pin
/// in 64 hexadecimal digits.
struct NodeLocation: Hashable, Sendable {
    let endpoint: String
    let pin: TLSPin

    init?(parsing text: String) {
        let parts = text.trimmingCharacters(in: .whitespacesAndNewlines)
            .split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("https://"), let bytes = Hex.decode(String(parts[1])),
            let digest = Digest(bytes)
        else { return nil }
        (endpoint, pin) = (String(parts[0]), TLSPin(digest))
    }

    /// What `--node`, `$MILLWRIGHT_NODE` or the home's `node.remote` says; nil where none does.
    /// - Throws: `cli.bad_value`, `node.address`.
    static func given(_ invocation: Invocation, _ home: Home) throws -> NodeLocation? {
        let variable = ProcessInfo.processInfo.environment["MILLWRIGHT_NODE"]
        if let text = invocation.string("node") ?? variable {
            guard let location = NodeLocation(parsing: text) else {
                throw UsageError(
                    "cli.bad_value", "--node takes https://HOST:PORT#PIN, the pin in 64 hexadecimal digits")
            }
            return location
        }
        let file = home.folder.appendingPathComponent("node.remote")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        guard let location = NodeLocation(parsing: text) else {
            throw NodeError("node.address", "\(file.path) does not hold https://HOST:PORT#PIN")
        }
        return location
    }
}

/// Opens a ledger where it is: with the node that runs, or in the data directory.
enum LedgerOpening {
    /// - Throws: `node.unreachable`, `node.not_answering` where a node holds the data directory and says
    ///   nothing; `node.no_identity`; what `LedgerNode` throws.
    static func open(
        _ invocation: Invocation, _ home: Home, for purpose: LedgerNode.Purpose = .takingPart
    ) throws -> any LedgerAccess {
        if let location = try NodeLocation.given(invocation, home) {
            return try remote(location.endpoint, location.pin, home)
        }
        guard let address = NodeAddress.running(in: home), let pin = address.tlsPin else {
            return try LedgerNode(home: home, for: purpose)
        }
        do { return try remote(address.endpoint, pin, home) } catch {
            guard error.code == "node.unreachable" || error.code == "node.other_key" else { throw error }
            // The file may be a killed node's; then nobody holds the lock.
            do { return try LedgerNode(home: home, for: purpose) } catch let failure {
                guard failure.code == "storage.locked" else { throw failure }
                throw NodeError(
                    "node.not_answering",
                    "the node of \(home.folder.path) (process \(address.pid)) runs but does not answer at "
                        + address.endpoint, cause: error)
            }
        }
    }

    /// The node at an address, asked as its own member.
    /// - Throws: `node.unreachable`, `node.no_identity`, `node.other_ledger`.
    static func remote(
        _ endpoint: String, _ pin: TLSPin, _ home: Home
    ) throws(NodeError) -> RemoteLedger {
        guard let key = try TLSFiles(home).read(.current) else {
            throw NodeError(
                "node.no_identity",
                "\(home.folder.path) has no tls/node.pem, by which a node knows its member")
        }
        return try RemoteLedger(endpoint, pin: pin, identity: key.identity, home: home)
    }
}

import API
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Vault

/// A node that runs in a data directory: it holds the ledger's lock, and answers its own member.
final class ServedHome: Sendable {
    private let home: Home
    private let node: LedgerNode
    private let server: NodeServer
    private let documents: DocumentReplication

    init(_ home: Home) throws {
        self.home = home
        let node = try LedgerNode(home: home)
        self.node = node
        let member = node.genesis.validators[0].member
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let key = try TLSFiles(home).current(of: member, endpoint: "https://127.0.0.1", now: now)
        let exchange = DocumentExchange(node: node, member: member, identity: key.identity)
        documents = DocumentReplication(
            node: node, member: member, vault: try DocumentVault(home.vaultFolder), exchange: exchange)
        server = try NodeServer(
            host: "127.0.0.1", port: 0, identity: key.identity,
            routes: LocalRoutes(node: node, documents: documents).routes
                + DocumentRoutes(node: node, documents: documents).routes,
            identify: { $0?.pin == key.identity.pin ? .own : .stranger })
        try NodeAddress(
            endpoint: "https://127.0.0.1:\(server.port)", pin: key.identity.pin,
            pid: ProcessInfo.processInfo.processIdentifier, member: member
        ).write(to: home)
        documents.start()
    }

    /// Stops answering, and leaves the address behind as a node that hangs would.
    func mute() {
        server.stop()
    }

    func stop() {
        NodeAddress.remove(from: home)
        server.stop()
        documents.stop()
        try? node.close()
    }
}

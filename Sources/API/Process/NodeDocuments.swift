import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Vault

/// A running node's vault: what it answers other members and its own, and what it fetches by itself.
final class NodeDocuments: Sendable {
    let routes: [Route]
    private let exchange: DocumentExchange
    private let replication: DocumentReplication

    /// - Throws: `vault.io`.
    init(node: LedgerNode, home: Home, identity: TLSIdentity, peers: HTTPPeers, log: NodeLog) throws(NodeError) {
        let vault: DocumentVault
        do { vault = try DocumentVault(home.vaultFolder) } catch { throw NodeError(error) }
        exchange = DocumentExchange(
            node: node, member: peers.book.own, identity: identity,
            address: { [peers] record in
                peers.book.address(of: record.id).map { .init(endpoint: $0.endpoint, pins: $0.pins) }
            },
            onFailure: { [log] member, error in
                log.warning("a peer's vault does not answer", ["peer": member, "reason": error])
            })
        replication = DocumentReplication(
            node: node, member: peers.book.own, vault: vault, exchange: exchange,
            onFailure: { [log] error in log.error("documents cannot be kept", ["reason": error]) })
        routes =
            LocalRoutes(node: node, documents: replication).routes
            + DocumentRoutes(node: node, documents: replication).routes
    }

    func start() { replication.start() }
    func use(_ identity: TLSIdentity) { exchange.use(identity) }
    func stop() { replication.stop() }
}

import Codec
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Ordering

/// Makes the engine of each epoch, as the ledger names it.
///
/// | Address | This node | Engine |
/// |---|---|---|
/// | `embedded:` own member, one validator | is it | in this process: nothing is written twice |
/// | `embedded:` own member, several | is the host | hosted in `engine/`, for all |
/// | `embedded:MEMBER`, one validator | is another | blocks of that member |
/// | `embedded:MEMBER`, several | is another | follows that member's order |
/// | `nats://`, `nats-tls://` | | NATS JetStream |
package struct NodeEngines: Sendable {
    let home: Home
    let chain: ChainID
    let own: MemberID
    let peers: HTTPPeers
    let orders: HostedOrders
    let nats: NodeConfiguration.NATS?

    package init(
        home: Home, chain: ChainID, own: MemberID, peers: HTTPPeers, orders: HostedOrders,
        nats: NodeConfiguration.NATS?
    ) {
        (self.home, self.chain, self.own) = (home, chain, own)
        (self.peers, self.orders, self.nats) = (peers, orders, nats)
    }

    /// - Throws: `engine.*`, `keys.*`, and those of what it opens. The node asks again.
    package func make(_ context: EpochContext) throws -> any OrderingEngine {
        let isLone = context.validators.validators.count == 1
        switch EngineAddress(context.engine) {
        case .hosted(let host) where host == own:
            // Who is no validator may host for those who are.
            if isLone, context.validators.validators[0].member == own { return EmbeddedEngine() }
            return try orders.engine(context)
        case .hosted(let host):
            if isLone, context.validators.validators[0].member == host {
                return BlockFollowing(host: host, peers: peers)
            }
            return try follow(host, context)
        case .nats(let servers, let isEncrypted):
            return try NATSEngine(configuration(servers, isEncrypted, context))
        case .embedded, nil:
            throw NodeError("engine.unknown", "this node does not know the engine \(context.engine)")
        }
    }

    private func follow(_ host: MemberID, _ context: EpochContext) throws -> FollowedEngine {
        guard let address = peers.book.address(of: host) else {
            throw NodeError("engine.no_address", "nothing says where the node of \(host) is")
        }
        let client = try HTTPClient(
            address.endpoint, trust: .pins(address.pins), identity: peers.identity)
        return FollowedEngine(
            client: client, path: ["v1", "engine", context.block.description, "batches"])
    }

    private func configuration(
        _ servers: [EngineAddress.Server], _ isEncrypted: Bool, _ context: EpochContext
    ) throws(NodeError) -> NATSConfiguration {
        let scheme = isEncrypted ? "tls" : "nats"
        var configuration = NATSConfiguration(
            servers: (nats?.ways(to: servers) ?? servers).map { "\(scheme)://\($0.host):\($0.port)" },
            stream: LedgerStream(chain: chain, epochBlock: context.block), member: own,
            key: try home.natsKey())
        // An even number of copies survives no more than one less.
        configuration.replicas = servers.count >= 3 ? 3 : 1
        guard isEncrypted else { return configuration }
        guard let authorities = nats?.authorities else {
            throw NodeError(
                "engine.no_authorities", "the engine wants TLS: name nats.authorities in node.json")
        }
        var own: (certificate: String, key: String)?
        if let certificate = nats?.certificate, let key = nats?.key { own = (certificate, key) }
        configuration.tls = .init(authorities: authorities, own: own)
        return configuration
    }
}

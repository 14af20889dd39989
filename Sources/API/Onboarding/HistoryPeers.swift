import HTTP
import Ledger
import Node

/// The other members' nodes, as a fetch of older blocks asks them.
struct HistoryPeers: HistorySource {
    private let network: HTTPPeers
    private let cancellation: HTTPCancellation

    /// A peer may be far away, and nobody is in a hurry.
    private static let requestMilliseconds = 60_000

    init(_ network: HTTPPeers, cancellation: HTTPCancellation) {
        (self.network, self.cancellation) = (network, cancellation)
    }

    var peers: [MemberID] { addresses.map(\.member) }

    private var addresses: [PeerBook.Address] { network.addresses }

    func blocks(above height: Height, from peer: MemberID) throws(NodeError) -> [[UInt8]] {
        guard let address = addresses.first(where: { $0.member == peer }) else {
            throw NodeError("node.no_peer", "\(peer) has no address here")
        }
        do throws(HTTPError) {
            let client = try HTTPClient(
                address.endpoint, trust: .pins(address.pins), identity: network.identity)
            defer { client.close() }
            return try HTTPPeers.blocks(
                above: height, from: client, totalMilliseconds: HistoryPeers.requestMilliseconds,
                cancellation: cancellation)
        } catch {
            if let said = NodeError(saidBy: error) { throw said }
            throw NodeError("node.unreachable", "\(peer) does not answer", cause: error)
        }
    }
}

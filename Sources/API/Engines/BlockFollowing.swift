import Ledger
import Node
import Ordering
import Synchronization

/// In the place of an engine where one validator orders in its own process: the others get its final blocks,
/// which their replicas fetch as soon as they hear of them, and hand transactions over to it.
package final class BlockFollowing: OrderingEngine {
    private let host: MemberID
    private let peers: HTTPPeers
    private let isRunning = Mutex(false)

    package init(host: MemberID, peers: HTTPPeers) { (self.host, self.peers) = (host, peers) }

    package func submit(_ batch: [UInt8]) throws(OrderingError) { throw .refused }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        isRunning.withLock { $0 = true }
    }

    package func stop() { isRunning.withLock { $0 = false } }

    package var health: EngineHealth {
        let isConnected = peers.peers.contains { $0.member == host && $0.isConnected }
        let state: EngineHealth.State =
            !isRunning.withLock { $0 } ? .stopped : isConnected ? .following : .unavailable
        return EngineHealth(
            state: state, lastDelivered: nil, lastKnown: nil,
            summary: isConnected ? "takes blocks from \(host)" : "\(host) is not connected")
    }
}

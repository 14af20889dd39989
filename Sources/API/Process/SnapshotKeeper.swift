import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// Fetches a snapshot beside the ledger that this node has, once it lacks blocks that no peer keeps any more.
///
/// The node goes on meanwhile. Every peer may lie: what one serves counts only if its block is final by the
/// genesis document and its rows are that block's; otherwise the next peer is asked.
final class SnapshotKeeper: Sendable {
    private let home: Home
    private let log: NodeLog
    private let attempts = Attempts(Backoff(first: .seconds(4), longest: .minutes(10)))
    private let taking = ConditionMutex(SnapshotTaking?.none)
    private let cancellation = HTTPCancellation()

    private static let requestMilliseconds = 60_000
    private static let longestFetchSeconds = 6.0 * 3600

    init(home: Home, log: NodeLog) { (self.home, self.log) = (home, log) }

    /// Waits for a snapshot that can take the ledger's place.
    /// - Returns: nil where none came in time, or none will.
    func take(milliseconds: Int) -> SnapshotTaking? {
        taking.wait(
            milliseconds: milliseconds, until: { [attempts] in $0 != nil || attempts.isStopped },
            then: { [attempts] taking in
                defer { taking = nil }
                return attempts.isStopped ? nil : taking
            })
    }

    func stop() {
        attempts.stop()
        taking.update { $0 = nil }
        cancellation.cancel()
        // What has been fetched is still checked.
        attempts.waitUntilIdle(milliseconds: SnapshotKeeper.requestMilliseconds)
    }

    /// Begins to fetch one where it is needed.
    func keep(node: LedgerNode, peers: HTTPPeers) {
        guard node.needsSnapshot, node.status.halted == nil, taking.read({ $0 == nil }), attempts.begin()
        else { return }
        let thread = Thread { [self] in
            let fetched = fetch(node, peers)
            taking.update { $0 = fetched }
            attempts.end(succeeded: fetched != nil)
        }
        thread.name = "snapshot"
        thread.start()
    }

    private func fetch(_ node: LedgerNode, _ peers: HTTPPeers) -> SnapshotTaking? {
        log.warning(
            "peers do not keep the blocks that this node lacks: it takes a snapshot", ["height": node.height])
        let all = peers.addresses
        // Each time another begins: none can keep the rest from being asked.
        let first = all.isEmpty ? 0 : attempts.failures % all.count
        for address in all[first...] + all[..<first] {
            guard !attempts.isStopped else { return nil }
            let peer = address.member.text
            do {
                let taking = try fetch(address, peers.identity, above: node.height)
                log.info("a snapshot is here", ["peer": peer, "height": taking.height])
                return taking
            } catch {
                log.warning("a peer served no snapshot", ["peer": peer, "reason": error])
            }
        }
        return nil
    }

    private func fetch(
        _ address: PeerBook.Address, _ identity: TLSIdentity, above height: Height
    ) throws -> SnapshotTaking {
        let client = try HTTPClient(address.endpoint, trust: .pins(address.pins), identity: identity)
        defer { client.close() }
        let end = Date(timeIntervalSinceNow: SnapshotKeeper.longestFetchSeconds)
        return try SnapshotFetch(into: home, besides: true, above: height) { [cancellation] target, bytes in
            guard Date() < end else {
                throw NodeError("snapshot.too_slow", "\(address.member) has not served it within hours")
            }
            return try client.request(
                .get, target, totalMilliseconds: SnapshotKeeper.requestMilliseconds,
                maximumBodyBytes: bytes, cancellation: cancellation
            ).successful().body
        }.run()
    }
}

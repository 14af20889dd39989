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
    private struct State {
        var isBusy = false
        var isStopped = false
        var failures = 0
        var after = Date.distantPast
        var taking: SnapshotTaking?
    }

    private let home: Home
    private let log: NodeLog
    private let state = ConditionMutex(State())

    /// Seconds before peers are asked again, doubled with every time that none had one.
    private static let pauseSeconds = 2.0
    private static let longestPauseSeconds = 600.0
    private static let requestMilliseconds = 60_000
    private static let longestFetchSeconds = 6.0 * 3600

    init(home: Home, log: NodeLog) { (self.home, self.log) = (home, log) }

    /// Waits for a snapshot that can take the ledger's place.
    /// - Returns: nil where none came in time, or none will.
    func take(milliseconds: Int) -> SnapshotTaking? {
        state.wait(milliseconds: milliseconds) { $0.taking != nil || $0.isStopped }
        return state.update { state in
            defer { state.taking = nil }
            return state.isStopped ? nil : state.taking
        }
    }

    func stop() {
        state.update { ($0.isStopped, $0.taking) = (true, nil) }
        // What is under way ends with the request that it makes.
        state.wait(milliseconds: SnapshotKeeper.requestMilliseconds) { !$0.isBusy }
    }

    /// Begins to fetch one where it is needed.
    func keep(node: LedgerNode, peers: HTTPPeers) {
        guard node.needsSnapshot, node.status.halted == nil else { return }
        let mayBegin = state.update { state in
            guard !state.isBusy, !state.isStopped, state.taking == nil, Date() >= state.after else {
                return false
            }
            state.isBusy = true
            return true
        }
        guard mayBegin else { return }
        let thread = Thread { [self] in
            let taking = fetch(node, peers)
            state.update { state in
                state.isBusy = false
                if let taking, !state.isStopped {
                    state.taking = taking
                    return
                }
                state.failures += 1
                let pause = SnapshotKeeper.pauseSeconds * Double(1 << min(state.failures, 12))
                state.after = Date(timeIntervalSinceNow: min(pause, SnapshotKeeper.longestPauseSeconds))
            }
        }
        thread.name = "snapshot"
        thread.start()
    }

    private func fetch(_ node: LedgerNode, _ peers: HTTPPeers) -> SnapshotTaking? {
        log.warning(
            "peers do not keep the blocks that this node lacks: it takes a snapshot", ["height": node.height])
        let all = peers.addresses
        // Each time another begins: none can keep the rest from being asked.
        let first = all.isEmpty ? 0 : state.read(\.failures) % all.count
        for address in all[first...] + all[..<first] {
            guard !state.read(\.isStopped) else { return nil }
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
        return try SnapshotFetch(into: home, besides: true, above: height) { target, bytes in
            guard Date() < end else {
                throw NodeError("snapshot.too_slow", "\(address.member) has not served it within hours")
            }
            return try client.request(
                .get, target, totalMilliseconds: SnapshotKeeper.requestMilliseconds,
                maximumBodyBytes: bytes
            ).successful().body
        }.run()
    }
}

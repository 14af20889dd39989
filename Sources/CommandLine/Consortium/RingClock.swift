import Ledger
import Node
import Synchronization

/// The demonstration's clock on every node of a consortium: they are moved together, as if all companies
/// had the same good clock.
///
/// Consensus time is what more than half of the validators' last batches say. So before the next transaction
/// every node takes its clock to the ledger.
final class RingClock: LedgerClock {
    private struct State {
        var now: Timestamp
        /// The clocks are past what was taken to the ledger.
        var isAhead = false
    }

    private let nodes: [RemoteLedger]
    private let state: Mutex<State>

    init(_ nodes: [RemoteLedger], begins: Timestamp) {
        self.nodes = nodes
        state = Mutex(State(now: begins))
    }

    var isSimulated: Bool { true }
    var now: Timestamp { state.withLock { $0.now } }

    func set(_ time: Timestamp) throws(NodeError) {
        guard time >= now else {
            throw NodeError("clock.backward", "consensus time never goes back")
        }
        for node in nodes { try node.clock.set(time) }
        state.withLock { $0 = State(now: time, isAhead: $0.isAhead || time > $0.now) }
    }

    func move(to time: Timestamp) throws(NodeError) { try set(time) }

    /// Every node keeps its clock as soon as it is set.
    func keep() throws(NodeError) {}

    /// Takes the clocks to the ledger, where they have been moved.
    func bring() async throws(NodeError) {
        if state.withLock({ $0.isAhead }) { try await tick() }
    }

    /// Every node orders a batch with its clock, all at once.
    func tick() async throws(NodeError) {
        var failure: NodeError?
        await withTaskGroup(of: NodeError?.self) { group in
            for node in nodes {
                group.addTask {
                    do throws(NodeError) { try await node.tick() } catch { return error }
                    return nil
                }
            }
            for await error in group { failure = failure ?? error }
        }
        if let failure { throw failure }
        state.withLock { $0.isAhead = false }
    }
}

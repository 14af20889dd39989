import Codec
import Ledger
import Ordering

/// How a node is, for people and for monitoring.
package struct NodeStatus: Sendable {
    /// The epoch in force, its block and engine.
    package let epoch: Epoch
    package let epochBlock: Digest
    package let engine: String
    /// Nil while the engine is being made.
    package let engineHealth: EngineHealth?
    package let validators: [MemberID]
    package let finalHeight: Height
    package let finalTime: Timestamp
    package let headHeight: Height
    /// Blocks that are executed and not final.
    package let pending: Int
    /// Whether a voting key of this node is among those that count.
    package let isValidator: Bool
    /// False while the epoch is being changed.
    package let isOrdering: Bool
    package let peers: [PeerStatus]
    /// Transactions that are not final yet.
    package let outbox: Int
    /// Why the node stopped; nil while it runs.
    package let halted: NodeError?
    /// The voting key here belongs to another store: the node observes.
    package let votingKeyIsForeign: Bool
}

extension LedgerNode {
    package var status: NodeStatus {
        let (view, failure) = pipeline.shared.withLock { ($0.view, $0.failure) }
        let last = pipeline.feed.last
        return NodeStatus(
            epoch: view.context.epoch, epochBlock: view.context.block, engine: view.context.engine,
            engineHealth: pipeline.engines.health(of: view.context),
            validators: view.context.validators.validators.map(\.member), finalHeight: last.height,
            finalTime: last.time, headHeight: max(view.headHeight, last.height), pending: view.pending,
            isValidator: view.isValidator, isOrdering: view.isOrdering,
            peers: pipeline.network?.peers ?? [], outbox: pipeline.desk.count, halted: failure,
            votingKeyIsForeign: votingKeyIsForeign)
    }

    package var metrics: NodeMetrics {
        let load = pipeline.events.load
        return NodeMetrics(
            counters: pipeline.counters.withLock { $0 }, submissionsWaiting: pipeline.submitted.count,
            outbox: pipeline.desk.count, messagesWaiting: load.others, messagesDropped: load.dropped,
            batchesWaiting: load.batches, effectsWaiting: pipeline.outgoing.count)
    }

    /// Waits until a height is final here.
    /// - Throws: `node.stopped`, or why the node halted.
    package func waitForFinal(_ height: Height) async throws(NodeError) {
        let isFinal: Bool = await withCheckedContinuation { continuation in
            pipeline.feed.whenFinal(height) { continuation.resume(returning: $0) }
        }
        guard isFinal else {
            throw pipeline.failure ?? NodeError("node.stopped", "this node is shutting down")
        }
    }

    /// The next final blocks above a height, waiting for one up to a number of seconds: empty where none
    /// came, nil where they are only in the log (`block(_:)`), for the last few hundred are kept at hand.
    package func finalBlocks(above height: Height, limit: Int, waitingSeconds: Double) -> [FinalBlock]? {
        pipeline.feed.blocks(above: height, limit: limit, seconds: waitingSeconds)
    }

    /// The epoch blocks after genesis that are final, each with its commits: what leads from the genesis to
    /// the validators in force.
    package var epochChain: [EpochRecord] { store.epochs.all }

    /// The epoch in force.
    package var epoch: EpochContext { pipeline.shared.withLock { $0.view.context } }

    /// Tells the other validators that the engine does not get on, or that another is wanted.
    /// - Parameter wish: one of the ledger's engines.
    package func suspectEngine(wish: String?) { pipeline.events.push(.suspect(wish: wish)) }
}

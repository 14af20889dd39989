import Ledger
import Synchronization

/// What a node has counted since it was opened.
package struct NodeCounters: Hashable, Sendable {
    package var blocks: UInt64 = 0
    package var transactions: UInt64 = 0
    package var rejected: UInt64 = 0
    /// Transactions in final blocks that got no leaf.
    package var skippedTransactions: UInt64 = 0
    /// Batches that were passed over whole.
    package var skippedBatches: UInt64 = 0
    package var undoneBlocks: UInt64 = 0
    package var epochs: UInt64 = 0
    package var suspicions: UInt64 = 0
    package var fetches: UInt64 = 0
    package var fetchedBlocks: UInt64 = 0
    package var batchesSent: UInt64 = 0
    package var batchesLate: UInt64 = 0
    package var evidence: UInt64 = 0
    package var syncs: UInt64 = 0
    /// Transactions of this node by their time from submission to finality: index i counts those below
    /// `latencyBounds[i]`, the last those above.
    package var latency = [UInt64](repeating: 0, count: NodeCounters.latencyBounds.count + 1)
    package var latencySum = Span(nanoseconds: 0)

    /// Seconds.
    package static let latencyBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    mutating func note(latency span: Span) {
        let seconds = Double(span.nanoseconds) / 1e9
        let index = NodeCounters.latencyBounds.firstIndex { seconds < $0 }
        latency[index ?? NodeCounters.latencyBounds.count] += 1
        latencySum = Span(nanoseconds: latencySum.nanoseconds &+ span.nanoseconds)
    }
}

/// The counters, and how long the queues are.
package struct NodeMetrics: Hashable, Sendable {
    package var counters: NodeCounters
    /// Submissions that have not been checked yet.
    package var submissionsWaiting: Int
    package var outbox: Int
    package var messagesWaiting: Int
    package var messagesDropped: UInt64
    package var batchesWaiting: Int
    package var effectsWaiting: Int
}

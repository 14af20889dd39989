import Foundation
import Ledger
import Node
import Synchronization

/// What all companies of the demonstration have told each other, as people do by telephone: up to which
/// block something is final that they speak of.
final class RingNews: Sendable {
    private struct State {
        var height: Height = 0
        var latencies: [Duration] = []
    }

    private let state = Mutex(State())

    var height: Height { state.withLock { $0.height } }

    func tell(_ height: Height) { state.withLock { $0.height = max($0.height, height) } }

    /// A transaction was final so long after its node had taken it in.
    func measured(_ latency: Duration) { state.withLock { $0.latencies.append(latency) } }

    /// From here on it counts.
    func beginMeasuring() { state.withLock { $0.latencies = [] } }

    /// In rising order.
    var latencies: [Duration] { state.withLock { $0.latencies.sorted() } }
}

/// The ledger as one company has it: through its own node and no other. Before it looks, it waits until its
/// node has what the others have told it of.
struct RingLedger: LedgerAccess {
    let node: RemoteLedger
    let clock: RingClock
    let news: RingNews

    var genesis: Genesis { node.genesis }
    var rules: Rules { node.rules }
    var documentPeers: (any DocumentPeers)? { node.documentPeers }

    private static let patience = Duration.seconds(30)

    /// Waits until the node is where the others are.
    private func catchUp() throws(NodeError) {
        let height = news.height
        let deadline = ContinuousClock.now + RingLedger.patience
        while try node.head().height < height {
            guard ContinuousClock.now < deadline else {
                throw NodeError("node.behind", "the own node has no block \(height)")
            }
            usleep(2_000)
        }
    }

    // MARK: Reading

    func head() throws(NodeError) -> BlockHeader {
        try catchUp()
        return try node.head()
    }

    func view() throws(NodeError) -> StateView {
        try catchUp()
        return try node.view()
    }

    func block(_ height: Height) throws(NodeError) -> BlockRecord { try node.block(height) }

    func header(_ height: Height) throws(NodeError) -> BlockHeader { try node.header(height) }

    func find(_ id: TransactionID) throws(NodeError) -> FinalTransaction? {
        try catchUp()
        return try node.find(id)
    }

    func history(of key: RowKey) throws(NodeError) -> [HistoryStep] {
        try catchUp()
        return try node.history(of: key)
    }

    func receipt(for id: TransactionID) throws(NodeError) -> ReceiptBundle {
        try catchUp()
        return try node.receipt(for: id)
    }

    func stateProof(of key: RowKey) throws(NodeError) -> StateBundle {
        try catchUp()
        return try node.stateProof(of: key)
    }

    // MARK: Writing

    func submit(_ bytes: [UInt8], until level: SubmissionLevel) async throws(NodeError) -> SubmissionState {
        try await clock.bring()
        let began = ContinuousClock.now
        let state = try await node.submit(bytes, until: level)
        if case .final(let transaction) = state {
            news.measured(ContinuousClock.now - began)
            news.tell(transaction.height)
        }
        return state
    }

    func tick() async throws(NodeError) {
        try await clock.tick()
        news.tell(try node.head().height)
    }

    func verify(
        width: Int, progress: (BlockHeader) throws -> Void
    ) throws -> LedgerVerification.Summary {
        try catchUp()
        return try node.verify(width: width, progress: progress)
    }

    func close() throws(NodeError) { try node.close() }
}

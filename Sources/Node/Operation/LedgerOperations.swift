import Codec
import Foundation
import HTTP
import Ledger

/// What an operator asks of the node that holds a data directory.
package protocol LedgerOperations: Sendable {
    /// Copies the data directory while it is in use.
    /// - Throws: `backup.*`, `node.storage`.
    func backup(_ order: BackupOrder, of home: Home) throws(NodeError) -> BackupNote
    /// Gives back the disk space of old blocks.
    /// - Throws: `node.storage`.
    func prune(_ order: PruneOrder) throws(NodeError) -> PruneReport
    /// Fetches the blocks below the first one from other nodes.
    /// - Throws: `history.*`, `node.*`, `storage.*`.
    func fetchHistory(progress: (HistoryProgress) -> Void) throws(NodeError) -> HistoryReport
}

package struct BackupOrder: Codable, Sendable {
    /// Absolute: the node's own directory may be another than the caller's.
    package let folder: String
    package let withKeys: Bool

    package init(folder: String, withKeys: Bool) { (self.folder, self.withKeys) = (folder, withKeys) }
}

/// Which blocks to keep; whichever keeps more counts.
package struct PruneOrder: Codable, Hashable, Sendable {
    package var blocks: UInt64?
    package var days: Int64?
    /// The lowest block to keep.
    package var below: UInt64?

    /// A century.
    package static let longestDays: Int64 = 36_500

    package init(blocks: UInt64? = nil, days: Int64? = nil, below: UInt64? = nil) {
        (self.blocks, self.days, self.below) = (blocks, days, below)
    }
}

package struct PruneReport: Codable, Sendable {
    /// Files that were removed.
    package let segments: Int
    /// The lowest block that is left, and the highest.
    package let first: UInt64
    package let last: UInt64
}

extension LedgerNode: LedgerOperations {
    package func backup(_ order: BackupOrder, of home: Home) throws(NodeError) -> BackupNote {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        return try Backup(home).write(
            of: self, to: URL(fileURLWithPath: order.folder), withKeys: order.withKeys, now: now)
    }

    package func prune(_ order: PruneOrder) throws(NodeError) -> PruneReport {
        let last = height
        var first = last
        if let blocks = order.blocks { first = min(first, last - min(last, blocks)) }
        if let below = order.below { first = min(first, below) }
        if let days = order.days {
            let span = min(max(days, 0), PruneOrder.longestDays) * 86_400_000_000_000
            let time = Timestamp(nanoseconds: max(0, try head().time.nanoseconds - span))
            first = min(first, try firstBlock(since: time))
        }
        let nothing = order == PruneOrder() || first == 0
        let segments = nothing ? 0 : try prune(keeping: last - first)
        return PruneReport(segments: segments, first: firstBlock, last: last)
    }

    /// Other nodes are asked by a node that runs.
    package func fetchHistory(progress: (HistoryProgress) -> Void) throws(NodeError) -> HistoryReport {
        guard firstBlock > 0 else { return HistoryReport(fetched: 0, first: 0, last: height) }
        throw NodeError(
            "node.not_running", "older blocks come from other nodes: run the node, and ask again")
    }

    /// The lowest block that the log has and that is not older than a time: block times never fall.
    private func firstBlock(since time: Timestamp) throws(NodeError) -> Height {
        try (firstBlock..<max(firstBlock, height)).end { block throws(NodeError) in
            try header(block).time < time
        }
    }
}

extension RemoteLedger: LedgerOperations {
    private static let patience = 3_600_000

    package func backup(_ order: BackupOrder, of home: Home) throws(NodeError) -> BackupNote {
        try link.call(
            .post, ["backup"], body: try NodeLink.encode(order), totalMilliseconds: RemoteLedger.patience)
    }

    package func prune(_ order: PruneOrder) throws(NodeError) -> PruneReport {
        try link.call(
            .post, ["prune"], body: try NodeLink.encode(order), totalMilliseconds: RemoteLedger.patience)
    }

    package func fetchHistory(progress: (HistoryProgress) -> Void) throws(NodeError) -> HistoryReport {
        var report: HistoryReport?
        do {
            try link.client.frames(
                .post, link.target(["history"]), maximumFrameBytes: 1 << 16,
                silenceMilliseconds: LocalAPI.fetchSilenceMilliseconds
            ) { bytes in
                switch try CBOR.decode(LocalHistory.self, from: bytes) {
                case .fetching(let made): progress(made)
                case .done(let result): report = result
                case .stopped(let code, let detail): throw NodeError(code, detail)
                }
            }
        } catch let error as NodeError { throw error } catch let error as HTTPError {
            throw NodeLink.failure(error, link.client.endpoint)
        } catch {
            throw NodeError("node.bad_answer", "the node's answer to history cannot be read", cause: error)
        }
        guard let report else {
            throw NodeError(
                "node.unreachable", "the node ended before the older blocks were there: ask it again")
        }
        return report
    }

    /// Tells the node that its engine does not get on, or that another is wanted.
    package func suspectEngine(wish: String?) throws(NodeError) {
        try link.call(.post, ["engine"], body: try NodeLink.encode(EngineWish(engine: wish)))
    }
}

package struct EngineWish: Codable, Sendable {
    package let engine: String?

    package init(engine: String?) { self.engine = engine }
}

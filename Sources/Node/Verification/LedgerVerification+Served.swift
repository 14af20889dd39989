import Codec
import Ledger
import Merkle
import Storage

/// What a node serves beside its log, compared with what the log gives: no root covers indexes, history and
/// nodes.
extension LedgerVerification {
    private func failure(_ what: String, _ height: Height, _ detail: String) -> Failure {
        Failure(code: "verify.served_\(what)", height: height, transaction: nil, detail: detail)
    }

    /// Compares a block's steps of the history, and at the served height all rows.
    func compare(_ served: LayeredReader, _ block: ExecutedBlock) throws {
        let height = block.header.height
        guard let last = served.height, height <= last else { return }
        try compareHistory(served, block.history, at: height)
        guard height == last else { return }
        try checkHistoryEnds(served, at: height)
        guard let key = try rows.firstDifference(from: served) else { return }
        throw failure("state", height, "the served row of \(key.table) is not what the blocks give")
    }

    /// Nothing is served of the history above the served height.
    func checkHistoryEnds(_ served: LayeredReader, at height: Height) throws {
        let above = try served.entries(from: bigEndianBytes(height + 1), limit: 1, in: .history)
        guard above.isEmpty else {
            throw failure("history", height, "the served history goes on above the served height")
        }
    }

    /// Compares the steps that a block gives with those that are served of it.
    func compareHistory(_ served: LayeredReader, _ steps: [HistoryEntry], at height: Height) throws {
        guard try history(served, of: height) == history(steps) else {
            throw failure("history", height, "the served history is not what the block gives")
        }
    }

    private func history(_ served: LayeredReader, of height: Height) throws -> [Row] {
        var rows: [Row] = []
        try served.forEachRow(prefix: bigEndianBytes(height), in: .history) { rows.append($0) }
        return rows
    }

    /// In order of keys; of a key that one step changed twice the last entry, as a store keeps it.
    private func history(_ steps: [HistoryEntry]) -> [Row] {
        let entries = NodeStore.rows([], steps).enumerated().sorted { left, right in
            let (leftKey, rightKey) = (left.element.change.key, right.element.change.key)
            guard leftKey == rightKey else { return leftKey.lexicographicallyPrecedes(rightKey) }
            return left.offset < right.offset
        }.map(\.element.change)
        var rows: [Row] = []
        for entry in entries {
            if rows.last?.key == entry.key { rows.removeLast() }
            rows.append(Row(key: entry.key, value: entry.value ?? []))
        }
        return rows
    }

    /// Compares the nodes that a block's leaves brought to the log tree.
    func compare(_ nodes: NodeFile, _ digests: [Digest], at header: BlockHeader) throws {
        let end = LogTree.nodeCount(size: header.logSize)
        let first = Int(end) - digests.count
        for (offset, digest) in digests.enumerated() {
            guard try nodes.digest(at: first + offset) == digest else {
                throw failure(
                    "nodes", header.height,
                    "node \(first + offset) of the log tree is not what the leaves give: delete the file "
                        + "`nodes`, and the node makes it anew")
            }
        }
    }
}

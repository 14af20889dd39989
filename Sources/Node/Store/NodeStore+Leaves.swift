import Ledger
import Merkle
import Storage

extension NodeStore {
    /// The leaf of a transaction's id.
    /// - Parameters:
    ///   - first: leaves before it are of no interest.
    ///   - value: of a row of a final state that was there before the call: a block's leaves are counted
    ///     before its rows can be seen.
    func leaf<E: Error>(
        of id: TransactionID, from first: UInt64 = 0, _ value: (Ledger.RowKey) throws(E) -> [UInt8]?
    ) throws(E) -> UInt64? {
        let size = LogTree.size(nodeCount: UInt64(store.nodes.count))
        return try LeafIndex.leaf(of: id, in: min(first, size)..<size, value)
    }

    /// Whether the final state knows a transaction.
    /// - Parameter time: of a final block, where it has not expired by then: what is much older than a day is
    ///   not gone through.
    func hasSeen(_ id: TransactionID, notExpiredAt time: Timestamp? = nil) throws -> Bool {
        let first = time.map { firstLeaf(usableAt: $0) } ?? 0
        let rows = working
        return try leaf(of: id, from: first, rows.value) != nil
    }

    /// No earlier leaf is that of a transaction that has not expired at a final block's time. Looked up once
    /// an hour; 0 where the log does not go back a day.
    func firstLeaf(usableAt time: Timestamp) -> UInt64 {
        firstUsable.withLock { known in
            if let known, time >= known.time, time < known.time + .hours(1) { return known.leaf }
            let leaf = searchedLeaf(usableAt: time)
            known = (time, leaf)
            return leaf
        }
    }

    /// The leaves up to the last block that lies a day back.
    private func searchedLeaf(usableAt time: Timestamp) -> UInt64 {
        let first = max(1, store.log.firstHeight ?? 1)
        var leaf: UInt64 = 0
        _ = (first..<max(first, finalHeight + 1)).end { height in
            // A block that is being removed, or is damaged, tells nothing here: an earlier bound is one too.
            let header = (try? store.log.read(height)).flatMap { try? BlockRecord.header(of: $0) }
            guard let header else { return true }
            guard header.time + SeenRecord.maximumLifetime <= time else { return false }
            leaf = header.logSize
            return true
        }
        return leaf
    }
}

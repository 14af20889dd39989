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
    func hasSeen(_ id: TransactionID) throws -> Bool {
        let rows = working
        return try leaf(of: id, rows.value) != nil
    }

    /// The same of one that has not expired at a final block's time: what is much older than a day is not
    /// gone through.
    func hasSeen(_ id: TransactionID, notExpiredAt time: Timestamp) throws -> Bool {
        let first = firstLeaf(usableAt: time)
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
        var low = max(1, store.log.firstHeight ?? 1)
        var high = finalHeight + 1
        var leaf: UInt64 = 0
        while low < high {
            let middle = low + (high - low) / 2
            // A block that is being removed, or is damaged, tells nothing here: an earlier bound is one too.
            let header = (try? store.log.read(middle)).flatMap { try? BlockRecord.header(of: $0) }
            if let header, header.time + SeenRecord.maximumLifetime > time {
                high = middle
            } else {
                low = middle + 1
                leaf = header?.logSize ?? leaf
            }
        }
        return leaf
    }
}

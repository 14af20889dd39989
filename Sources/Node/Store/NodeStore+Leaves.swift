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

    /// The same of one that has not expired at a final block's time: what is a day older is not gone through.
    func hasSeen(_ id: TransactionID, notExpiredAt time: Timestamp) throws -> Bool {
        let first = try firstLeaf(usableAt: time)
        let rows = working
        return try leaf(of: id, from: first, rows.value) != nil
    }

    /// No earlier leaf is that of a transaction that has not expired at a final block's time. Looked up once
    /// an hour: in a log of 10⁸ leaves a day has few of its volumes.
    func firstLeaf(usableAt time: Timestamp) throws -> UInt64 {
        let known = usable.withLock { $0 }
        if let known, time >= known.time, time < known.time + .hours(1) { return known.leaf }
        var low = max(1, store.log.firstHeight ?? 1)
        var high = finalHeight + 1
        var leaf: UInt64 = 0
        // The last block that lies far enough back.
        while low < high {
            let middle = low + (high - low) / 2
            guard let payload = try store.log.read(middle) else {
                throw NodeError("node.damaged", "block \(middle) is missing from the log")
            }
            let header = try BlockRecord.header(of: payload)
            if header.time + SeenRecord.maximumLifetime <= time {
                (low, leaf) = (middle + 1, header.logSize)
            } else {
                high = middle
            }
        }
        usable.withLock { [leaf] in $0 = (time, leaf) }
        return leaf
    }
}

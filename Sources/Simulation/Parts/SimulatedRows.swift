import Ledger

/// Rows in memory, as a store would keep them.
struct SimulatedRows: Sendable {
    private(set) var values: [RowKey: [UInt8]] = [:]
    /// Rising.
    private(set) var keys: [RowKey] = []

    mutating func apply(_ changes: [RowChange]) {
        for change in changes {
            let known = values.updateValue(change.value ?? [], forKey: change.key) != nil
            if change.value == nil { values[change.key] = nil }
            if known == (change.value != nil) { continue }
            let place = SimulatedRows.lowerBound(keys, change.key)
            if known {
                keys.remove(at: place)
            } else if change.value != nil {
                keys.insert(change.key, at: place)
            }
        }
    }

    static func lowerBound(_ keys: [RowKey], _ key: RowKey) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// What a replica reads.
final class SimulatedReader: StateReader {
    var rows: SimulatedRows
    /// A table that nothing is read of: a broken store.
    var hiddenTable: String?

    init(_ rows: SimulatedRows) { self.rows = rows }

    func value(for key: RowKey) throws -> [UInt8]? {
        if let hiddenTable, key.table == hiddenTable { return nil }
        return rows.values[key]
    }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
        let from = start.lexicographicallyPrecedes(prefix) ? prefix : start
        let first = SimulatedRows.lowerBound(rows.keys, RowKey(bytes: from))
        return Array(rows.keys[first...].prefix { $0.bytes.starts(with: prefix) }.prefix(limit))
    }
}

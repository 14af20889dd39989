import Synchronization

/// A consistent view of the state at one checkpoint, for any thread; calls take turns.
///
/// While it lives, LMDB cannot reuse the pages that it sees and the file grows: keep it short, take another.
package final class RowReader: Sendable {
    /// The height of the checkpoint; nil before the first.
    package let height: UInt64?
    private let tables: [LMDBTable]
    private let transaction: Mutex<ReadTransaction>

    init(_ transaction: sending ReadTransaction, tables: [LMDBTable]) throws(StorageError) {
        height = try transaction.withValue(of: CheckpointStore.heightName, in: tables[StoreTable.meta.index])
        {
            $0.map { $0.bigEndian(at: 0, as: UInt64.self) }
        }
        self.tables = tables
        self.transaction = Mutex(transaction)
    }

    /// The value of a key; nil where there is none.
    package func value(
        forKey key: [UInt8], in table: StoreTable = .rows
    ) throws(StorageError) -> [UInt8]? {
        try table.checkKey(key)
        return try transaction.withLock { (transaction) throws(StorageError) in
            try transaction.withValue(of: key, in: tables[table.index]) { $0.map { Array($0) } }
        }
    }

    /// Up to `limit` rows in rising order of keys, from a key on (itself included), with the prefix.
    package func entries(
        from key: [UInt8]? = nil, prefix: [UInt8] = [], limit: Int, in table: StoreTable = .rows
    ) throws(StorageError) -> [Row] {
        guard limit > 0 else { return [] }
        let start = KeyOrder.start(key, prefix)
        return try transaction.withLock { (transaction) throws(StorageError) in
            var rows: [Row] = []
            try transaction.scan(tables[table.index], from: start) { key, value in
                guard KeyOrder.hasPrefix(key, prefix) else { return false }
                rows.append(Row(key: Array(key), value: Array(value)))
                return rows.count < limit
            }
            return rows
        }
    }
}

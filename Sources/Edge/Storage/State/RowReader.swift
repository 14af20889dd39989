import Synchronization

/// A consistent view of the state at one checkpoint, for any thread; as many calls run at once as the view
/// has transactions.
///
/// While it lives, LMDB cannot reuse the pages that it sees and the file grows: keep it short, take another.
package final class RowReader: Sendable {
    /// The height of the checkpoint; nil before the first.
    package let height: UInt64?
    private let tables: [LMDBTable]
    private let lanes: [Lane]

    private final class Lane: Sendable {
        let transaction: Mutex<ReadTransaction>

        init(_ transaction: sending ReadTransaction) { self.transaction = Mutex(transaction) }
    }

    /// - Parameter width: how many calls are to run at once.
    init(_ environment: LMDBEnvironment, width: Int, tables: [LMDBTable]) throws(StorageError) {
        let first = try environment.read()
        let (meta, view) = (tables[StoreTable.meta.index], first.view)
        height = try first.withValue(of: CheckpointStore.heightName, in: meta) {
            $0.map { $0.bigEndian(at: 0, as: UInt64.self) }
        }
        self.tables = tables
        var lanes = [Lane(first)]
        while lanes.count < width {
            let transaction = try environment.read()
            // A later view is another: then these calls take turns.
            guard transaction.view == view else { break }
            lanes.append(Lane(transaction))
        }
        self.lanes = lanes
    }

    private func read<T: Sendable>(
        _ body: (ReadTransaction) throws(StorageError) -> T
    ) throws(StorageError) -> T {
        for lane in lanes {
            let result = try lane.transaction.withLockIfAvailable { (transaction) throws(StorageError) in
                try body(transaction)
            }
            if let result { return result }
        }
        return try lanes[0].transaction.withLock { (transaction) throws(StorageError) in
            try body(transaction)
        }
    }

    /// The value of a key; nil where there is none.
    package func value(
        forKey key: [UInt8], in table: StoreTable = .rows
    ) throws(StorageError) -> [UInt8]? {
        try table.checkKey(key)
        return try read { (transaction) throws(StorageError) in
            try transaction.withValue(of: key, in: tables[table.index]) { $0.map { Array($0) } }
        }
    }

    /// Up to `limit` rows in rising order of keys, from a key on (itself included), with the prefix.
    package func entries(
        from key: [UInt8]? = nil, prefix: [UInt8] = [], limit: Int, in table: StoreTable = .rows
    ) throws(StorageError) -> [Row] {
        try rows(from: key, prefix: prefix, limit: limit, in: table) { Array($0) }
    }

    /// The same, each row's value being what `keep` makes of its bytes.
    func rows(
        from key: [UInt8]?, prefix: [UInt8], limit: Int, in table: StoreTable,
        _ keep: (UnsafeRawBufferPointer) -> [UInt8]
    ) throws(StorageError) -> [Row] {
        guard limit > 0 else { return [] }
        let start = KeyOrder.start(key, prefix)
        return try read { (transaction) throws(StorageError) in
            var rows: [Row] = []
            try transaction.scan(tables[table.index], from: start) { key, value in
                guard KeyOrder.hasPrefix(key, prefix) else { return false }
                rows.append(Row(key: Array(key), value: keep(value)))
                return rows.count < limit
            }
            return rows
        }
    }
}

import Codec
import Merkle

/// The changes of many final blocks, written as one.
package struct Checkpoint: Sendable {
    /// The last block whose changes these include.
    package var height: UInt64
    /// How many digests of the log tree belong to the blocks up to this height.
    package var nodeCount: UInt64
    private var changes: [StoreTable: [RowChange]] = [:]
    /// Where the changes are a layer's: a list of a large layer's rows would be made of cold memory.
    private let layer: RowLayer?

    package init(height: UInt64, nodeCount: UInt64 = 0, rows: [RowChange] = [], history: [RowChange] = []) {
        (self.height, self.nodeCount, layer) = (height, nodeCount, nil)
        changes = [.rows: rows, .history: history]
    }

    /// The rows of a layer that holds all changes up to a block.
    init(height: UInt64, nodeCount: UInt64, layer: RowLayer) {
        (self.height, self.nodeCount, self.layer) = (height, nodeCount, layer)
    }

    /// Changes of a table by rising key, a key once.
    package subscript(table: StoreTable) -> [RowChange] {
        get {
            var changes = changes[table] ?? []
            layer?.forEach(of: table) { key, value in
                changes.append(RowChange(key: Array(key), value: value.map { Array($0) }))
            }
            return changes
        }
        set { changes[table] = newValue }
    }

    /// Hands the changes of a table on as they lie in memory, by rising key, a key once.
    /// - Throws: `storage.key_size`; what the body does. A layer's keys were checked when it took them in.
    func forEach(
        of table: StoreTable,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(StorageError) -> Void
    ) throws(StorageError) {
        for change in changes[table] ?? [] {
            try table.checkKey(change.key)
            try change.withUnsafeBytes(body)
        }
        try layer?.forEach(of: table, body)
    }
}

/// The state at the last checkpoint, in LMDB. What lies above it is replayed from the log.
package final class CheckpointStore: Sendable {
    package struct Options: Sendable {
        /// Address space for LMDB's map, not disk space.
        package var mapBytes = 1 << 40
        /// Index tables beyond rows, history and meta. Their order must stay; new ones go to the end.
        package var extraTables: [String] = []

        package init() {}
    }

    // Names in `meta` that are the store's own begin with a full stop.
    static let heightName = Array(".height".utf8)
    private static let nodesName = Array(".nodes".utf8)
    static let historyName = Array(".history".utf8)
    static let frontierName = Array(".frontier".utf8)
    private static let formatName = Array(".format".utf8)
    /// "MWST", version 5; the chain id follows. It rises with the form of version 1's rows too.
    private static let format = Array("MWST".utf8) + [0, 0, 0, 5]

    let environment: LMDBEnvironment
    let options: Options
    private let tables: [LMDBTable]
    let files: any FileSystem

    /// Opens or makes the store in a folder, which is made where there is none.
    /// - Throws: `storage.wrong_chain`, `storage.unsupported_format`, `storage.lmdb`, and those of the disk.
    package init(
        opening folder: String, chain: Digest, options: Options = Options(),
        files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        (self.files, self.options) = (files, options)
        try files.createFolder(folder)
        let names = ["rows", "history", "meta"] + options.extraTables.map { "extra." + $0 }
        environment = try LMDBEnvironment(
            path: folder, tables: names.count, mapBytes: options.mapBytes, files: files)
        let transaction = try environment.write()
        var tables: [LMDBTable] = []
        for name in names { tables.append(try transaction.table(name)) }
        self.tables = tables
        let meta = tables[StoreTable.meta.index]
        let expected = CheckpointStore.format + chain.bytes
        if let found = try transaction.value(of: CheckpointStore.formatName, in: meta) {
            guard found.starts(with: CheckpointStore.format) else { throw .unsupportedFormat(path: folder) }
            guard found == expected else { throw .wrongChain(path: folder) }
        } else {
            try transaction.write([RowChange(key: CheckpointStore.formatName, value: expected)], to: meta)
        }
        try transaction.commit()
        try files.synchronizeFolder(folder)
    }

    /// Writes a checkpoint in one synchronised transaction: all of it, or after a failure none of it.
    ///
    /// LMDB keeps the pages that it changes in memory until then: some 100 000 rows at a time is a good
    /// size.
    /// - Throws: `storage.out_of_order` where it is not above the last one, `storage.key_size`,
    ///   `storage.disk_full`, `storage.lmdb` (also for keys of `history` that do not rise above those
    ///   stored).
    package func write(_ checkpoint: Checkpoint) throws(StorageError) {
        let meta = tables[StoreTable.meta.index]
        let transaction = try environment.write()
        if let stored = try transaction.value(of: CheckpointStore.heightName, in: meta) {
            let last = stored.bigEndian(at: 0, as: UInt64.self)
            guard checkpoint.height > last else {
                throw .outOfOrder(height: checkpoint.height, next: last &+ 1)
            }
        }
        for (index, handle) in tables.enumerated() {
            let table = StoreTable(index: index)
            try transaction.write(to: handle, appending: table == .history) {
                put throws(StorageError) in try checkpoint.forEach(of: table, put)
            }
        }
        var height: [UInt8] = []
        height.appendBigEndian(checkpoint.height)
        var nodes: [UInt8] = []
        nodes.appendBigEndian(checkpoint.nodeCount)
        try transaction.write(
            [
                RowChange(key: CheckpointStore.heightName, value: height),
                RowChange(key: CheckpointStore.nodesName, value: nodes),
            ], to: meta)
        try transaction.commit()
    }

    /// Deletes rows of the history of blocks below a height, at most `limit` in one transaction, oldest
    /// first. Returns whether all of them are gone.
    /// - Throws: `storage.prune_too_high` for a height above the checkpoint's, `storage.disk_full`,
    ///   `storage.lmdb`.
    package func pruneHistory(below height: UInt64, limit: Int) throws(StorageError) -> Bool {
        let reader = try snapshot()
        guard let stateHeight = reader.height, height <= stateHeight else {
            throw .pruneTooHigh(height: height, stateHeight: reader.height)
        }
        let rows = try reader.entries(limit: limit, in: .history)
        let old = rows.prefix { $0.key.bigEndian(at: 0, as: UInt64.self) < height }
        let known = try reader.historyStart
        if old.isEmpty, known >= height { return true }
        let transaction = try environment.write()
        let changes = old.map { RowChange(key: $0.key, value: nil) }
        try transaction.write(changes, to: tables[StoreTable.history.index])
        var start: [UInt8] = []
        start.appendBigEndian(max(height, known))
        try transaction.write(
            [RowChange(key: CheckpointStore.historyName, value: start)],
            to: tables[StoreTable.meta.index])
        try transaction.commit()
        return old.count < limit
    }

    /// Writes rows of a snapshot, before there is a checkpoint.
    func load(_ rows: [RowChange]) throws(StorageError) {
        for row in rows { try StoreTable.rows.checkKey(row.key) }
        try commit(rows, to: .rows)
    }

    /// Makes what was loaded the checkpoint at a height, with a log of which only the peaks are known. The
    /// history begins above it.
    func begin(at height: UInt64, _ frontier: LogFrontier) throws(StorageError) {
        func bytes(_ number: UInt64) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.appendBigEndian(number)
            return bytes
        }
        try commit(
            [
                RowChange(key: CheckpointStore.frontierName, value: frontier.encoded),
                RowChange(key: CheckpointStore.heightName, value: bytes(height)),
                RowChange(key: CheckpointStore.historyName, value: bytes(height + 1)),
                RowChange(
                    key: CheckpointStore.nodesName, value: bytes(LogTree.nodeCount(size: frontier.size))),
            ], to: .meta)
    }

    /// Adds rows of blocks that lie below those that the checkpoint was made from, a few at a time. Writing
    /// them again changes nothing.
    /// - Throws: `storage.key_size`, `storage.disk_full`, `storage.lmdb`.
    func fill(_ rows: [RowChange], in table: StoreTable) throws(StorageError) {
        for row in rows { try table.checkKey(row.key) }
        try commit(rows, to: table)
    }

    /// Notes that the history is whole, and the log of a snapshot's leaves known.
    func noteFilled() throws(StorageError) {
        let names = [CheckpointStore.historyName, CheckpointStore.frontierName]
        try commit(names.map { RowChange(key: $0, value: nil) }, to: .meta)
    }

    private func commit(_ changes: [RowChange], to table: StoreTable) throws(StorageError) {
        let transaction = try environment.write()
        try transaction.write(changes, to: tables[table.index])
        try transaction.commit()
    }

    /// A view of the last checkpoint.
    /// - Parameter width: how many threads are to read it at once.
    package func snapshot(width: Int = 1) throws(StorageError) -> RowReader {
        try RowReader(environment, width: width, tables: tables)
    }
}

extension RowReader {
    /// How many digests of the log tree the checkpoint counts.
    package var nodeCount: UInt64 {
        get throws(StorageError) {
            try value(forKey: Array(".nodes".utf8), in: .meta).map { $0.bigEndian(at: 0, as: UInt64.self) }
                ?? 0
        }
    }

    /// The height from which on the history is whole: what was pruned, or was not in a snapshot, lies below.
    package var historyStart: UInt64 {
        get throws(StorageError) {
            try value(forKey: CheckpointStore.historyName, in: .meta)
                .map { $0.bigEndian(at: 0, as: UInt64.self) } ?? 0
        }
    }

    /// The log's peaks at the snapshot that the store began with; nil where it began with genesis. The node
    /// file may hold no digests of older leaves but these.
    package var snapshotFrontier: LogFrontier? {
        get throws(StorageError) {
            guard let bytes = try value(forKey: CheckpointStore.frontierName, in: .meta) else { return nil }
            do throws(CodecError) { return try LogFrontier(decoding: bytes) } catch {
                throw .unsupportedFormat(path: "state: .frontier")
            }
        }
    }

    /// The opaque value stored under a name.
    package func meta(_ name: String) throws(StorageError) -> [UInt8]? {
        try value(forKey: Array(name.utf8), in: .meta)
    }
}

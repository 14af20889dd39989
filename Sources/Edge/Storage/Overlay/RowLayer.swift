/// Changed rows in memory, over what lies below: found by key, walked in order.
///
/// A copy goes on seeing what it saw when it was made, on any thread, while one thread adds to another copy:
/// the copies share the rows, and each knows how many of them are its own. Only the copy that has seen all of
/// them may grow.
package struct RowLayer: Sendable {
    private struct Table: Sendable {
        let rows: LayerTable
        var order = SortedRuns()
        /// How many of the table's entries are seen.
        var count: UInt32 = 0

        mutating func set(
            _ key: [UInt8], after head: (height: UInt64, position: UInt32), headCount: Int,
            to value: [UInt8]?
        ) {
            precondition(rows.count == count, "only the newest copy of a layer grows")
            let keyCount = headCount + key.count
            let room = rows.reserve(keyCount + (value?.count ?? 0))
            if headCount > 0 {
                room.storeBytes(of: head.height.bigEndian, as: UInt64.self)
                room.storeBytes(of: head.position.bigEndian, toByteOffset: 8, as: UInt32.self)
            }
            key.withUnsafeBytes { (room + headCount).copyMemory(from: $0) }
            value?.withUnsafeBytes { (room + keyCount).copyMemory(from: $0) }
            if rows.add(room, keyCount: keyCount, valueCount: value?.count ?? -1) { order.insert(count) }
            count = rows.count
        }
    }

    private var tables: [Table] = []
    private let isLarge: Bool
    /// The last block whose changes are in here; nil in an empty layer.
    package private(set) var height: UInt64?
    /// Digests of the log tree up to that block.
    package private(set) var nodeCount: UInt64 = 0

    /// - Parameter isLarge: Whether the layer will hold many blocks.
    package init(isLarge: Bool = false) { self.isLarge = isLarge }

    /// The rows that differ from what lies below, over all tables.
    package var count: Int { tables.reduce(0) { $0 + $1.order.count } }

    /// The outer nil: not in this layer. The inner one: deleted.
    package func value(forKey key: [UInt8], in table: StoreTable = .rows) -> [UInt8]?? {
        key.withUnsafeBytes { value(forKey: $0, hash: LayerTable.hash($0), in: table) }
    }

    /// - Parameter hash: the key's.
    func value(forKey key: UnsafeRawBufferPointer, hash: UInt32, in table: StoreTable) -> [UInt8]?? {
        guard table.index < tables.count else { return nil }
        let table = tables[table.index]
        let number =
            table.rows.isIndexed
            ? table.rows.find(key, hash: hash, among: table.count) : table.order.find(key, in: table.rows)
        guard let number else { return nil }
        return .some(table.rows[number].value.map { Array($0) })
    }

    /// A row as this layer sees it last.
    /// - Parameter first: the row's first entry.
    func entry(_ first: UInt32, in table: StoreTable) -> LayerTable.Entry {
        let (rows, count) = (tables[table.index].rows, tables[table.index].count)
        let entry = rows[first]
        guard rows.isIndexed else { return entry }
        return rows.find(entry.key, hash: entry.hash, among: count).map { rows[$0] } ?? entry
    }

    func key(_ number: UInt32, in table: StoreTable) -> UnsafeRawBufferPointer {
        tables[table.index].rows[number].key
    }

    /// The rows that begin at or after a key, in runs of rising keys.
    func runs(of table: StoreTable, from start: [UInt8]) -> [ArraySlice<UInt32>] {
        guard table.index < tables.count else { return [] }
        let table = tables[table.index]
        return table.order.runs(in: table.rows).map {
            $0[SortedRuns.lowerBound(start, in: $0, of: table.rows)...]
        }
    }

    /// All rows of a table by rising key, each as it is last: its key, and its value or nil where it was
    /// deleted. The bytes are there as long as the layer.
    func forEach<E: Error>(
        of table: StoreTable,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(E) -> Void
    ) throws(E) {
        guard table.index < tables.count else { return }
        let rows = tables[table.index].rows
        for number in tables[table.index].order.all(in: rows) {
            let entry = entry(number, in: table)
            try body(entry.key, entry.value)
        }
    }

    /// Sets a row, or deletes it with nil.
    package mutating func set(_ key: [UInt8], to value: [UInt8]?, in table: StoreTable = .rows) {
        set(key, after: (0, 0), headCount: 0, to: value, in: table)
    }

    /// Sets a row of the history, whose key begins with a change's height and position.
    mutating func set(_ key: [UInt8], after change: (height: UInt64, position: UInt32), to value: [UInt8]) {
        set(key, after: change, headCount: StoreTable.historyHead, to: value, in: .history)
    }

    private mutating func set(
        _ key: [UInt8], after head: (height: UInt64, position: UInt32), headCount: Int, to value: [UInt8]?,
        in table: StoreTable
    ) {
        while tables.count <= table.index {
            // A step changes a row once, and its history is read in order.
            let isIndexed = tables.count != StoreTable.history.index
            tables.append(Table(rows: LayerTable(isLarge: isLarge, isIndexed: isIndexed)))
        }
        tables[table.index].set(key, after: head, headCount: headCount, to: value)
    }

    /// Marks that all changes up to a block are in.
    package mutating func finish(height: UInt64, nodeCount: UInt64) {
        for index in tables.indices { tables[index].order.settle(in: tables[index].rows) }
        (self.height, self.nodeCount) = (height, nodeCount)
    }

    /// The layer's rows as a checkpoint; nil in a layer without a block.
    var checkpoint: Checkpoint? {
        guard let height else { return nil }
        return Checkpoint(height: height, nodeCount: nodeCount, layer: self)
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func copyMemory(from source: UnsafeRawBufferPointer) {
        if let start = source.baseAddress { copyMemory(from: start, byteCount: source.count) }
    }
}

/// Changed rows in memory, over what lies below: found by key, walked in order. A value; copies share what
/// neither has changed.
///
/// The rows of a table are spread over many small lists, so that a change made while a snapshot holds the
/// layer copies a few dozen rows and not all. A list is searched from end to end: that touches less memory
/// than a dictionary of eight.
package struct RowLayer: Sendable {
    struct Table: Sendable {
        private struct Slot: Sendable {
            let key: RowKey
            var value: [UInt8]?
        }

        private var shards: [[Slot]]
        private(set) var keys = SortedKeys()
        private(set) var count = 0

        /// - Parameter shardCount: A power of two.
        init(shardCount: Int) { shards = Array(repeating: [], count: shardCount) }

        private func shard(_ key: RowKey) -> Int { key.hash & (shards.count - 1) }

        private static func index(of key: RowKey, in shard: [Slot]) -> Int? {
            for index in shard.indices where shard[index].key.hash == key.hash {
                if shard[index].key.bytes == key.bytes { return index }
            }
            return nil
        }

        /// The outer nil: not in this layer. The inner one: deleted.
        func value(_ key: RowKey) -> [UInt8]?? {
            let shard = shards[shard(key)]
            guard let index = Table.index(of: key, in: shard) else { return nil }
            return .some(shard[index].value)
        }

        /// Something of the list that a key belongs into, which has then been fetched from memory.
        func glance(at key: RowKey) -> Int { shards[shard(key)].last?.key.hash ?? 0 }

        mutating func set(_ key: RowKey, to value: [UInt8]?) {
            let place = shard(key)
            if let index = Table.index(of: key, in: shards[place]) {
                shards[place][index].value = value
                return
            }
            shards[place].append(Slot(key: key, value: value))
            keys.insert(key)
            count += 1
        }

        /// Puts the new keys in order.
        mutating func settle() { keys.settle() }
    }

    private var tables: [Table] = []
    private let shardCount: Int
    /// The last block whose changes are in here; nil in an empty layer.
    package private(set) var height: UInt64?
    /// Digests of the log tree up to that block.
    package private(set) var nodeCount: UInt64 = 0

    /// - Parameter isLarge: Whether the layer will hold many blocks and be snapshotted while it grows.
    package init(isLarge: Bool = false) { shardCount = isLarge ? 32_768 : 1024 }

    /// The rows that differ from what lies below, over all tables.
    package var count: Int { tables.reduce(0) { $0 + $1.count } }

    /// The outer nil: not in this layer. The inner one: deleted.
    package func value(forKey key: [UInt8], in table: StoreTable = .rows) -> [UInt8]?? {
        table.index < tables.count ? tables[table.index].value(RowKey(key)) : nil
    }

    func value(_ key: RowKey, in table: StoreTable) -> [UInt8]?? {
        table.index < tables.count ? tables[table.index].value(key) : nil
    }

    func keys(of table: StoreTable) -> SortedKeys {
        table.index < tables.count ? tables[table.index].keys : SortedKeys()
    }

    /// The tables that have rows here.
    var storeTables: [StoreTable] { tables.indices.map { StoreTable(index: $0) } }

    /// Sets a row, or deletes it with nil.
    package mutating func set(_ key: [UInt8], to value: [UInt8]?, in table: StoreTable = .rows) {
        set(RowKey(key), to: value, in: table)
    }

    mutating func set(_ key: RowKey, to value: [UInt8]?, in table: StoreTable) {
        while tables.count <= table.index { tables.append(Table(shardCount: shardCount)) }
        tables[table.index].set(key, to: value)
    }

    /// Fetches from memory where these keys belong. Each is a place of its own, so the processor fetches
    /// many at once; setting one row after the other waits for each. The result means nothing.
    func readAhead(_ keys: [RowKey], in table: StoreTable) -> Int {
        guard table.index < tables.count else { return 0 }
        var sum = 0
        for key in keys { sum &+= tables[table.index].glance(at: key) }
        return sum
    }

    /// Marks that all changes up to a block are in.
    package mutating func finish(height: UInt64, nodeCount: UInt64) {
        for index in tables.indices { tables[index].settle() }
        (self.height, self.nodeCount) = (height, nodeCount)
    }

    /// The layer's rows as a checkpoint; nil in a layer without a block.
    var checkpoint: Checkpoint? {
        guard let height else { return nil }
        return Checkpoint(height: height, nodeCount: nodeCount, layer: self)
    }
}

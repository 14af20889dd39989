/// A row as read.
package struct Row: Hashable, Sendable {
    package let key: [UInt8]
    package let value: [UInt8]

    package init(key: [UInt8], value: [UInt8]) { (self.key, self.value) = (key, value) }
}

/// A row as written: its new value, or nil where it is deleted.
package struct RowChange: Hashable, Sendable {
    package let key: [UInt8]
    package let value: [UInt8]?

    package init(key: [UInt8], value: [UInt8]?) { (self.key, self.value) = (key, value) }
}

extension RowChange {
    /// Hands the key's and the value's bytes to the body.
    func withUnsafeBytes(
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(StorageError) -> Void
    ) throws(StorageError) {
        try key.withUnsafeBufferPointer { (key) throws(StorageError) in
            let key = UnsafeRawBufferPointer(key)
            guard let value else { return try body(key, nil) }
            try value.withUnsafeBufferPointer { (value) throws(StorageError) in
                try body(key, UnsafeRawBufferPointer(value))
            }
        }
    }
}

/// A table of the store: the three that every store has, then those that the caller names.
package struct StoreTable: Hashable, Sendable {
    let index: Int

    /// The contracts' rows.
    package static let rows = StoreTable(index: 0)
    /// Key: height (8 bytes, big-endian) ‖ position in the block (4) ‖ row key; value: what changed the
    /// row before.
    package static let history = StoreTable(index: 1)
    /// Opaque values by name.
    package static let meta = StoreTable(index: 2)
    /// The n-th table of `CheckpointStore.Options.extraTables`.
    package static func extra(_ number: Int) -> StoreTable { StoreTable(index: 3 + number) }

    /// The longest key of a row; with 12 bytes before it in `history` it reaches LMDB's 511.
    package static let maximumKeyBytes = 499
    var maximumKeyBytes: Int { self == .history ? 511 : StoreTable.maximumKeyBytes }

    func checkKey(_ key: [UInt8]) throws(StorageError) {
        guard !key.isEmpty, key.count <= maximumKeyBytes else {
            throw .keySize(count: key.count, limit: maximumKeyBytes)
        }
    }

    /// Bytes of a history key before the row's.
    static let historyHead = 12

    /// The key of a row's history entry.
    package static func historyKey(height: UInt64, position: UInt32, row: [UInt8]) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(12 + row.count)
        key.appendBigEndian(height)
        key.appendBigEndian(position)
        key.append(contentsOf: row)
        return key
    }
}

/// Byte strings in the order that LMDB keeps keys in: bytewise, a prefix first.
enum KeyOrder {
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool { compare(left, right) < 0 }

    static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in compare(left, right) } }
    }

    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let order = compareBytes(left, right, count: min(left.count, right.count))
        return order != 0 ? order : left.count - right.count
    }

    static func hasPrefix(_ key: UnsafeRawBufferPointer, _ prefix: [UInt8]) -> Bool {
        key.count >= prefix.count
            && prefix.withUnsafeBytes { compareBytes(key, $0, count: prefix.count) == 0 }
    }

    static func hasPrefix(_ key: [UInt8], _ prefix: [UInt8]) -> Bool {
        key.withUnsafeBytes { hasPrefix($0, prefix) }
    }

    /// Where a scan begins: the later of the prefix and the key to start from.
    static func start(_ from: [UInt8]?, _ prefix: [UInt8]) -> [UInt8] {
        guard let from, precedes(prefix, from) else { return prefix }
        return from
    }
}

import Codec

/// A key's record as it was read to verify a signature. One object for as long as the key does not change: a
/// copy is a reference.
package final class KnownKey: Sendable {
    package let record: KeyRecord

    /// The record of a row, whose name was compared when it was written.
    init(stored record: KeyRecord) { self.record = record }

    /// Nil where the name is not the public key's thumbprint, which no row of a ledger says.
    package init?(_ record: KeyRecord, hash: HashFunction) {
        guard KeyID(publicKey: record.publicKey.array, hash: hash) == record.id else { return nil }
        self.record = record
    }
}

extension ExecutedBlock {
    /// The keys that the block changed, nil for those that it removed.
    /// - Throws: `cbor.*`, though the executor has written them.
    package func changedKeys() throws -> [(id: KeyID, record: KeyRecord?)] {
        try changes.of(KeyRecord.table).compactMap { change in
            guard let id = KeyRecord.id(of: change.key) else { return nil }
            return (id, try change.value.map { try StoredRow.record(KeyRecord.self, in: $0) })
        }
    }
}

/// At which heights keys were changed: whether a record that was read before is still the one of the head's
/// state. Where it does not say so the row is read: of what was read before it was told of blocks, or in a
/// block that is not there, and where another key has changed whose name has the same few bits.
struct KeyChanges: Sendable {
    /// By those bits, the last height.
    private var heights = [Height](repeating: 0, count: KeyChanges.count)
    /// All changes above it are noted.
    private let floor: Height

    /// A power of two: the keys that change in a few blocks rarely share one.
    private static let count = 1 << 15

    /// - Parameter height: of the head, above which it is told of all blocks.
    init(above height: Height) { floor = height }

    /// Takes into account what a block wrote, in order of the keys. A block that is undone stays noted.
    mutating func note(_ changes: [RowChange], at height: Height) {
        for change in changes.of(KeyRecord.table) {
            guard let key = KeyRecord.id(of: change.key) else { continue }
            let place = KeyChanges.place(of: key)
            heights[place] = max(height, heights[place])
        }
    }

    /// Whether a key's record of one height is still that of the head.
    func isCurrent(_ key: KeyID, since height: Height, head: Height) -> Bool {
        height >= floor && height <= head && heights[KeyChanges.place(of: key)] <= height
    }

    private static func place(of key: KeyID) -> Int { Int(truncatingIfNeeded: key.digest.word) & (count - 1) }
}

extension AccountRecord {
    /// What the keys of its rows begin with: the table's name and the zero byte are eight bytes.
    static let word = KeySorting.word(of: RowKey(table: table, key: []).bytes, at: 0)
}

extension KeyRecord {
    private static let rowPrefix = RowKey(table: table, key: []).bytes
    /// What the keys of its rows begin with, in the first four bytes.
    static let word = KeySorting.word(of: rowPrefix, at: 0)

    /// Whose row it is; nil where it is none of this table.
    static func id(of row: RowKey) -> KeyID? {
        guard row.bytes.starts(with: rowPrefix) else { return nil }
        return Digest(row.bytes.dropFirst(rowPrefix.count)).map { KeyID($0) }
    }
}

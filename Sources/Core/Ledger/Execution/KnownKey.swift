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

/// At which heights keys were changed lately: whether a record that was read before is still the one of
/// the head's state. Of what was read long ago, or in a block that is not there, it does not say so, and
/// the row is read.
struct KeyChanges: Sendable {
    private var young: [KeyID: Height] = [:]
    private var old: [KeyID: Height] = [:]
    /// All changes above it are noted.
    private var floor: Height
    /// The height from which on they are in `young`.
    private var youngFloor: Height

    private static let limit = 4096

    /// - Parameter height: of the head, above which it is told of all blocks.
    init(above height: Height) { (floor, youngFloor) = (height, height) }

    /// Takes into account what a block wrote, in order of the keys. A block that is undone stays noted.
    mutating func note(_ changes: [RowChange], at height: Height) {
        if young.count >= KeyChanges.limit {
            (old, young) = (young, [:])
            (floor, youngFloor) = (youngFloor, height - 1)
        }
        for change in changes.of(KeyRecord.table) {
            guard let key = KeyRecord.id(of: change.key) else { continue }
            young[key] = max(height, young[key] ?? 0)
        }
    }

    /// Whether a key's record of one height is still that of the head.
    func isCurrent(_ key: KeyID, since height: Height, head: Height) -> Bool {
        guard height >= floor, height <= head else { return false }
        return max(young[key] ?? 0, old[key] ?? 0) <= height
    }
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

import Codec

/// Where the leaves of transactions are found by their ids, also when an id is not remembered any more: rows
/// `~leaf` zero, the leaf's volume in four bytes, the id; the value is the place in the log tree in eight
/// bytes. Those of remembered ids follow from the rows, all others from the blocks alone.
///
/// A volume is 2^20 leaves one after another. Ids are spread evenly: if all of them lay in one order, each
/// new one would, in a large ledger, change a page that no other changes, and a checkpoint writes whole
/// pages. Who knows no more than an id looks into one volume after another.
package enum LeafIndex {
    package static let table = "~leaf"

    private static let volumeBits: UInt64 = 20

    static func volume(of leaf: UInt64) -> UInt64 { leaf >> volumeBits }

    package static func key(_ id: TransactionID, leaf: UInt64) -> RowKey {
        key(id, volume: volume(of: leaf))
    }

    private static func key(_ id: TransactionID, volume: UInt64) -> RowKey {
        RowKey(table: table, key: bigEndianBytes(volume).suffix(4) + id.bytes)
    }

    static func row(_ id: TransactionID, _ leaf: UInt64) -> StateRow {
        (key(id, leaf: leaf), bigEndianBytes(leaf))
    }

    /// The leaf of an id; nil where the volumes have none.
    /// - Parameters:
    ///   - leaves: in whose volumes it is looked for, the latest first.
    ///   - value: of a row.
    package static func leaf<E: Error>(
        of id: TransactionID, in leaves: Range<UInt64>, _ value: (RowKey) throws(E) -> [UInt8]?
    ) throws(E) -> UInt64? {
        guard let last = leaves.last else { return nil }
        for volume in (volume(of: leaves.lowerBound)...volume(of: last)).reversed() {
            if let found = try value(key(id, volume: volume)) { return bigEndianNumber(found) }
        }
        return nil
    }
}

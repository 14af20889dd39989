import Codec

/// Ids of transactions that expire at about the same moment, remembered so that nothing happens twice and
/// that an id's absence can be proven: they are in no other row than in those of their moment.
///
/// Most transactions that come together expire together, so that a row of many ids costs the state tree what
/// a row of one would. Whoever proves an absence shows the moment's part 0, which says how many ids there
/// are, and, where they are more than it holds, the others.
package struct SeenRecord: Record, Hashable {
    /// A moment, and a part of its ids.
    package struct Place: Hashable, Codable, RecordKey {
        /// Nanoseconds since 1970, divided by 2^`shift`: about 17 ms.
        package var moment: UInt64
        /// 0 holds the latest ids; 1, 2, … hold `idsPerPart` earlier ones each and never change.
        package var part: UInt64

        private static let shift: UInt64 = 24

        package var keyBytes: [UInt8] { bigEndianBytes(moment) + bigEndianBytes(part) }

        /// Part 0 of the moment at which a transaction expires.
        package init(of expires: Timestamp) {
            self.init(moment: UInt64(expires.nanoseconds) >> Place.shift, part: 0)
        }

        init(moment: UInt64, part: UInt64) { (self.moment, self.part) = (moment, part) }

        /// Nil where it is no key of the table.
        init?(key: RowKey) {
            let body = key.bytes.dropFirst(SeenRecord.table.utf8.count + 1)
            guard body.count == 16 else { return nil }
            self.init(moment: bigEndianNumber(body.prefix(8)), part: bigEndianNumber(body.suffix(8)))
            guard isInTime else { return nil }
        }

        /// Whether transactions can expire then: `Timestamp` has 63 bits.
        var isInTime: Bool { moment >> (63 - Place.shift) == 0 }

        /// No transaction of the moment expires later.
        var latestExpiry: Timestamp {
            Timestamp(
                nanoseconds: Int64(truncatingIfNeeded: moment << Place.shift | ((1 << Place.shift) - 1)))
        }
    }

    package static let table = "seen"

    package var id: Place
    /// 32 bytes each, in the order of the transactions.
    package private(set) var ids: Bytes
    /// In part 0 the number of the moment's ids in all parts; absent in others.
    package private(set) var count: UInt64?
    /// The transactions' places in the log tree.
    package private(set) var leaves: [UInt64]

    /// The most ids of a row.
    package static let idsPerPart = 64
    /// How long after its expiry an id is still remembered, so that its absence can be proven meanwhile.
    package static let retention = Span.hours(24)
    /// The furthest that an expiry may lie ahead of consensus time.
    package static let maximumLifetime = Span.hours(24)

    private init(id: Place, ids: [UInt8], count: UInt64?, leaves: [UInt64]) {
        (self.id, self.ids, self.count, self.leaves) = (id, Bytes(ids), count, leaves)
    }

    /// Part 0 of a moment without ids.
    package init(_ place: Place) { self.init(id: place, ids: [], count: 0, leaves: []) }

    /// Adds an id to part 0.
    package mutating func add(_ id: TransactionID, leaf: UInt64) {
        id.append(to: &ids.array)
        leaves.append(leaf)
        count = (count ?? 0) + 1
    }

    /// The earliest ids of part 0 as a part of their own, where they are too many; nil otherwise.
    mutating func nextPart() -> SeenRecord? {
        guard let count, leaves.count > SeenRecord.idsPerPart else { return nil }
        let parted = count - UInt64(leaves.count)
        let place = Place(moment: id.moment, part: parted / UInt64(SeenRecord.idsPerPart) + 1)
        let bytes = SeenRecord.idsPerPart * Digest.count
        let part = SeenRecord(
            id: place, ids: Array(ids.array[..<bytes]), count: nil,
            leaves: Array(leaves[..<SeenRecord.idsPerPart]))
        ids.array.removeFirst(bytes)
        leaves.removeFirst(SeenRecord.idsPerPart)
        return part
    }

    /// The ids, each with its leaf.
    var remembered: [(id: TransactionID, leaf: UInt64)] {
        leaves.enumerated().compactMap { index, leaf in
            let start = index * Digest.count
            return Digest(ids.array[start..<(start + Digest.count)]).map { ($0, leaf) }
        }
    }

    /// The derived rows of these ids.
    package var leafRows: [StateRow] {
        remembered.map { LeafIndex.row($0.id, $0.leaf) }
    }
}

extension SeenRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(count == nil ? 3 : 4)
        writer.key("id")
        writer.map(2)
        writer.key("part")
        writer.unsigned(id.part)
        writer.key("moment")
        writer.unsigned(id.moment)
        writer.key("ids")
        writer.byteString(ids.array)
        if let count {
            writer.key("count")
            writer.unsigned(count)
        }
        writer.key("leaves")
        writer.array(leaves.count)
        for leaf in leaves { writer.unsigned(leaf) }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        var place = try CBORFieldCursor(&reader)
        try place.key("part", &reader)
        let part = try reader.unsigned()
        try place.key("moment", &reader)
        id = Place(moment: try reader.unsigned(), part: part)
        try place.end(reader)
        try fields.key("ids", &reader)
        ids = Bytes(try reader.byteString())
        count = fields.has("count", &reader) ? try reader.unsigned() : nil
        try fields.key("leaves", &reader)
        leaves = []
        let number = try reader.array()
        guard number <= SeenRecord.idsPerPart, ids.count == number * Digest.count, id.isInTime,
            (part == 0) == (count != nil), count.map({ $0 >= number }) ?? true
        else { throw CodecError(.invalidValue, at: reader.offset, "ids, their leaves and number") }
        for _ in 0..<number { leaves.append(try reader.unsigned()) }
        try fields.end(reader)
    }
}

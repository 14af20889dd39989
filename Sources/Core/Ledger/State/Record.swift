import Codec

/// What names a record within its table, as bytes that sort the way the name does.
@usableFromInline package protocol RecordKey: Sendable {
    var keyBytes: [UInt8] { get }
    /// Appends `keyBytes` without making an array of them.
    func append(to bytes: inout [UInt8])
}

extension RecordKey {
    @usableFromInline package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: keyBytes) }
}

extension Digest: RecordKey {
    package var keyBytes: [UInt8] { bytes }

    package func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: Digest.count, alignment: 8) { buffer in
            write(to: buffer)
            bytes.append(contentsOf: UnsafeRawBufferPointer(buffer))
        }
    }
}

/// A typed row: its table, its key, and the indexes that find it.
///
/// The stored form is the deterministic CBOR of the record. Bounds on lists and texts are the contract's
/// duty.
@usableFromInline package protocol Record: Codable, Sendable {
    associatedtype ID: RecordKey
    /// Stable, lower case, such as `machine`.
    static var table: String { get }
    /// Kept in step with the record by `Context.put`. Derived data: not in the state tree.
    static var indexes: [Index<Self>] { get }
    var id: ID { get }
    /// Writes the stored form; what `CBORFields` writes where the record has it.
    func writeRecord(to writer: inout CBORWriter) throws(CodecError)
    /// Reads the stored form, with which the bytes end.
    init(readingRecord reader: inout CBORReader) throws(CodecError)
}

extension Record {
    @usableFromInline package static var indexes: [Index<Self>] { [] }

    @usableFromInline package func writeRecord(to writer: inout CBORWriter) throws(CodecError) {
        writer.raw(try CBOR.encode(self))
    }

    @usableFromInline package init(readingRecord reader: inout CBORReader) throws(CodecError) {
        self = try CBOR.decode(Self.self, from: Array(try reader.item()))
    }

    /// The row's key: the table's name, a zero byte, the record's key.
    @usableFromInline package static func rowKey(_ id: ID) -> RowKey {
        var bytes: [UInt8] = []
        let name = table.utf8
        bytes.reserveCapacity(name.count + 1 + Digest.count)
        bytes.append(contentsOf: name)
        bytes.append(0)
        id.append(to: &bytes)
        return RowKey(bytes: bytes)
    }

    /// Where an index lists a record: `~<table>.<index>` zero, the value's length in two bytes, the value,
    /// the record's key. Without the record's key it is the prefix of all that the index lists under the
    /// value.
    @usableFromInline package static func indexKey(_ index: String, _ value: [UInt8], _ id: [UInt8] = [])
        -> RowKey
    {
        var bytes: [UInt8] = []
        let (table, index) = (table.utf8, index.utf8)
        bytes.reserveCapacity(table.count + index.count + value.count + id.count + 5)
        bytes.append(0x7e)
        bytes.append(contentsOf: table)
        bytes.append(0x2e)
        bytes.append(contentsOf: index)
        bytes.append(0)
        bytes.append(UInt8(truncatingIfNeeded: value.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value.count))
        bytes.append(contentsOf: value)
        bytes.append(contentsOf: id)
        return RowKey(bytes: bytes)
    }
}

extension Record where Self: CBORFields {
    @usableFromInline package func writeRecord(to writer: inout CBORWriter) throws(CodecError) {
        write(to: &writer)
    }

    @usableFromInline package init(readingRecord reader: inout CBORReader) throws(CodecError) {
        try self.init(reading: &reader)
    }
}

/// A secondary index: the bytes under which a record is found, or nil where it is not listed.
@usableFromInline package struct Index<R>: Sendable {
    package let name: String
    package let key: @Sendable (R) -> [UInt8]?

    package init(_ name: String, _ key: @escaping @Sendable (R) -> [UInt8]?) {
        (self.name, self.key) = (name, key)
    }
}

/// A row's name across all tables. Rows of derived tables (indexes) begin with `~` and are not in the state
/// tree.
@usableFromInline package struct RowKey: Hashable, Comparable, Sendable {
    package let bytes: [UInt8]

    /// The longest key that a store keeps, in bytes.
    package static let maximumCount = 499

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init(table: String, key: [UInt8]) {
        var bytes: [UInt8] = []
        let name = table.utf8
        bytes.reserveCapacity(name.count + 1 + key.count)
        bytes.append(contentsOf: name)
        bytes.append(0)
        bytes.append(contentsOf: key)
        self.bytes = bytes
    }

    /// Whether the row is derived from others and so left out of the state tree.
    package var isDerived: Bool { bytes.first == 0x7e }

    /// Behind all keys of derived rows.
    package static let behindDerived: [UInt8] = [0x7f]

    /// Whether a store keeps it. A longer key names no row: a store's limit must not decide what is executed.
    package var isStorable: Bool { bytes.count <= RowKey.maximumCount }

    /// The table's name, `~` included for derived ones.
    package var table: String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// For finding rows only. The synthesised form takes an array's bytes one by one.
    @usableFromInline package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    @usableFromInline package static func < (left: RowKey, right: RowKey) -> Bool {
        RawBytes.precedes(left.bytes, right.bytes)
    }
}

/// Which step of the ledger last changed a row: a block, and in it 0 for deadlines or 1 + the transaction's
/// index.
package struct ChangeReference: Hashable, Comparable, Codable, Sendable {
    package var height: Height
    package var position: UInt32

    package init(height: Height, position: UInt32) { (self.height, self.position) = (height, position) }

    package static func < (left: ChangeReference, right: ChangeReference) -> Bool {
        (left.height, left.position) < (right.height, right.position)
    }

    /// Twelve bytes that sort as the reference does.
    package var keyBytes: [UInt8] {
        bigEndianBytes(height) + (0..<4).map { UInt8(truncatingIfNeeded: position >> UInt32(24 - 8 * $0)) }
    }

    /// The reference in twelve bytes, as `keyBytes` gives them; nil for any other length.
    package init?(keyBytes bytes: [UInt8]) {
        guard bytes.count == 12, let position = UInt32(exactly: bigEndianNumber(bytes.dropFirst(8))) else {
            return nil
        }
        self.init(height: bigEndianNumber(bytes.prefix(8)), position: position)
    }
}

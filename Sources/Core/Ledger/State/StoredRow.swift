import Codec

/// A row's stored form: deterministic CBOR `[height, position, record]`, where height and position name the
/// last change, so that a proof of the row also proves who changed it last, and `record` is the record's own
/// CBOR.
@usableFromInline package struct StoredRow: Hashable, Sendable {
    package var change: ChangeReference
    package var record: [UInt8]

    package init(change: ChangeReference, record: [UInt8]) { (self.change, self.record) = (change, record) }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: record.count + 16)
        StoredRow.begin(change, in: &writer)
        writer.raw(record)
        return writer.bytes
    }

    /// The record in a row's stored form.
    /// - Throws: `cbor.*` where the bytes are not such a row.
    @usableFromInline package static func record<R: Record>(_ type: R.Type, in bytes: [UInt8])
        throws(CodecError) -> R
    {
        var reader = CBORReader(bytes)
        _ = try begin(&reader)
        let record = try R(readingRecord: &reader)
        try reader.finish()
        return record
    }

    /// Writes what stands before the record.
    static func begin(_ change: ChangeReference, in writer: inout CBORWriter) {
        writer.array(3)
        writer.unsigned(change.height)
        writer.unsigned(UInt64(change.position))
    }

    /// Reads what stands before the record.
    static func begin(_ reader: inout CBORReader) throws(CodecError) -> ChangeReference {
        try reader.array(of: 3)
        let height = try reader.unsigned()
        guard let position = UInt32(exactly: try reader.unsigned()) else {
            throw CodecError(.outOfRange, at: reader.offset)
        }
        return ChangeReference(height: height, position: position)
    }

    /// - Throws: `cbor.*` where the bytes are not a stored row.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        change = try StoredRow.begin(&reader)
        record = Array(bytes[reader.offset...])
    }
}

import Codec

/// A row's stored form: deterministic CBOR `[height, position, record]`, where height and position name the
/// last change, so that a proof of the row also proves who changed it last, and `record` is the record's own
/// CBOR.
package struct StoredRow: Hashable, Sendable {
    package var change: ChangeReference
    package var record: [UInt8]

    package init(change: ChangeReference, record: [UInt8]) { (self.change, self.record) = (change, record) }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: record.count + 16)
        writer.array(3)
        writer.unsigned(change.height)
        writer.unsigned(UInt64(change.position))
        writer.raw(record)
        return writer.bytes
    }

    /// - Throws: `cbor.*` where the bytes are not a stored row.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 3)
        let height = try reader.unsigned()
        guard let position = UInt32(exactly: try reader.unsigned()) else {
            throw CodecError(.outOfRange, at: reader.offset)
        }
        change = ChangeReference(height: height, position: position)
        record = Array(bytes[reader.offset...])
    }
}

import Codec

/// What became of a transaction that has a leaf.
package enum Outcome: Hashable, Sendable {
    case accepted
    /// Refused with this stable code; nothing changed.
    case rejected(String)

    /// `accepted`, or the rejection's code.
    package var code: String {
        switch self {
        case .accepted: "accepted"
        case .rejected(let code): code
        }
    }

    /// In CBOR `true`, or the code as text.
    func write(to writer: inout CBORWriter) {
        switch self {
        case .accepted: writer.bool(true)
        case .rejected(let code): writer.text(code)
        }
    }

    init(reading reader: inout CBORReader) throws(CodecError) {
        if reader.majorType == 3 {
            self = .rejected(try reader.text())
        } else {
            guard try reader.bool() else { throw CodecError(.invalidValue, at: reader.offset, "outcome") }
            self = .accepted
        }
    }
}

/// One leaf of the log tree: the transaction, where it stands, and what became of it.
///
/// CBOR array `[height, time, transaction, outcome]`; the leaf hash is SHA-256(0x00 ‖ encoding) (RFC 9162
/// §2.1.1).
package struct Leaf: Hashable, Sendable {
    package var height: Height
    package var time: Timestamp
    /// The COSE_Sign1 message as received.
    package var transaction: [UInt8]
    package var outcome: Outcome

    package init(height: Height, time: Timestamp, transaction: [UInt8], outcome: Outcome) {
        (self.height, self.time, self.transaction, self.outcome) = (height, time, transaction, outcome)
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: transaction.count + 40)
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout CBORWriter) {
        writer.array(4)
        writer.unsigned(height)
        writer.unsigned(UInt64(time.nanoseconds))
        writer.byteString(transaction)
        outcome.write(to: &writer)
    }

    /// - Throws: `cbor.*` where the bytes are not a leaf.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 4)
        height = try reader.unsigned()
        let nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.outOfRange, at: reader.offset, "time") }
        time = Timestamp(nanoseconds: nanoseconds)
        transaction = try reader.byteString()
        outcome = try Outcome(reading: &reader)
        try reader.finish()
    }
}

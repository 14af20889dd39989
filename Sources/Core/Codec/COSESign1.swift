/// A COSE_Sign1 message (RFC 9052 §4.2), tagged 18, with the signature not yet verified.
package struct COSESign1: Hashable, Sendable {
    /// The protected header as encoded: a map, or empty.
    package var protected: [UInt8]
    /// The unprotected header as encoded: a map.
    package var unprotected: [UInt8]
    /// Nil where the payload is detached.
    package var payload: [UInt8]?
    package var signature: [UInt8]

    package static let emptyMap: [UInt8] = [0xa0]

    package init(protected: [UInt8], unprotected: [UInt8] = emptyMap, payload: [UInt8]?, signature: [UInt8]) {
        (self.protected, self.unprotected) = (protected, unprotected)
        (self.payload, self.signature) = (payload, signature)
    }

    /// Parses a tagged message.
    /// - Throws: `cbor.*` for bytes that are not deterministic CBOR.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        self = try COSESign1(reading: &reader)
        try reader.finish()
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        guard try reader.tag() == 18 else { throw CodecError(.malformedCOSE, at: reader.offset, "tag 18") }
        try reader.array(of: 4)
        protected = try reader.byteString()
        guard reader.majorType == 5 else { throw CodecError(.malformedCOSE, at: reader.offset) }
        unprotected = Array(try reader.item())
        if reader.isNull {
            try reader.null()
            payload = nil
        } else {
            payload = try reader.byteString()
        }
        signature = try reader.byteString()
    }

    /// The tagged message.
    package var encoded: [UInt8] {
        var writer = CBORWriter(
            reservingCapacity: protected.count + unprotected.count + (payload?.count ?? 0) + 96)
        writer.tag(18)
        writer.array(4)
        writer.byteString(protected)
        writer.raw(unprotected)
        if let payload { writer.byteString(payload) } else { writer.null() }
        writer.byteString(signature)
        return writer.bytes
    }

    /// What is signed: `Sig_structure` with context "Signature1" (RFC 9052 §4.4).
    package static func toBeSigned(
        protected: [UInt8], externalAAD: [UInt8] = [], payload: [UInt8]
    ) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: protected.count + payload.count + 32)
        writer.array(4)
        writer.text("Signature1")
        writer.byteString(protected)
        writer.byteString(externalAAD)
        writer.byteString(payload)
        return writer.bytes
    }
}

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

    /// Parses a tagged message. Untagged ones, and other tags, are refused.
    /// - Throws: `cbor.*` for bytes that are not deterministic CBOR, `cose.malformed` for another shape.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        self = try COSESign1(reading: &reader)
        try reader.finish()
    }

    /// Reads a tagged message where a reader stands.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        let places = try Places(reading: &reader)
        let bytes = reader.bytes
        self.init(
            protected: Array(bytes[places.protected]), unprotected: Array(bytes[places.unprotected]),
            payload: places.payload.map { Array(bytes[$0]) }, signature: Array(bytes[places.signature]))
    }

    /// Where the parts of a tagged message are in the bytes that hold it.
    package struct Places: Sendable {
        package let protected: Range<Int>
        package let unprotected: Range<Int>
        package let payload: Range<Int>?
        package let signature: Range<Int>

        /// - Throws: as `COSESign1.init(reading:)`.
        package init(reading reader: inout CBORReader) throws(CodecError) {
            let start = reader.offset
            guard reader.isTag, try reader.tag() == COSESign1.tag else {
                throw CodecError(reader.isAtEnd ? .truncated : .malformedCOSE, at: start, "tag 18")
            }
            guard reader.isArray else { throw CodecError(.malformedCOSE, at: reader.offset, "array of 4") }
            try reader.array(of: 4)
            protected = try reader.byteStringPlace()
            guard reader.isMap else {
                throw CodecError(.malformedCOSE, at: reader.offset, "unprotected header")
            }
            unprotected = try reader.item().indices
            if reader.isNull {
                try reader.null()
                payload = nil
            } else {
                payload = try reader.byteStringPlace()
            }
            signature = try reader.byteStringPlace()
        }
    }

    /// The CBOR tag of a COSE_Sign1.
    private static let tag: UInt64 = 18

    /// The tagged message.
    package var encoded: [UInt8] {
        var writer = CBORWriter(
            reservingCapacity: protected.count + unprotected.count + (payload?.count ?? 0) + 96)
        writer.tag(COSESign1.tag)
        writer.array(4)
        writer.byteString(protected)
        writer.raw(unprotected)
        if let payload { writer.byteString(payload) } else { writer.null() }
        writer.byteString(signature)
        return writer.bytes
    }

    /// Both headers, parsed.
    /// - Parameter understood: the critical labels that the caller knows besides the algorithm and the
    ///   key's identifier.
    /// - Throws: what `COSEHeader` does; `cose.malformed` for a label in both (RFC 9052 §3).
    package func headers(
        understanding understood: [COSELabel] = []
    ) throws(CodecError) -> (protected: COSEHeader, unprotected: COSEHeader) {
        let inner = try COSEHeader(protected: protected, understanding: understood)
        let outer = try COSEHeader(unprotected: unprotected)
        for label in outer.labels where inner.labels.contains(label) {
            throw CodecError(.malformedCOSE, "label \(label) in both headers")
        }
        return (inner, outer)
    }

    /// Checks that the signature can be one of Ed25519: a protected algorithm -8 and 64 bytes.
    /// - Throws: `cose.unsupported_algorithm`, naming it; -8 with 114 bytes is Ed448 (RFC 8032 §5.2.6).
    package func checkEd25519(_ protected: COSEHeader) throws(CodecError) {
        try protected.checkEdDSA()
        guard signature.count == 64 else {
            let name = signature.count == 114 ? "Ed448" : "a signature of \(signature.count) bytes"
            throw CodecError(.unsupportedAlgorithm, name)
        }
    }

    /// What is signed: `Sig_structure` with context "Signature1" (RFC 9052 §4.4). A protected header that
    /// is an empty map counts as none.
    package static func toBeSigned(
        protected: [UInt8], externalAAD: [UInt8] = [], payload: [UInt8]
    ) -> [UInt8] {
        toBeSigned(protected: protected[...], externalAAD: externalAAD, payload: payload[...])
    }

    package static func toBeSigned(
        protected: ArraySlice<UInt8>, externalAAD: [UInt8] = [], payload: ArraySlice<UInt8>
    ) -> [UInt8] {
        var writer = CBORWriter(
            reservingCapacity: protected.count + externalAAD.count + payload.count + 40)
        writer.array(4)
        writer.text("Signature1")
        writer.byteString(protected.elementsEqual(emptyMap) ? [] : protected)
        writer.byteString(externalAAD)
        writer.byteString(payload)
        return writer.bytes
    }
}

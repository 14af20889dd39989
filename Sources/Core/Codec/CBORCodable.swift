/// The Codable front: any `Encodable` as deterministic CBOR, any `Decodable` from it.
package enum CBOR {
    /// The value's deterministic encoding.
    /// - Throws: `cbor.unsupported` for what this codec has no form for (floating point).
    package static func encode<T: Encodable>(_ value: T) throws(CodecError) -> [UInt8] {
        throw CodecError(.unsupported)
    }

    /// The value, where the bytes are exactly one deterministic item of its shape.
    /// - Throws: `cbor.*`, with the offset of what is wrong.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(CodecError) -> T {
        throw CodecError(.unsupported)
    }
}

/// The Codable front: any `Encodable` as deterministic CBOR (RFC 8949 §4.2.1), any `Decodable` from it.
///
/// What was decoded encodes to the same bytes, and whatever would break that is refused.
/// * Keyed containers are maps with text keys (`CodingKey.stringValue`), sorted and compared as bytes;
///   every key of a decoded map must be known to the type. A nil property is absent; `encodeNil` is null.
/// * `Digest` and `Bytes` are byte strings. `[UInt8]`, which says neither string nor list, is
///   `cbor.unsupported`.
/// * A case with one unlabelled value is `{"case": value}` (null for a nil value), with labelled ones
///   `{"case": {"label": value}}`, without values `{"case": {}}`. Several unlabelled values, or both sorts,
///   are `cbor.unsupported`. (The compiler's coding keys make it so: `_0` in a nested container.)
/// * Sets, and dictionaries whose keys are not coding keys, have no order and are `cbor.unsupported`.
///   Floating point is `cbor.floating_point`.
/// * A nested container is complete when something else is written to its parent; later writes to it are
///   `cbor.unsupported`.
@usableFromInline package enum CBOR {
    /// The value's deterministic encoding.
    /// - Throws: `cbor.unsupported` for what this codec has no form for, `cbor.floating_point`,
    ///   `cbor.too_deep` for more than 32 levels, `cbor.duplicate_key` for a key written twice.
    @usableFromInline package static func encode<T: Encodable>(_ value: T) throws(CodecError) -> [UInt8] {
        var state = CBOREncoderState()
        return try withUnsafeMutablePointer(to: &state) { pointer throws(CodecError) -> [UInt8] in
            try CBOREncoder.encodeItem(value, in: pointer)
            if let failure = pointer.pointee.failure { throw failure }
            return pointer.pointee.bytes
        }
    }

    /// The value, where the bytes are exactly one deterministic item of its shape.
    /// - Throws: `cbor.*`, with the offset of what is wrong; `cbor.invalid_value` for what the type's own
    ///   initialiser refuses, with its reason.
    @usableFromInline package static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8])
        throws(CodecError) -> T
    {
        try bytes.withUnsafeBufferPointer { input throws(CodecError) -> T in
            var tape = try CBORTape(UnsafeRawBufferPointer(input))
            return try withUnsafeMutablePointer(to: &tape) { pointer throws(CodecError) -> T in
                let value: T
                do {
                    value = try CBORDecoder(tape: pointer, index: 0).decode(type)
                } catch {
                    throw codecError(error, at: 0)
                }
                if let failure = pointer.pointee.failure { throw failure }
                try pointer.pointee.checkAllUsed()
                return value
            }
        }
    }

    /// The key that the compiler gives to a case's first value where it has no label.
    static let unlabelledKey = "_0"

    /// The key of `superEncoder` and `superDecoder`.
    struct SuperKey: CodingKey {
        var stringValue: String { "super" }
        var intValue: Int? { nil }
        init() {}
        init?(stringValue: String) { nil }
        init?(intValue: Int) { nil }
    }

    /// An error of a type's own `init(from:)` or `encode(to:)` as this codec's.
    static func codecError(_ error: any Error, at offset: Int) -> CodecError {
        switch error {
        case let error as CodecError: error
        case DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context),
            DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            CodecError(.invalidValue, at: offset, context.debugDescription)
        case EncodingError.invalidValue(_, let context):
            CodecError(.unsupported, at: offset, context.debugDescription)
        default: CodecError(.invalidValue, at: offset, "\(error)")
        }
    }
}

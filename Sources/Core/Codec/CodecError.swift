/// Why bytes are not what this codec writes. The code is stable; the offset counts from the input's first
/// byte.
package struct CodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable {
        case truncated = "cbor.truncated"
        case trailingBytes = "cbor.trailing_bytes"
        case nonMinimal = "cbor.non_minimal"
        case indefiniteLength = "cbor.indefinite_length"
        case unsupported = "cbor.unsupported"
        case floatingPoint = "cbor.floating_point"
        case keyOrder = "cbor.key_order"
        case duplicateKey = "cbor.duplicate_key"
        case invalidText = "cbor.invalid_text"
        case tooDeep = "cbor.too_deep"
        case tooLarge = "cbor.too_large"
        case unexpectedType = "cbor.unexpected_type"
        case outOfRange = "cbor.out_of_range"
        case missingKey = "cbor.missing_key"
        case unknownKey = "cbor.unknown_key"
        case invalidValue = "cbor.invalid_value"
        case malformedCOSE = "cose.malformed"
        case unsupportedAlgorithm = "cose.unsupported_algorithm"
        case unsupportedCritical = "cose.unsupported_critical"
        case malformedCID = "cid.malformed"
    }

    package let code: Code
    package let offset: Int
    /// A detail for a person, such as the field's name; empty where the code says it all.
    package let detail: String

    package init(_ code: Code, at offset: Int = 0, _ detail: String = "") {
        (self.code, self.offset, self.detail) = (code, offset, detail)
    }

    package var description: String {
        "\(code.rawValue) at byte \(offset)" + (detail.isEmpty ? "" : ": \(detail)")
    }
}

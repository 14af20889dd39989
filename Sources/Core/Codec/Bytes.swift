/// A byte string, where `[UInt8]` through Codable would become a list of numbers.
package struct Bytes: Hashable, Sendable {
    package var array: [UInt8]

    package init(_ array: [UInt8]) { self.array = array }
    package init(_ digest: Digest) { array = digest.bytes }
    package var count: Int { array.count }
}

extension Bytes: CustomStringConvertible {
    /// Lower-case hexadecimal.
    package var description: String { Hex.encode(array) }
}

extension Bytes: Codable {
    /// In CBOR a byte string (the codec's own fast path); elsewhere hexadecimal text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hex.decode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "bytes are an even number of hexadecimal digits")
        }
        array = bytes
    }
}

/// Hexadecimal text (RFC 4648 §8), written in lower case, read in either.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil where the text is not an even number of hexadecimal digits.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x41...0x46: digit = character - 0x41 + 10
            case 0x61...0x66: digit = character - 0x61 + 10
            default: return nil
            }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}

/// A content identifier, version 1, with a SHA-256 multihash (multiformats "CID", "multihash",
/// "multicodec").
///
/// The bytes are `01 codec 12 20 digest`, 36 of them; the text is `b` and their base32 in lower case, 59
/// characters. Each identifier has one form in bytes and one in text, and no other is read.
package struct CID: Hashable, Sendable {
    /// What the content is encoded as, by its number in multicodec's table.
    package enum Codec: UInt8, Sendable {
        case raw = 0x55
        case dagPB = 0x70
        case dagCBOR = 0x71
    }

    package let codec: Codec
    package let digest: Digest

    /// The number of bytes.
    package static let count = 36
    private static let version: UInt8 = 1
    /// The multihash's function (SHA-256) and length.
    private static let multihash: [UInt8] = [0x12, 0x20]

    package init(codec: Codec, digest: Digest) { (self.codec, self.digest) = (codec, digest) }

    /// - Throws: `cid.malformed`, with the offset of the first byte that is wrong.
    package init(bytes: some Collection<UInt8>) throws(CodecError) {
        let bytes = Array(bytes)
        guard bytes.count == CID.count else {
            throw CodecError(.malformedCID, at: min(bytes.count, CID.count), "\(CID.count) bytes expected")
        }
        guard bytes[0] == CID.version else { throw CodecError(.malformedCID, "version 1 expected") }
        guard let codec = Codec(rawValue: bytes[1]) else { throw CodecError(.malformedCID, at: 1, "codec") }
        guard bytes[2..<4].elementsEqual(CID.multihash), let digest = Digest(bytes[4...]) else {
            throw CodecError(.malformedCID, at: 2, "SHA-256 multihash expected")
        }
        self.init(codec: codec, digest: digest)
    }

    /// - Throws: `cid.malformed`, with the offset in the text, or in the bytes that it stands for.
    package init(parsing text: String) throws(CodecError) {
        guard text.utf8.first == UInt8(ascii: "b") else { throw CodecError(.malformedCID, "base32 expected") }
        guard text.utf8.count == 59, let bytes = Base32.decode(text.utf8.dropFirst()) else {
            throw CodecError(.malformedCID, at: 1, "58 characters of base32 expected")
        }
        try self.init(bytes: bytes)
    }

    package var bytes: [UInt8] { [CID.version, codec.rawValue] + CID.multihash + digest.bytes }
}

extension CID: CustomStringConvertible {
    /// The text, 59 characters.
    package var description: String { "b" + Base32.encode(bytes) }
}

extension CID: Codable {
    /// In CBOR a byte string of 36; elsewhere text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if encoder is CBOREncoder {
            try container.encode(Bytes(bytes))
        } else {
            try container.encode(description)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if decoder is CBORDecoder {
            try self.init(bytes: container.decode(Bytes.self).array)
        } else {
            try self.init(parsing: container.decode(String.self))
        }
    }
}

/// Base32 in lower case without padding (RFC 4648 §6; multibase `b`).
enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(buffer >> bits & 31)])
            }
            buffer &= 31
        }
        if bits > 0 { text.append(alphabet[Int(buffer << (5 - bits) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil for another alphabet, a length that no bytes have, or bits behind the last byte
    /// that are not 0.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        for character in text {
            switch character {
            case 0x61...0x7a: buffer = buffer << 5 | UInt32(character - 0x61)
            case 0x32...0x37: buffer = buffer << 5 | UInt32(character - 0x32 + 26)
            default: return nil
            }
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
                buffer &= 1 << bits - 1
            }
        }
        return bits < 5 && buffer == 0 ? bytes : nil
    }
}

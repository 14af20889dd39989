import Codec

/// A name that people choose and every node compares as bytes: 1 to 64 of `a–z 0–9 - . _`, first a letter or
/// digit.
package protocol TextIdentifier: RecordKey, Hashable, Comparable, Codable, CustomStringConvertible {
    var text: String { get }
    /// Only for text that `isValid`.
    init(unchecked text: String)
}

extension TextIdentifier {
    /// The identifier, or nil where the text is not one.
    package init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        self.init(unchecked: text)
    }

    package static func isValid(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { isIdentifier($0) }
    }

    /// Reads the identifier's text.
    /// - Throws: `cbor.*`; `cbor.invalid_value` where the text is no identifier.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        let start = reader.offset
        let text = try reader.text()
        guard Self.isValid(text) else {
            throw CodecError(.invalidValue, at: start, "an identifier is 1 to 64 of a-z 0-9 - . _")
        }
        self.init(unchecked: text)
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package var description: String { text }
    package var keyBytes: [UInt8] { Array(text.utf8) }
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard Self.isValid(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an identifier is 1 to 64 of a-z 0-9 - . _")
        }
        self.init(unchecked: text)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Every row that is read has some of them: each byte is looked up among the bits of what is allowed.
private func isIdentifier(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let letters: UInt64 = 0x07ff_fffe_0000_0000
    let digits: UInt64 = 0x03ff_0000_0000_0000
    let (dash, dot, underscore): (UInt64, UInt64, UInt64) = (1 << 0x2d, 1 << 0x2e, 1 << (0x5f - 64))
    guard bytes.count >= 1, bytes.count <= 64, bytes[0] != 0x2d, bytes[0] != 0x2e, bytes[0] != 0x5f else {
        return false
    }
    for byte in bytes {
        let allowed = byte < 64 ? digits | dash | dot : letters | underscore
        guard byte < 128, allowed >> UInt64(byte & 63) & 1 == 1 else { return false }
    }
    return true
}

extension RawRepresentable where RawValue == String {
    /// The case of that name.
    /// - Throws: `cbor.invalid_value` where there is none.
    @usableFromInline package init(named name: String, at offset: Int) throws(CodecError) {
        guard let value = Self(rawValue: name) else {
            throw CodecError(.invalidValue, at: offset, "\(name) is none of the names known here")
        }
        self = value
    }
}

/// A company in the consortium.
package struct MemberID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

/// A signing key's name: its RFC 9679 COSE key thumbprint.
package struct KeyID: Hashable, Comparable, Codable, Sendable, RecordKey, CustomStringConvertible {
    package let digest: Digest

    package init(_ digest: Digest) { self.digest = digest }

    /// The thumbprint of an Ed25519 public key: SHA-256 of the deterministic CBOR map {1: 1, -1: 6, -2: key}.
    package init(publicKey: [UInt8], hash: HashFunction) {
        var writer = CBORWriter(reservingCapacity: 48)
        writer.map(3)
        writer.unsigned(1)
        writer.unsigned(1)
        writer.integer(-1)
        writer.unsigned(6)
        writer.integer(-2)
        writer.byteString(publicKey)
        digest = hash(writer.bytes)
    }

    package init(from decoder: any Decoder) throws {
        digest = try decoder.singleValueContainer().decode(Digest.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digest)
    }

    package static func < (left: KeyID, right: KeyID) -> Bool { left.digest < right.digest }
    package var keyBytes: [UInt8] { digest.bytes }
    package func append(to bytes: inout [UInt8]) { digest.append(to: &bytes) }
    package var description: String { digest.description }
}

/// The ledger's name: the SHA-256 of its genesis document.
package typealias ChainID = Digest
/// A transaction's name: the SHA-256 of its to-be-signed bytes.
package typealias TransactionID = Digest

/// The number of a block; genesis is 0.
package typealias Height = UInt64
/// The number of an engine instance with one validator set.
package typealias Epoch = UInt64

import Codec
import Cryptography
import Foundation

/// NATS's text form of an Ed25519 key (the nkeys format): base32 (RFC 4648 §6, no padding) over the prefix,
/// the 32 bytes and a CRC-16/XMODEM of both, low byte first.
///
/// A public key has one byte of prefix, the kind in its upper five bits, so that a user's begins with `U`. A
/// seed has two: `S` and the kind after it, so that it begins with `SU`.
package enum NKey {
    private static let user: UInt8 = 20 << 3
    private static let seed: UInt8 = 18 << 3
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    /// A user's public key, 56 characters.
    package static func text(of key: Ed25519.PublicKey) -> String {
        String(decoding: encode([user] + key.bytes), as: UTF8.self)
    }

    /// A user's seed, 58 characters: a secret in ordinary memory, for a seed file.
    package static func seedText(of key: Ed25519.SigningKey) -> String {
        String(decoding: encode([seed | user >> 5, (user & 31) << 3] + key.seed.exposed()), as: UTF8.self)
    }

    /// The public key that a text stands for; nil where it is not a user's.
    package static func publicKey(_ text: String) -> Ed25519.PublicKey? {
        guard let bytes = decode(Array(text.utf8)), bytes.first == user else { return nil }
        return Ed25519.PublicKey(Array(bytes.dropFirst()))
    }

    /// The key of a user's seed.
    /// - Throws: `crypto.malformed` where the text is not one.
    package static func signingKey(seedText text: some Sequence<UInt8>) throws(CryptographyError)
        -> Ed25519.SigningKey
    {
        guard let bytes = decode(Array(text)), bytes.count == 34, bytes[0] == seed | user >> 5,
            bytes[1] == (user & 31) << 3
        else { throw CryptographyError(.malformed) }
        return try Ed25519.SigningKey(seed: Array(bytes.dropFirst(2)))
    }

    /// Reads a seed file: the seed on one line, as NATS's own tools write it; other lines are comments.
    /// - Throws: Foundation's error where it cannot be read, `crypto.malformed` where it holds no seed.
    package static func signingKey(seedFile path: String) throws -> Ed25519.SigningKey {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for line in bytes.split(whereSeparator: { $0 <= 0x20 }) where line.starts(with: "SU".utf8) {
            return try signingKey(seedText: line)
        }
        throw CryptographyError(.malformed)
    }

    private static func encode(_ content: [UInt8]) -> [UInt8] {
        let sum = checksum(content)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in content + [UInt8(sum & 0xff), UInt8(sum >> 8)] {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(alphabet[Int(bits >> UInt32(count) & 31)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(5 - count) & 31)]) }
        return text
    }

    private static func decode(_ text: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(value)
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> UInt32(count) & 0xff))
            }
        }
        guard bytes.count > 2 else { return nil }
        let content = Array(bytes.dropLast(2))
        let sum = UInt16(bytes[bytes.count - 2]) | UInt16(bytes[bytes.count - 1]) << 8
        // Encoding again refuses bits that were left over and were not zero.
        return checksum(content) == sum && encode(content) == text ? content : nil
    }

    /// CRC-16/XMODEM: polynomial 0x1021, from 0.
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        bytes.reduce(0) { sum, byte in
            (0..<8).reduce(sum ^ UInt16(byte) << 8) { sum, _ in
                sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021
            }
        }
    }
}

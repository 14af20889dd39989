import CSodium
import Codec

/// Ed25519 signatures (RFC 8032 §5.1).
package enum Ed25519 {
    package static let publicKeyCount = 32
    package static let signatureCount = 64
    package static let seedCount = 32

    /// Whether the signature is the key's over the message; false for any input of the wrong length.
    ///
    /// Every node must accept the same signatures. libsodium's rule: the equation without the cofactor, S
    /// below the group's order, A encoded canonically, neither A nor R of small order.
    package static func verify(publicKey: [UInt8], signature: [UInt8], message: [UInt8]) -> Bool {
        guard publicKey.count == publicKeyCount, signature.count == signatureCount else { return false }
        Cryptography.initialise()
        return crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }

    /// The 32 bytes of a public key, which may or may not be a point on the curve.
    package struct PublicKey: Hashable, Sendable {
        package let bytes: [UInt8]

        /// Nil for any other length than 32.
        package init?(_ bytes: [UInt8]) {
            guard bytes.count == publicKeyCount else { return nil }
            self.bytes = bytes
        }

        /// As `Ed25519.verify`.
        package func verify(signature: [UInt8], message: [UInt8]) -> Bool {
            Ed25519.verify(publicKey: bytes, signature: signature, message: message)
        }
    }

    /// A key that signs; its secret stays in locked memory and is wiped with it.
    package final class SigningKey: Sendable {
        /// The secret as libsodium wants it: seed (32) ‖ public key (32).
        private let secret: SecretBytes
        package let publicKey: PublicKey

        /// The key of a seed (RFC 8032 calls it the private key).
        /// - Throws: `crypto.invalid_key` where the seed is not 32 bytes.
        package convenience init(seed: [UInt8]) throws(CryptographyError) {
            guard seed.count == seedCount else { throw CryptographyError(.invalidKey) }
            self.init(validSeed: SecretBytes(seed))
        }

        /// The key of a seed that never left locked memory.
        /// - Throws: `crypto.invalid_key` where the seed is not 32 bytes.
        package convenience init(seed: SecretBytes) throws(CryptographyError) {
            guard seed.count == seedCount else { throw CryptographyError(.invalidKey) }
            self.init(validSeed: seed)
        }

        /// A new key.
        package static func generate() -> SigningKey { SigningKey(validSeed: .random(seedCount)) }

        private init(validSeed seed: SecretBytes) {
            var point = [UInt8](repeating: 0, count: publicKeyCount)
            secret = SecretBytes(count: 64) { pair in
                let status = seed.withBytes { crypto_sign_seed_keypair(&point, pair, $0) }
                precondition(status == 0, "a seed always gives a key")
            }
            guard let key = PublicKey(point) else { preconditionFailure("a public key is 32 bytes") }
            publicKey = key
        }

        /// The seed, for a key file.
        package var seed: SecretBytes {
            SecretBytes(count: seedCount) { target in
                secret.withBytes { target.initialize(from: $0, count: seedCount) }
            }
        }

        /// The signature, 64 bytes; the same message always gives the same.
        package func sign(_ message: [UInt8]) -> [UInt8] {
            var signature = [UInt8](repeating: 0, count: signatureCount)
            let status = secret.withBytes {
                crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0)
            }
            precondition(status == 0, "signing has no failure")
            return signature
        }
    }

    /// A key that signs and is no secret, in ordinary memory: a simulated machine's, of which there are many.
    package struct ExposedKey: Sendable {
        /// Seed (32) ‖ public key (32).
        private let pair: [UInt8]
        package let publicKey: PublicKey

        /// The key of a seed.
        /// - Throws: `crypto.invalid_key` where the seed is not 32 bytes.
        package init(seed: [UInt8]) throws(CryptographyError) {
            guard seed.count == seedCount else { throw CryptographyError(.invalidKey) }
            Cryptography.initialise()
            var point = [UInt8](repeating: 0, count: publicKeyCount)
            var pair = [UInt8](repeating: 0, count: 64)
            let status = crypto_sign_seed_keypair(&point, &pair, seed)
            precondition(status == 0, "a seed always gives a key")
            guard let key = PublicKey(point) else { preconditionFailure("a public key is 32 bytes") }
            (self.pair, publicKey) = (pair, key)
        }

        /// The signature, 64 bytes, as `SigningKey` makes it.
        package func sign(_ message: [UInt8]) -> [UInt8] {
            var signature = [UInt8](repeating: 0, count: signatureCount)
            let status = crypto_sign_detached(&signature, nil, message, UInt64(message.count), pair)
            precondition(status == 0, "signing has no failure")
            return signature
        }
    }
}

extension Ed25519.PublicKey: Codable, CustomStringConvertible {
    /// As `Bytes`: in CBOR a byte string of 32, elsewhere hexadecimal text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Bytes(bytes))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = Ed25519.PublicKey(try container.decode(Bytes.self).array) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a public key is 32 bytes")
        }
        self = key
    }

    /// Lower-case hexadecimal, 64 characters.
    package var description: String { Hex.encode(bytes) }
}

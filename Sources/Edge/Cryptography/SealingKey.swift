import CSodium

/// An X25519 key pair (RFC 7748) that opens what was sealed to it.
package final class SealingKey: Sendable {
    package static let publicKeyCount = 32
    package static let secretCount = 32

    private let secret: SecretBytes
    /// 32 bytes, for whoever seals.
    package let publicKey: [UInt8]

    /// - Throws: `crypto.invalid_key` where the secret is not 32 bytes.
    package init(secret: SecretBytes) throws(CryptographyError) {
        guard secret.count == SealingKey.secretCount else { throw CryptographyError(.invalidKey) }
        (self.secret, publicKey) = (secret, SealingKey.publicKey(of: secret))
    }

    private init(generated secret: SecretBytes) {
        (self.secret, publicKey) = (secret, SealingKey.publicKey(of: secret))
    }

    /// A new key pair.
    package static func generate() -> SealingKey {
        SealingKey(generated: .random(SealingKey.secretCount))
    }

    /// The secret, for a key file.
    package var secretBytes: SecretBytes { secret }

    private static func publicKey(of secret: SecretBytes) -> [UInt8] {
        var point = [UInt8](repeating: 0, count: publicKeyCount)
        let status = secret.withBytes { crypto_scalarmult_base(&point, $0) }
        precondition(status == 0, "every secret has a public key")
        return point
    }

    /// The X25519 shared secret, raw; hash it before use as a key.
    /// - Throws: `crypto.invalid_key` where the public key is not 32 bytes or is a point of small order,
    ///   which would give an all-zero secret (RFC 7748 §6.1).
    package func sharedSecret(with publicKey: [UInt8]) throws(CryptographyError) -> SecretBytes {
        guard publicKey.count == SealingKey.publicKeyCount else { throw CryptographyError(.invalidKey) }
        return try SecretBytes(count: 32) { target throws(CryptographyError) in
            let status = secret.withBytes { crypto_scalarmult(target, $0, publicKey) }
            guard status == 0 else { throw CryptographyError(.invalidKey) }
        }
    }

    /// Opens a sealed box (`SealedBox.seal`) into locked memory.
    /// - Throws: `crypto.not_authentic` where it was changed or sealed to another key.
    package func open(_ box: [UInt8]) throws(CryptographyError) -> SecretBytes {
        guard box.count >= SealedBox.overhead else { throw CryptographyError(.notAuthentic) }
        return try SecretBytes(count: box.count - SealedBox.overhead) { target throws(CryptographyError) in
            let status = secret.withBytes {
                crypto_box_seal_open(target, box, UInt64(box.count), publicKey, $0)
            }
            guard status == 0 else { throw CryptographyError(.notAuthentic) }
        }
    }
}

/// A message that only the holder of a `SealingKey` can open, from a sender who stays unnamed.
///
/// libsodium's `crypto_box_seal`: ephemeral public key (32) ‖ tag (16) ‖ ciphertext.
package enum SealedBox {
    /// How much longer a box is than its message.
    package static let overhead = 48

    /// - Throws: `crypto.invalid_key` where the public key is not 32 bytes or is a point of small order.
    package static func seal(_ message: SecretBytes, to publicKey: [UInt8]) throws(CryptographyError)
        -> [UInt8]
    {
        Cryptography.initialise()
        guard publicKey.count == SealingKey.publicKeyCount else { throw CryptographyError(.invalidKey) }
        var box = [UInt8](repeating: 0, count: message.count + overhead)
        let status = message.withBytes { crypto_box_seal(&box, $0, UInt64(message.count), publicKey) }
        guard status == 0 else { throw CryptographyError(.invalidKey) }
        return box
    }
}

import CSodium

/// A 256-bit key for `XChaCha20Poly1305` or `SecretStream`.
package struct SymmetricKey: Sendable {
    package static let count = 32
    package let secret: SecretBytes

    /// - Throws: `crypto.invalid_key` for any other length than 32.
    package init(_ secret: SecretBytes) throws(CryptographyError) {
        guard secret.count == SymmetricKey.count else { throw CryptographyError(.invalidKey) }
        self.secret = secret
    }

    private init(generated secret: SecretBytes) { self.secret = secret }

    package static func generate() -> SymmetricKey { SymmetricKey(generated: .random(count)) }
}

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), for small messages under a nonce that is random or used
/// once.
package enum XChaCha20Poly1305 {
    package static let nonceCount = 24
    package static let tagCount = 16

    /// Ciphertext ‖ tag (16).
    /// - Throws: `crypto.invalid_key` where the nonce is not 24 bytes.
    package static func seal(
        _ message: [UInt8], additionalData: [UInt8] = [], nonce: [UInt8], key: SymmetricKey
    ) throws(CryptographyError) -> [UInt8] {
        guard nonce.count == nonceCount else { throw CryptographyError(.invalidKey) }
        var sealed = [UInt8](repeating: 0, count: message.count + tagCount)
        let status = key.secret.withBytes {
            crypto_aead_xchacha20poly1305_ietf_encrypt(
                &sealed, nil, message, UInt64(message.count), additionalData, UInt64(additionalData.count),
                nil, nonce, $0)
        }
        precondition(status == 0, "sealing has no failure")
        return sealed
    }

    /// The message of `seal`.
    /// - Throws: `crypto.invalid_key` where the nonce is not 24 bytes; `crypto.not_authentic` where anything
    ///   was changed.
    package static func open(
        _ sealed: [UInt8], additionalData: [UInt8] = [], nonce: [UInt8], key: SymmetricKey
    ) throws(CryptographyError) -> [UInt8] {
        guard nonce.count == nonceCount else { throw CryptographyError(.invalidKey) }
        guard sealed.count >= tagCount else { throw CryptographyError(.notAuthentic) }
        var message = [UInt8](repeating: 0, count: sealed.count - tagCount)
        let status = key.secret.withBytes {
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                &message, nil, nil, sealed, UInt64(sealed.count), additionalData,
                UInt64(additionalData.count), nonce, $0)
        }
        guard status == 0 else { throw CryptographyError(.notAuthentic) }
        return message
    }
}

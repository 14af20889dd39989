import CSodium
import Codec

/// A secret under a password: what a key file holds.
///
/// Deterministic CBOR `[1, operations, memory bytes, salt (16), nonce (24), sealed]`. The key is Argon2id 1.3
/// (RFC 9106) of the password's UTF-8 bytes; the secret is sealed with XChaCha20-Poly1305, which also covers
/// everything before it.
package enum PasswordProtected {
    /// How much work one guess costs.
    package struct Cost: Hashable, Sendable {
        /// Passes over the memory, 1 to 16.
        package let operations: UInt64
        /// 8 KiB to 1 GiB.
        package let memoryBytes: UInt64

        /// About 0.1 s and 64 MiB.
        package static let interactive = Cost(operations: 2, memoryBytes: 64 << 20)
        /// About 0.7 s and 256 MiB.
        package static let moderate = Cost(operations: 3, memoryBytes: 256 << 20)

        package init(operations: UInt64, memoryBytes: UInt64) {
            (self.operations, self.memoryBytes) = (operations, memoryBytes)
        }

        /// A file from elsewhere must not be able to ask for all the machine's memory.
        var isAllowed: Bool { (1...16).contains(operations) && (8192...1 << 30).contains(memoryBytes) }
    }

    private static let version: UInt64 = 1
    private static let saltCount = 16

    /// - Throws: `crypto.malformed` for a cost out of range; `crypto.out_of_memory`.
    package static func seal(
        _ secret: SecretBytes, password: String, cost: Cost = .moderate
    ) throws(CryptographyError) -> [UInt8] {
        guard cost.isAllowed else { throw CryptographyError(.malformed) }
        let salt = SecureRandom.bytes(saltCount)
        let nonce = SecureRandom.bytes(XChaCha20Poly1305.nonceCount)
        var file = header(cost: cost, salt: salt, nonce: nonce)
        let sealed = try XChaCha20Poly1305.seal(
            secret.exposed(), additionalData: file.bytes, nonce: nonce,
            key: key(password: password, salt: salt, cost: cost))
        file.byteString(sealed)
        return file.bytes
    }

    /// - Throws: `crypto.malformed` where the file is not one or asks for too much work;
    ///   `crypto.not_authentic` for a wrong password or a changed file; `crypto.out_of_memory`.
    package static func open(_ file: [UInt8], password: String) throws(CryptographyError) -> SecretBytes {
        let parts: (cost: Cost, salt: [UInt8], nonce: [UInt8], sealed: [UInt8])
        do {
            parts = try parse(file)
        } catch {
            throw CryptographyError(.malformed)
        }
        guard parts.cost.isAllowed, parts.salt.count == saltCount,
            parts.nonce.count == XChaCha20Poly1305.nonceCount
        else { throw CryptographyError(.malformed) }
        return SecretBytes(
            try XChaCha20Poly1305.open(
                parts.sealed,
                additionalData: header(cost: parts.cost, salt: parts.salt, nonce: parts.nonce).bytes,
                nonce: parts.nonce,
                key: key(password: password, salt: parts.salt, cost: parts.cost)))
    }

    private static func header(cost: Cost, salt: [UInt8], nonce: [UInt8]) -> CBORWriter {
        var writer = CBORWriter(reservingCapacity: 160)
        writer.array(6)
        writer.unsigned(version)
        writer.unsigned(cost.operations)
        writer.unsigned(cost.memoryBytes)
        writer.byteString(salt)
        writer.byteString(nonce)
        return writer
    }

    private static func parse(
        _ file: [UInt8]
    ) throws(CodecError) -> (cost: Cost, salt: [UInt8], nonce: [UInt8], sealed: [UInt8]) {
        var reader = CBORReader(file)
        try reader.array(of: 6)
        guard try reader.unsigned() == version else { throw CodecError(.invalidValue, at: reader.offset) }
        let cost = Cost(operations: try reader.unsigned(), memoryBytes: try reader.unsigned())
        let (salt, nonce) = (try reader.byteString(), try reader.byteString())
        let sealed = try reader.byteString()
        try reader.finish()
        return (cost, salt, nonce, sealed)
    }

    /// Only for `cost.isAllowed` and a salt of 16 bytes.
    private static func key(
        password: String, salt: [UInt8], cost: Cost
    ) throws(CryptographyError) -> SymmetricKey {
        var password = password.utf8.map(CChar.init(bitPattern:))
        defer { sodium_memzero(&password, password.count) }
        return try SymmetricKey(
            SecretBytes(count: SymmetricKey.count) { target throws(CryptographyError) in
                let status = crypto_pwhash(
                    target, UInt64(SymmetricKey.count), password, UInt64(password.count), salt,
                    cost.operations, Int(cost.memoryBytes), crypto_pwhash_alg_argon2id13())
                guard status == 0 else { throw CryptographyError(.outOfMemory) }
            })
    }
}

import Cryptography
import Foundation
import Ledger

/// One member's secret keys: its signing and sealing keys, and keys that it holds for users and devices.
package struct Keystore: Sendable {
    package let folder: URL

    /// Whether the member has keys here.
    package var exists: Bool { FileManager.default.fileExists(atPath: signingFile.path) }

    private var signingFile: URL { folder.appendingPathComponent("signing.key") }
    private var sealingFile: URL { folder.appendingPathComponent("sealing.key") }

    /// - Throws: `keys.not_found`, `keys.damaged`, `keys.passphrase`.
    package func signingKey() throws(NodeError) -> Ed25519.SigningKey {
        try KeyFile(signingFile).signingKey()
    }

    package func sealingKey() throws(NodeError) -> SealingKey {
        let secret = try KeyFile(sealingFile).read()
        do { return try SealingKey(secret: secret) } catch {
            throw NodeError("keys.damaged", "\(sealingFile.path) does not hold a sealing key", cause: error)
        }
    }

    /// Makes a new pair of keys.
    /// - Throws: `keys.exist` where there are some already.
    package func create() throws(NodeError) {
        guard !exists else { throw NodeError("keys.exist", "\(folder.path) already holds keys") }
        try KeyFile(signingFile).write(Ed25519.SigningKey.generate().seed)
        try KeyFile(sealingFile).write(SealingKey.generate().secretBytes)
    }

    /// Puts the held key `next` in the place of the signing key, which is kept under its key id.
    package func promoteNextKey() throws(NodeError) { try promote("next", to: signingFile) }

    /// Puts one held key in the place of another, which is kept under its key id.
    package func promoteHeldKey(_ next: String, to name: String) throws(NodeError) {
        try promote(next, to: heldKeyFile(name))
    }

    private func promote(_ next: String, to file: URL) throws(NodeError) {
        let old = KeyID(publicKey: try KeyFile(file).signingKey().publicKey.bytes, hash: SHA256.hash)
        let kept = folder.appendingPathComponent("retired-\(old).key")
        do {
            try FileManager.default.moveItem(at: file, to: kept)
            try FileManager.default.moveItem(at: folder.appendingPathComponent("\(next).key"), to: file)
        } catch { throw NodeError("keys.io", "the new key could not be put in place", cause: error) }
    }

    /// A key that the member holds for somebody else: a user's, or a machine's device.
    package func heldKey(_ name: String) throws(NodeError) -> Ed25519.SigningKey {
        try heldFile(name).signingKey()
    }

    /// Where a held key is, or would be.
    package func heldKeyFile(_ name: String) -> URL { folder.appendingPathComponent("\(name).key") }

    package func hasHeldKey(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: heldKeyFile(name).path)
    }

    /// Makes such a key.
    /// - Throws: `keys.exist`.
    package func createHeldKey(_ name: String) throws(NodeError) -> Ed25519.SigningKey {
        let key = Ed25519.SigningKey.generate()
        try heldFile(name).write(key.seed)
        return key
    }

    private func heldFile(_ name: String) throws(NodeError) -> KeyFile {
        guard MemberID.isValid(name), name != "signing", name != "sealing" else {
            throw NodeError("keys.bad_name", "«\(name)» cannot name a key")
        }
        return KeyFile(heldKeyFile(name))
    }
}

/// A file that holds one secret of 32 bytes, readable by its owner only.
///
/// Under a passphrase (`MILLWRIGHT_PASSPHRASE`) the secret is sealed with Argon2id and XChaCha20-Poly1305;
/// without one the file's permissions are all that protects it.
struct KeyFile {
    private static let plainMark = Array("millwright-key-1\n".utf8)
    private let url: URL

    init(_ url: URL) { self.url = url }

    private static var passphrase: String? {
        ProcessInfo.processInfo.environment["MILLWRIGHT_PASSPHRASE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    func signingKey() throws(NodeError) -> Ed25519.SigningKey {
        let seed = try read()
        do { return try Ed25519.SigningKey(seed: seed) } catch {
            throw NodeError("keys.damaged", "\(url.path) does not hold a signing key", cause: error)
        }
    }

    func read() throws(NodeError) -> SecretBytes {
        guard let data = try? Data(contentsOf: url) else {
            throw NodeError("keys.not_found", "there is no key at \(url.path)")
        }
        let bytes = [UInt8](data)
        if bytes.starts(with: KeyFile.plainMark) {
            guard bytes.count == KeyFile.plainMark.count + 32 else {
                throw NodeError("keys.damaged", "\(url.path) is not a key file")
            }
            return SecretBytes(Array(bytes.dropFirst(KeyFile.plainMark.count)))
        }
        guard let passphrase = KeyFile.passphrase else {
            throw NodeError("keys.passphrase", "\(url.path) is sealed: set MILLWRIGHT_PASSPHRASE")
        }
        do { return try PasswordProtected.open(bytes, password: passphrase) } catch {
            throw NodeError("keys.passphrase", "\(url.path) does not open with this passphrase", cause: error)
        }
    }

    /// - Throws: `keys.exist` where a file is there already: a key is never overwritten.
    func write(_ secret: SecretBytes) throws(NodeError) {
        do {
            let content =
                if let passphrase = KeyFile.passphrase {
                    try PasswordProtected.seal(secret, password: passphrase)
                } else {
                    KeyFile.plainMark + secret.exposed()
                }
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let descriptor = open(url.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            guard descriptor >= 0 else {
                guard errno != EEXIST else { throw NodeError("keys.exist", "\(url.path) is there already") }
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try handle.write(contentsOf: Data(content))
            try handle.synchronize()
        } catch let error as NodeError { throw error } catch {
            throw NodeError("keys.io", "\(url.path) could not be written", cause: error)
        }
    }
}

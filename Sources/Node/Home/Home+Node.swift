import Cryptography
import Foundation

/// What a running node keeps in its data directory beside the ledger.
///
/// ```
/// node.json      its configuration
/// node.address   where it is reached, while it runs
/// tls/           its TLS keys and certificates
/// nats.key       what NATS servers know it by
/// engine/        the orders that it hosts, one folder an epoch
/// ```
extension Home {
    package var configurationFile: URL { folder.appendingPathComponent("node.json") }
    package var addressFile: URL { folder.appendingPathComponent("node.address") }
    package var tlsFolder: URL { folder.appendingPathComponent("tls") }
    package var engineFolder: URL { folder.appendingPathComponent("engine") }

    package var natsKeyFile: URL { folder.appendingPathComponent("nats.key") }

    /// The key that NATS servers know this node by, made when it is first asked for.
    /// - Throws: `keys.*`.
    package func natsKey() throws(NodeError) -> Ed25519.SigningKey {
        let file = natsKeyFile
        if FileManager.default.fileExists(atPath: file.path) { return try KeyFile(file).signingKey() }
        let key = Ed25519.SigningKey.generate()
        try KeyFile(file).write(key.seed)
        return key
    }

    /// Puts bytes in a file's place, so that a crash leaves the old ones or the new.
    /// - Throws: `home.io`.
    package func replace(_ file: URL, with bytes: [UInt8], mode: mode_t) throws(NodeError) {
        let new = file.appendingPathExtension("new")
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            unlink(new.path)
            let descriptor = open(new.path, O_WRONLY | O_CREAT | O_EXCL, mode)
            guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
            guard rename(new.path, file.path) == 0 else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
        } catch { throw NodeError("home.io", "\(file.path) could not be written", cause: error) }
    }
}

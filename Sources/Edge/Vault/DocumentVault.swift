import Codec
import Cryptography
import Foundation

/// Content-addressed encrypted documents in one folder.
///
/// A document is encrypted with its own random key (XChaCha20-Poly1305 stream, 64 KiB chunks); the key is sealed to each
/// reader's X25519 key. Its name is the CID of the ciphertext, the one that `ipfs add --cid-version=1` gives.
///
/// ```
/// CID.doc    header (24 bytes), then the sealed chunks
/// CID.keys   deterministic CBOR [[reader, sealed key], …], sorted by reader
/// ```
package final class DocumentVault: Sendable {
    /// Somebody who may open a document.
    package struct Reader: Hashable, Sendable {
        package let id: String
        /// X25519, 32 bytes.
        package let sealingPublicKey: [UInt8]

        package init(id: String, sealingPublicKey: [UInt8]) {
            (self.id, self.sealingPublicKey) = (id, sealingPublicKey)
        }
    }

    /// What storing a document came to.
    package struct StoredDocument: Hashable, Sendable {
        package let cid: CID
        /// SHA-256 of the plain bytes.
        package let plainDigest: Digest
        /// SHA-256 of the ciphertext.
        package let cipherDigest: Digest
        /// The plain bytes' number.
        package let size: Int64
    }

    /// Plain bytes in a chunk.
    static let chunkCount = 65_536

    private let folder: URL

    /// Opens or makes the folder.
    package init(_ folder: URL) throws(VaultError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw VaultError(.io, "\(folder.path): \(error.localizedDescription)") }
    }

    private func documentFile(_ cid: CID) -> URL { folder.appendingPathComponent("\(cid).doc") }
    private func keysFile(_ cid: CID) -> URL { folder.appendingPathComponent("\(cid).keys") }

    // MARK: Storing

    /// Encrypts a document for its readers and stores it, durable when the call returns.
    package func store(_ plain: [UInt8], readers: [Reader]) throws(VaultError) -> StoredDocument {
        var rest = plain[...]
        return try store(readers: readers) { () throws(VaultError) in
            defer { rest = rest.dropFirst(DocumentVault.chunkCount) }
            return Array(rest.prefix(DocumentVault.chunkCount))
        }
    }

    /// The same for a document of any size, which `next` gives piece by piece; an empty piece ends it.
    package func store(
        readers: [Reader], next: () throws(VaultError) -> [UInt8]
    ) throws(VaultError) -> StoredDocument {
        let key = SymmetricKey.generate()
        let sealedKeys = try DocumentVault.seal(key, to: readers)
        let temporary = folder.appendingPathComponent("incoming-\(UUID().uuidString)")
        do {
            var writer = try CiphertextWriter(temporary, key: key)
            try writer.writeHeader()
            var pending = try next()
            var digest = SHA256.Stream()
            var size: Int64 = 0
            repeat {
                let piece = pending.prefix(DocumentVault.chunkCount)
                pending.removeFirst(piece.count)
                while pending.count < DocumentVault.chunkCount {
                    let more = try next()
                    if more.isEmpty { break }
                    pending += more
                }
                digest.update(piece)
                size += Int64(piece.count)
                try writer.write(Array(piece), isLast: pending.isEmpty)
            } while !pending.isEmpty
            let (cid, cipherDigest) = try writer.finish()
            try Durable.write(KeyList.encode(sealedKeys), to: keysFile(cid))
            try Durable.rename(temporary, to: documentFile(cid))
            return StoredDocument(
                cid: cid, plainDigest: digest.digest(), cipherDigest: cipherDigest, size: size)
        } catch let error as VaultError {
            try? FileManager.default.removeItem(at: temporary)
            throw error
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw VaultError(.io, "\(temporary.path): \(error)")
        }
    }

    private static func seal(
        _ key: SymmetricKey, to readers: [Reader]
    ) throws(VaultError) -> [KeyList.Entry] {
        var entries: [KeyList.Entry] = []
        for reader in readers where !entries.contains(where: { $0.reader == reader.id }) {
            do {
                let box = try SealedBox.seal(key.secret, to: reader.sealingPublicKey)
                entries.append(KeyList.Entry(reader: reader.id, box: box))
            } catch { throw VaultError(.badReader, "\(reader.id): \(error)") }
        }
        return entries.sorted { $0.reader.utf8.lexicographicallyPrecedes($1.reader.utf8) }
    }

    // MARK: Opening

    /// The plain bytes, where the key is a reader's and the ciphertext is what was stored.
    /// - Throws: `vault.not_found`, `vault.not_reader`, `vault.damaged`, `vault.io`.
    package func open(_ cid: CID, with key: SealingKey) throws(VaultError) -> [UInt8] {
        var plain: [UInt8] = []
        try open(cid, with: key) { plain += $0 }
        return plain
    }

    /// The same for a document of any size, chunk by chunk. What `take` got counts only when the call returns: only
    /// then has the whole ciphertext been found to be the one of this CID.
    package func open(
        _ cid: CID, with key: SealingKey, take: ([UInt8]) -> Void
    ) throws(VaultError) {
        let documentKey = try documentKey(cid, key)
        guard let handle = try? FileHandle(forReadingFrom: documentFile(cid)) else {
            throw VaultError(.notFound, "\(cid)")
        }
        defer { try? handle.close() }
        var reader = CiphertextReader(handle, cid: cid)
        do {
            var pull = try SecretStream.Pull(
                key: documentKey, header: try reader.next(SecretStream.headerCount))
            while !pull.isFinished {
                let sealed = try reader.next(DocumentVault.chunkCount + SecretStream.overhead)
                take(try pull.open(sealed))
            }
            try reader.finish()
        } catch let error as VaultError { throw error } catch {
            throw VaultError(.damaged, "\(cid): \(error)")
        }
    }

    private func documentKey(_ cid: CID, _ key: SealingKey) throws(VaultError) -> SymmetricKey {
        for entry in try keyList(cid) {
            guard let secret = try? key.open(entry.box) else { continue }
            do { return try SymmetricKey(secret) } catch { throw VaultError(.damaged, "\(cid): its key") }
        }
        throw VaultError(.notReader, "\(cid)")
    }

    private func keyList(_ cid: CID) throws(VaultError) -> [KeyList.Entry] {
        guard let data = try? Data(contentsOf: keysFile(cid)) else { throw VaultError(.notFound, "\(cid)") }
        do { return try KeyList.decode([UInt8](data)) } catch {
            throw VaultError(.damaged, "\(cid): \(error)")
        }
    }

    // MARK: Readers

    /// Who may open a document, sorted.
    package func readers(of cid: CID) throws(VaultError) -> [String] { try keyList(cid).map(\.reader) }

    /// Lets one more reader in. Only a reader can: the document's key must be opened to be sealed again.
    package func addReader(_ reader: Reader, to cid: CID, by key: SealingKey) throws(VaultError) {
        let documentKey = try documentKey(cid, key)
        var entries = try keyList(cid).filter { $0.reader != reader.id }
        entries += try DocumentVault.seal(documentKey, to: [reader])
        entries.sort { $0.reader.utf8.lexicographicallyPrecedes($1.reader.utf8) }
        try Durable.write(KeyList.encode(entries), to: keysFile(cid))
    }

    /// Destroys a document: first its keys, which are overwritten, then the ciphertext.
    package func shred(_ cid: CID) throws(VaultError) {
        guard contains(cid) else { throw VaultError(.notFound, "\(cid)") }
        for file in [keysFile(cid), documentFile(cid)] {
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try Durable.overwrite(file)
            do { try FileManager.default.removeItem(at: file) } catch {
                throw VaultError(.io, "\(file.path): \(error.localizedDescription)")
            }
        }
        try Durable.synchronise(folder)
    }

    package func contains(_ cid: CID) -> Bool {
        FileManager.default.fileExists(atPath: documentFile(cid).path)
            || FileManager.default.fileExists(atPath: keysFile(cid).path)
    }

    /// Every document here, sorted by name.
    package func list() throws(VaultError) -> [CID] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".doc") }.sorted()
                .compactMap { try? CID(parsing: String($0.dropLast(4))) }
        } catch { throw VaultError(.io, "\(folder.path): \(error.localizedDescription)") }
    }
}

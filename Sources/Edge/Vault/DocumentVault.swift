import Codec
import Cryptography
import Foundation

/// Encrypted documents in a folder, each named by the CID of its ciphertext.
///
/// `<cid>.doc` is the ciphertext (`DocumentCipher`), `<cid>.keys` the document's key sealed to each reader
/// (`SealedKeys`). Files appear whole or not at all. Several vaults may share a folder, in one process or
/// more: a lock on the folder covers the keys. Memory stays constant however large a document is.
package final class DocumentVault: Sendable {
    /// A document that was just stored: what the ledger may be told of it.
    package struct StoredDocument: Hashable, Sendable {
        /// What `ipfs add --cid-version=1` gives for the ciphertext.
        package let cid: CID
        /// SHA-256 of the plain document.
        package let plainDigest: Digest
        /// SHA-256 of the ciphertext.
        package let cipherDigest: Digest
        /// Bytes of the plain document.
        package let size: Int64
    }

    let folder: String

    /// Opens a vault, and makes its folder if there is none.
    /// - Throws: `vault.io`.
    package init(_ directory: URL) throws(VaultError) {
        folder = directory.path
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw VaultError(.io, "make \(folder)", cause: error)
        }
        try VaultFolder.removeLeftovers(in: folder)
    }

    func documentPath(_ cid: CID) -> String { "\(folder)/\(cid).doc" }
    func keysPath(_ cid: CID) -> String { "\(folder)/\(cid).keys" }

    // MARK: Storing

    /// Encrypts a document under a fresh key for its readers. Equal documents get different CIDs.
    /// - Throws: `vault.bad_reader`, `vault.io`.
    package func store(
        _ plaintext: [UInt8], readers: [Reader]
    ) throws(VaultError) -> StoredDocument {
        var isGiven = false
        return try store(readers: readers) {
            defer { isGiven = true }
            return isGiven ? [] : plaintext
        }
    }

    /// Encrypts a file.
    /// - Throws: `vault.not_found` where there is none; `vault.bad_reader`, `vault.io`.
    package func store(
        contentsOf url: URL, readers: [Reader]
    ) throws(VaultError) -> StoredDocument {
        let file = try VaultFile(reading: url.path)
        return try store(readers: readers) { try file.read(DocumentCipher.chunkSize) }
    }

    /// Encrypts a stream: pieces of any size, an empty one at the end.
    /// - Throws: `vault.bad_reader`; `vault.io`, also for what `next` throws.
    package func store(
        readers: [Reader], next: () throws -> [UInt8]
    ) throws(VaultError) -> StoredDocument {
        let key = SymmetricKey.generate()
        let sealed = try SealedKeys(sealing: key, to: readers)
        return try withTemporary { path throws(VaultError) in
            var sealer = try DocumentSealer(key: key, creating: path)
            while true {
                let piece = try read(next)
                if piece.isEmpty { break }
                try sealer.append(piece)
            }
            let stored = try sealer.finish()
            // Keys first: whoever sees the document can then read it.
            try write(sealed, for: stored.cid)
            try VaultFolder.rename(path, to: documentPath(stored.cid))
            try VaultFolder.sync(folder)
            return stored
        }
    }

    func read(_ next: () throws -> [UInt8]) throws(VaultError) -> [UInt8] {
        do {
            return try next()
        } catch let error as VaultError {
            throw error
        } catch {
            throw VaultError(.io, "the source of the document", cause: error)
        }
    }

    /// Lends a path in the folder, and removes what is still there afterwards.
    func withTemporary<Result>(
        _ body: (String) throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        let path = VaultFolder.temporaryPath(in: folder)
        let result: Result
        do {
            result = try body(path)
        } catch {
            // The first failure is the one to tell; a leftover goes when the vault is next opened.
            try? VaultFolder.remove(path)
            throw error
        }
        try VaultFolder.remove(path)
        return result
    }

    // MARK: Opening

    /// The plain document, in memory.
    /// - Throws: `vault.not_found`, `vault.not_reader`, `vault.damaged`, `vault.io`.
    package func open(_ cid: CID, with key: SealingKey) throws(VaultError) -> [UInt8] {
        var plain: [UInt8] = []
        try open(cid, with: key) { plain += $0 }
        return plain
    }

    /// The plain document in chunks of at most 64 KiB. Each chunk is authentic, but whether the document is
    /// whole and the one that the CID names is known only when this returns: discard the chunks if it
    /// throws.
    /// - Throws: `vault.not_found`, `vault.not_reader`, `vault.damaged`; `vault.io`, also for what `sink`
    ///   throws.
    package func open(
        _ cid: CID, with key: SealingKey, to sink: ([UInt8]) throws -> Void
    ) throws(VaultError) {
        let documentKey = try keys(of: cid).documentKey(for: key)
        let file = try VaultFile(reading: documentPath(cid))
        try DocumentCipher.open(file, cid: cid, key: documentKey, to: sink)
    }

    /// Writes the plain document to a file that appears whole or not at all.
    /// - Throws: `vault.not_found`, `vault.not_reader`, `vault.damaged`, `vault.io`.
    package func open(
        _ cid: CID, with key: SealingKey, toFile url: URL
    ) throws(VaultError) {
        let target = url.deletingLastPathComponent().path
        let path = VaultFolder.temporaryPath(in: target)
        do throws(VaultError) {
            let output = try VaultFile(creating: path)
            try open(cid, with: key) { try output.write($0) }
            try output.sync()
            try VaultFolder.rename(path, to: url.path)
            try VaultFolder.sync(target)
        } catch {
            try? VaultFolder.remove(path)
            throw error
        }
    }

    // MARK: Readers

    /// The keys as they are stored, to hand to a peer with the ciphertext.
    /// - Throws: `vault.not_found`, `vault.damaged`, `vault.io`.
    package func keys(of cid: CID) throws(VaultError) -> SealedKeys {
        try VaultFolder.withLock(folder, exclusively: false) { () throws(VaultError) in
            try storedKeys(of: cid)
        }
    }

    /// The names of a document's readers, each once, sorted as bytes.
    /// - Throws: `vault.not_found`, `vault.damaged`, `vault.io`.
    package func readers(of cid: CID) throws(VaultError) -> [String] {
        var names: [String] = []
        for id in try keys(of: cid).entries.map(\.reader.id) {
            if let last = names.last, last.utf8.elementsEqual(id.utf8) { continue }
            names.append(id)
        }
        return names
    }

    /// Lets one more reader read, who is vouched for by one that already can.
    /// - Throws: `vault.not_found`, `vault.not_reader`, `vault.damaged`, `vault.bad_reader`, `vault.io`.
    package func addReader(_ reader: Reader, to cid: CID, by key: SealingKey) throws(VaultError) {
        try VaultFolder.withLock(folder, exclusively: true) { () throws(VaultError) in
            var keys = try storedKeys(of: cid)
            try keys.add(reader, try keys.documentKey(for: key))
            try replaceKeys(of: cid, with: keys)
        }
    }

    /// Under the lock only.
    func storedKeys(of cid: CID) throws(VaultError) -> SealedKeys {
        guard contains(cid) else { throw VaultError(.notFound, "\(cid)") }
        do {
            let file = try VaultFile(reading: keysPath(cid))
            return try SealedKeys(decoding: try file.read(SealedKeys.maximumSize + 1))
        } catch {
            guard error.code == .notFound else { throw error }
            // A ciphertext alone: its shredding was interrupted.
            throw VaultError(.notReader, "\(cid) has lost its keys", cause: error)
        }
    }

    /// Under the lock only. The old file's blocks are wiped once the new one is in place, so that shredding
    /// stays complete.
    func replaceKeys(of cid: CID, with keys: SealedKeys) throws(VaultError) {
        let old = try VaultFile(overwriting: keysPath(cid))
        try write(keys, for: cid)
        try VaultFolder.sync(folder)
        try old.wipe()
    }

    func write(_ keys: SealedKeys, for cid: CID) throws(VaultError) {
        try withTemporary { path throws(VaultError) in
            let file = try VaultFile(creating: path)
            try file.write(keys.encoded)
            try file.sync()
            try VaultFolder.rename(path, to: keysPath(cid))
        }
    }

    // MARK: The folder

    package func contains(_ cid: CID) -> Bool { VaultFolder.exists(documentPath(cid)) }

    /// All documents here, by the text of their CIDs.
    /// - Throws: `vault.io`.
    package func list() throws(VaultError) -> [CID] {
        try VaultFolder.names(in: folder).filter { $0.hasSuffix(".doc") }.sorted()
            .compactMap { try? CID(parsing: String($0.dropLast(4))) }
    }

    /// Destroys a document here: its keys first, then its ciphertext, each overwritten and removed.
    ///
    /// Copies that others hold are theirs, and file systems and disks that write elsewhere than told keep
    /// old blocks for a while. An interrupted shredding is finished by another.
    /// - Throws: `vault.not_found`, `vault.io`.
    package func shred(_ cid: CID) throws(VaultError) {
        try VaultFolder.withLock(folder, exclusively: true) { () throws(VaultError) in
            guard contains(cid) || VaultFolder.exists(keysPath(cid)) else {
                throw VaultError(.notFound, "\(cid)")
            }
            for path in [keysPath(cid), documentPath(cid)] where VaultFolder.exists(path) {
                try VaultFile(overwriting: path).wipe()
                try VaultFolder.remove(path)
                try VaultFolder.sync(folder)
            }
        }
    }
}

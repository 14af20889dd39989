import Codec
import Cryptography

/// Ciphertexts and sealed keys on their way between members' vaults.
extension DocumentVault {
    /// The ciphertext in chunks of at most 256 KiB, unchecked: who receives it checks it.
    /// - Throws: `vault.not_found`; `vault.io`, also for what `sink` throws.
    package func ciphertext(of cid: CID, to sink: ([UInt8]) throws -> Void) throws(VaultError) {
        let file = try VaultFile(reading: documentPath(cid))
        while true {
            let piece = try file.read(FileDAG.chunkSize)
            if piece.isEmpty { return }
            do {
                try sink(piece)
            } catch {
                throw VaultError(.io, "\(cid): the receiver of its ciphertext", cause: error)
            }
        }
    }

    /// A piece of the ciphertext, at most 256 KiB, unchecked; empty at the end.
    /// - Throws: `vault.not_found`, `vault.io`.
    package func ciphertext(of cid: CID, from offset: Int) throws(VaultError) -> [UInt8] {
        let file = try VaultFile(reading: documentPath(cid))
        try file.seek(to: offset)
        return try file.read(FileDAG.chunkSize)
    }

    /// Takes a document over from a peer, or new readers of one that is here already.
    ///
    /// Keys that are here already stay: a peer can add readers, not replace them. The keys themselves are
    /// not checked beyond their form, which only their readers could do.
    /// - Parameter next: the ciphertext, in pieces of any size, an empty one at the end.
    /// - Throws: `vault.damaged` where the ciphertext is not the one that the CID names;
    ///   `vault.bad_reader` for too many readers; `vault.io`, also for what `next` throws.
    package func receive(
        _ cid: CID, keys: SealedKeys, next: () throws -> [UInt8]
    ) throws(VaultError) {
        try receive(cid, keys: keys) { write in
            while case let piece = try next(), !piece.isEmpty { try write(piece) }
        }
    }

    /// The same where the source hands its pieces out itself.
    /// - Parameter source: called once, with a function that takes the next piece; returns at the end.
    package func receive(
        _ cid: CID, keys: SealedKeys, from source: (_ write: ([UInt8]) throws -> Void) throws -> Void
    ) throws(VaultError) {
        try withTemporary { path throws(VaultError) in
            let file = try VaultFile(creating: path)
            var dag = FileDAG(hash: SHA256.hash)
            do {
                try source { piece in
                    dag.append(piece)
                    try file.write(piece)
                }
            } catch let error as VaultError { throw error } catch {
                throw VaultError(.io, "the source of the document", cause: error)
            }
            guard dag.finish() == cid else { throw VaultError(.damaged, "\(cid): other content arrived") }
            try file.sync()
            try VaultFolder.withLock(folder, exclusively: true) { () throws(VaultError) in
                if contains(cid), VaultFolder.exists(keysPath(cid)) {
                    try add(keys, to: cid)
                } else {
                    try write(keys, for: cid)
                }
                try VaultFolder.rename(path, to: documentPath(cid))
                try VaultFolder.sync(folder)
            }
        }
    }

    /// Takes over readers of a document that is here; those that are here already stay as they are.
    /// - Returns: whether there was a new one.
    /// - Throws: `vault.not_found`, `vault.not_reader` where its keys were destroyed, `vault.bad_reader`,
    ///   `vault.io`.
    @discardableResult
    package func merge(_ keys: SealedKeys, into cid: CID) throws(VaultError) -> Bool {
        try VaultFolder.withLock(folder, exclusively: true) { () throws(VaultError) in
            try add(keys, to: cid)
        }
    }

    /// Under the lock only.
    @discardableResult
    private func add(_ keys: SealedKeys, to cid: CID) throws(VaultError) -> Bool {
        var merged = try storedKeys(of: cid)
        let before = merged.entries.count
        try merged.merge(keys)
        guard merged.entries.count > before else { return false }
        try replaceKeys(of: cid, with: merged)
        return true
    }
}

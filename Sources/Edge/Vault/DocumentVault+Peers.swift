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
        try withTemporary { path throws(VaultError) in
            let file = try VaultFile(creating: path)
            var dag = FileDAG(hash: SHA256.hash)
            while true {
                let piece = try read(next)
                if piece.isEmpty { break }
                dag.append(piece)
                try file.write(piece)
            }
            guard dag.finish() == cid else { throw VaultError(.damaged, "\(cid): other content arrived") }
            try file.sync()
            try VaultFolder.withLock(folder, exclusively: true) { () throws(VaultError) in
                if contains(cid), VaultFolder.exists(keysPath(cid)) {
                    var merged = try storedKeys(of: cid)
                    try merged.merge(keys)
                    try replaceKeys(of: cid, with: merged)
                } else {
                    try write(keys, for: cid)
                }
                try VaultFolder.rename(path, to: documentPath(cid))
                try VaultFolder.sync(folder)
            }
        }
    }
}

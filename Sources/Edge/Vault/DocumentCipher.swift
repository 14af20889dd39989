import Codec
import Cryptography

/// The form of a ciphertext: a header (24), then chunks of 64 KiB plain text, 17 bytes longer when sealed.
///
/// Every chunk but the last is full; the last, which is tagged, holds 0 to 64 KiB.
enum DocumentCipher {
    static let chunkSize = 65_536
    static let sealedChunkSize = chunkSize + SecretStream.overhead
}

/// Turns a plain document into its ciphertext, piece by piece, with constant memory.
struct DocumentSealer: ~Copyable {
    private let file: VaultFile
    private var push: SecretStream.Push
    private var pending: [UInt8] = []
    private var dag = FileDAG(hash: SHA256.hash)
    private var cipherHash = SHA256.Stream()
    private var plainHash = SHA256.Stream()
    private var size: Int64 = 0

    /// Writes to a new file.
    init(key: SymmetricKey, creating path: String) throws(VaultError) {
        let created = try VaultFile(creating: path)
        let started = SecretStream.Push(key: key)
        let header = started.header
        try created.write(header)
        file = created
        push = started
        pending.reserveCapacity(DocumentCipher.chunkSize)
        dag.append(header)
        cipherHash.update(header)
    }

    private mutating func put(_ bytes: [UInt8]) throws(VaultError) {
        dag.append(bytes)
        cipherHash.update(bytes)
        try file.write(bytes)
    }

    private mutating func seal(isLast: Bool) throws(VaultError) {
        plainHash.update(pending)
        size += Int64(pending.count)
        let sealed: [UInt8]
        do {
            sealed = try push.seal(pending, isLast: isLast)
        } catch {
            preconditionFailure("a sealer is used after its last chunk")
        }
        try put(sealed)
        pending.removeAll(keepingCapacity: true)
    }

    mutating func append(_ bytes: [UInt8]) throws(VaultError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full chunk is sealed only when something follows it, so that the last one can be tagged.
            if pending.count == DocumentCipher.chunkSize { try seal(isLast: false) }
            let part = rest.prefix(DocumentCipher.chunkSize - pending.count)
            pending += part
            rest = rest.dropFirst(part.count)
        }
    }

    /// Seals the last chunk and waits for the disk.
    consuming func finish() throws(VaultError) -> DocumentVault.StoredDocument {
        try seal(isLast: true)
        try file.sync()
        return DocumentVault.StoredDocument(
            cid: dag.finish(), plainDigest: plainHash.digest(), cipherDigest: cipherHash.digest(), size: size)
    }
}

extension DocumentCipher {
    /// Opens a ciphertext chunk by chunk, and checks at its end that it is the one that the CID names.
    /// - Throws: `vault.damaged`; `vault.io`, also for what `sink` throws.
    static func open(
        _ file: borrowing VaultFile, cid: CID, key: SymmetricKey, to sink: ([UInt8]) throws -> Void
    ) throws(VaultError) {
        var dag = FileDAG(hash: SHA256.hash)
        let header = try file.read(SecretStream.headerCount)
        dag.append(header)
        do {
            var pull = try SecretStream.Pull(key: key, header: header)
            while !pull.isFinished {
                let sealed = try file.read(sealedChunkSize)
                dag.append(sealed)
                let chunk = try pull.open(sealed)
                guard pull.isFinished || chunk.count == chunkSize else {
                    throw VaultError(.damaged, "\(cid): a short chunk before the last")
                }
                do { try sink(chunk) } catch {
                    throw VaultError(.io, "\(cid): the receiver of its chunks", cause: error)
                }
            }
        } catch let error as VaultError {
            throw error
        } catch {
            throw VaultError(.damaged, "\(cid)", cause: error)
        }
        guard try file.read(1).isEmpty, dag.finish() == cid else {
            throw VaultError(.damaged, "\(cid): it is not what was stored")
        }
    }
}

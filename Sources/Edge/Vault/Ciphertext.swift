import Codec
import Cryptography
import Foundation

/// Writes a ciphertext and names it while it is written.
struct CiphertextWriter: ~Copyable {
    private let handle: FileHandle
    private var push: SecretStream.Push
    private var file = FileDAG(hash: SHA256.hash)
    private var digest = SHA256.Stream()

    init(_ url: URL, key: SymmetricKey) throws(VaultError) {
        let descriptor = Foundation.open(url.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Durable.failure(url) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        push = SecretStream.Push(key: key)
    }

    /// Goes before the first chunk.
    mutating func writeHeader() throws(VaultError) { try put(push.header) }

    mutating func write(_ plain: [UInt8], isLast: Bool) throws {
        try put(try push.seal(plain, isLast: isLast))
    }

    private mutating func put(_ bytes: [UInt8]) throws(VaultError) {
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw VaultError(.io, error.localizedDescription)
        }
        file.append(bytes)
        digest.update(bytes)
    }

    /// Makes the file durable; its name, and the SHA-256 of its bytes.
    consuming func finish() throws(VaultError) -> (CID, Digest) {
        do {
            try handle.synchronize()
            try handle.close()
        } catch { throw VaultError(.io, error.localizedDescription) }
        return (file.finish(), digest.digest())
    }
}

/// Reads a ciphertext and checks that it is the one that its name says.
struct CiphertextReader: ~Copyable {
    private let handle: FileHandle
    private let cid: CID
    private var file = FileDAG(hash: SHA256.hash)

    init(_ handle: FileHandle, cid: CID) { (self.handle, self.cid) = (handle, cid) }

    /// The next bytes, fewer only at the end.
    mutating func next(_ count: Int) throws(VaultError) -> [UInt8] {
        do {
            let bytes = [UInt8](try handle.read(upToCount: count) ?? Data())
            file.append(bytes)
            return bytes
        } catch { throw VaultError(.io, "\(cid): \(error.localizedDescription)") }
    }

    /// - Throws: `vault.damaged` where bytes are left or the name is not that of these bytes.
    consuming func finish() throws(VaultError) {
        let rest = try next(1)
        let expected = cid
        guard rest.isEmpty, file.finish() == expected else {
            throw VaultError(.damaged, "\(expected): not the bytes of this name")
        }
    }
}

/// The sealed keys of a document: deterministic CBOR `[[reader, sealed key], …]`, sorted by reader.
enum KeyList {
    struct Entry: Hashable, Sendable {
        let reader: String
        let box: [UInt8]
    }

    static func encode(_ entries: [Entry]) -> [UInt8] {
        var writer = CBORWriter()
        writer.array(entries.count)
        for entry in entries {
            writer.array(2)
            writer.text(entry.reader)
            writer.byteString(entry.box)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(CodecError) -> [Entry] {
        var reader = CBORReader(bytes)
        var entries: [Entry] = []
        for _ in 0..<(try reader.array()) {
            try reader.array(of: 2)
            entries.append(Entry(reader: try reader.text(), box: try reader.byteString()))
        }
        try reader.finish()
        return entries
    }
}

/// File changes that survive a power cut.
enum Durable {
    /// Writes a small file as a whole: the old one or the new one, never a part.
    static func write(_ bytes: [UInt8], to url: URL) throws(VaultError) {
        let temporary = url.deletingLastPathComponent().appendingPathComponent(
            "incoming-\(UUID().uuidString)")
        let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw failure(temporary) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
            try handle.close()
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw VaultError(.io, "\(url.path): \(error.localizedDescription)")
        }
        try Durable.rename(temporary, to: url)
    }

    static func rename(_ from: URL, to: URL) throws(VaultError) {
        guard Foundation.rename(from.path, to.path) == 0 else { throw failure(to) }
        try synchronise(to.deletingLastPathComponent())
    }

    /// Makes a folder's entries durable.
    static func synchronise(_ folder: URL) throws(VaultError) {
        let descriptor = open(folder.path, O_RDONLY)
        guard descriptor >= 0 else { throw failure(folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder) }
    }

    /// Replaces a file's bytes with zeros, on the disk.
    static func overwrite(_ url: URL) throws(VaultError) {
        do {
            let handle = try FileHandle(forUpdating: url)
            var rest = try handle.seekToEnd()
            try handle.seek(toOffset: 0)
            while rest > 0 {
                let count = min(rest, 1 << 20)
                try handle.write(contentsOf: Data(count: Int(count)))
                rest -= count
            }
            try handle.synchronize()
            try handle.close()
        } catch { throw VaultError(.io, "\(url.path): \(error.localizedDescription)") }
    }

    static func failure(_ url: URL) -> VaultError {
        VaultError(.io, "\(url.path): \(String(cString: strerror(errno)))")
    }
}

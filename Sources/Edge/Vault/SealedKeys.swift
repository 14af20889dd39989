import Codec
import Cryptography

/// Who may read a document.
package struct Reader: Hashable, Sendable {
    /// The reader's name as members know it, 1 to 256 bytes of UTF-8. Visible to all who hold the document.
    package let id: String
    /// The X25519 key to seal to, 32 bytes.
    package let sealingPublicKey: [UInt8]

    package init(id: String, sealingPublicKey: [UInt8]) {
        (self.id, self.sealingPublicKey) = (id, sealingPublicKey)
    }

    /// By name as bytes, then by key.
    static func precedes(_ left: Reader, _ right: Reader) -> Bool {
        if left.id.utf8.elementsEqual(right.id.utf8) {
            return left.sealingPublicKey.lexicographicallyPrecedes(right.sealingPublicKey)
        }
        return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
    }
}

/// What a reader's sealed box holds: the document's key, and what the plain document is.
///
/// Key (32) ‖ size (8, big-endian) ‖ SHA-256 of the plain document (32) ‖ kind (UTF-8).
struct DocumentSecret {
    static let fixedCount = 72
    static let maximumKindCount = 255

    let key: SymmetricKey
    let description: DocumentDescription

    init(key: SymmetricKey, description: DocumentDescription) {
        (self.key, self.description) = (key, description)
    }

    /// Nil where the bytes are not such.
    init?(_ opened: SecretBytes) {
        let kindCount = opened.count - DocumentSecret.fixedCount
        guard 1...DocumentSecret.maximumKindCount ~= kindCount else { return nil }
        let key = SecretBytes(count: 32) { target in
            opened.withBytes { target.initialize(from: $0, count: 32) }
        }
        let rest = opened.withBytes { Array(UnsafeBufferPointer(start: $0 + 32, count: kindCount + 40)) }
        let size = rest[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let symmetricKey = try? SymmetricKey(key), size <= UInt64(Int64.max),
            let digest = Digest(rest[8..<40]), let kind = String(validating: rest[40...], as: UTF8.self)
        else { return nil }
        self.key = symmetricKey
        description = DocumentDescription(kind: kind, size: Int64(size), plainDigest: digest)
    }

    /// The key never leaves locked memory on its way into the box.
    var bytes: SecretBytes {
        let size = UInt64(description.size)
        var rest = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: size >> UInt64($0)) }
        rest += description.plainDigest.bytes
        rest += Array(description.kind.utf8)
        return SecretBytes(count: 32 + rest.count) { target in
            key.secret.withBytes { target.initialize(from: $0, count: 32) }
            (target + 32).initialize(from: rest, count: rest.count)
        }
    }
}

/// The keys that go with a document: the same secret, sealed to each reader.
///
/// Deterministic CBOR `[1, [[id, sealing public key, sealed box], …]]`, by rising id and key, each pair once.
package struct SealedKeys: Sendable {
    package struct Entry: Hashable, Sendable {
        package let reader: Reader
        package let box: [UInt8]
    }

    package private(set) var entries: [Entry]

    private static let version: UInt64 = 1
    package static let maximumReaders = 1000
    /// The longest encoding: every reader with the longest name and kind.
    static let maximumSize = 1 << 20

    init(sealing secret: DocumentSecret, to readers: [Reader]) throws(VaultError) {
        guard !readers.isEmpty else { throw VaultError(.invalidInput, "a document needs a reader") }
        entries = []
        for reader in readers { try add(reader, secret) }
    }

    /// Seals the secret to one more reader; a reader who is there already stays as it is.
    mutating func add(_ reader: Reader, _ secret: DocumentSecret) throws(VaultError) {
        guard 1...256 ~= reader.id.utf8.count else {
            throw VaultError(.invalidInput, "a reader's name is 1 to 256 bytes")
        }
        let box: [UInt8]
        do {
            box = try SealedBox.seal(secret.bytes, to: reader.sealingPublicKey)
        } catch {
            throw VaultError(.invalidInput, "the sealing key of \(reader.id)", cause: error)
        }
        try insert(Entry(reader: reader, box: box))
    }

    private mutating func insert(_ entry: Entry) throws(VaultError) {
        let index = entries.firstIndex { !Reader.precedes($0.reader, entry.reader) } ?? entries.count
        if index < entries.count, !Reader.precedes(entry.reader, entries[index].reader) { return }
        guard entries.count < SealedKeys.maximumReaders else {
            throw VaultError(.invalidInput, "at most \(SealedKeys.maximumReaders) readers")
        }
        entries.insert(entry, at: index)
    }

    /// Takes over the entries of others that are not here yet.
    mutating func merge(_ other: SealedKeys) throws(VaultError) {
        for entry in other.entries { try insert(entry) }
    }

    /// The document's secret for a reader's key.
    /// - Throws: `vault.not_reader`; `vault.damaged` where the box is the reader's but does not open.
    func secret(for key: SealingKey) throws(VaultError) -> DocumentSecret {
        guard let entry = entries.first(where: { $0.reader.sealingPublicKey == key.publicKey }) else {
            throw VaultError(.notReader, "the document is not sealed to this key")
        }
        do {
            if let secret = DocumentSecret(try key.open(entry.box)) { return secret }
        } catch {
            throw VaultError(.damaged, "the sealed key of \(entry.reader.id)", cause: error)
        }
        throw VaultError(.damaged, "the sealed key of \(entry.reader.id)")
    }
}

extension SealedKeys {
    package var encoded: [UInt8] {
        var writer = CBORWriter()
        writer.array(2)
        writer.unsigned(SealedKeys.version)
        writer.array(entries.count)
        for entry in entries {
            writer.array(3)
            writer.text(entry.reader.id)
            writer.byteString(entry.reader.sealingPublicKey)
            writer.byteString(entry.box)
        }
        return writer.bytes
    }

    /// - Throws: `vault.damaged` for anything but what `encoded` writes.
    package init(decoding bytes: [UInt8]) throws(VaultError) {
        do {
            entries = try SealedKeys.parse(bytes)
        } catch {
            throw VaultError(.damaged, "the sealed keys", cause: error)
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(CodecError) -> [Entry] {
        guard bytes.count <= maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        try reader.array(of: 2)
        guard try reader.unsigned() == version else { throw CodecError(.invalidValue, at: reader.offset) }
        let count = try reader.array()
        guard 1...maximumReaders ~= count else { throw CodecError(.invalidValue, at: reader.offset) }
        var entries: [Entry] = []
        for _ in 0..<count {
            let start = reader.offset
            try reader.array(of: 3)
            let (id, key) = (try reader.text(), try reader.byteString())
            let entry = Entry(reader: Reader(id: id, sealingPublicKey: key), box: try reader.byteString())
            guard 1...256 ~= id.utf8.count, key.count == SealingKey.publicKeyCount else {
                throw CodecError(.invalidValue, at: start, "reader")
            }
            if let previous = entries.last, !Reader.precedes(previous.reader, entry.reader) {
                throw CodecError(.keyOrder, at: start)
            }
            entries.append(entry)
        }
        try reader.finish()
        return entries
    }
}

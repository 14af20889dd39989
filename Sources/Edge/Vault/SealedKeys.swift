import Codec
import Cryptography

extension DocumentVault {
    /// Who may read a document.
    package struct Reader: Hashable, Sendable {
        /// The reader's name as members know it, 1 to 256 bytes of UTF-8. Visible to all who hold the
        /// document.
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
}

/// The keys that go with a document: its one key, sealed to each reader.
///
/// Deterministic CBOR `[1, [[id, sealing public key, sealed box], …]]`, by rising id and key, each pair
/// once.
package struct SealedKeys: Sendable {
    package typealias Reader = DocumentVault.Reader

    package struct Entry: Hashable, Sendable {
        package let reader: Reader
        package let box: [UInt8]
    }

    package private(set) var entries: [Entry]

    private static let version: UInt64 = 1
    /// The bytes of a sealed document key.
    private static let boxCount = SymmetricKey.count + SealedBox.overhead
    package static let maximumReaders = 1000
    /// More than the longest encoding: 1000 readers of 400 bytes.
    static let maximumSize = 1 << 19

    init(sealing key: SymmetricKey, to readers: [Reader]) throws(VaultError) {
        guard !readers.isEmpty else { throw VaultError(.badReader, "a document needs a reader") }
        entries = []
        for reader in readers { try add(reader, key) }
    }

    /// Seals the key to one more reader; a reader who is there already stays as it is.
    mutating func add(_ reader: Reader, _ key: SymmetricKey) throws(VaultError) {
        guard 1...256 ~= reader.id.utf8.count else {
            throw VaultError(.badReader, "a reader's name is 1 to 256 bytes")
        }
        let box: [UInt8]
        do {
            box = try SealedBox.seal(key.secret, to: reader.sealingPublicKey)
        } catch {
            throw VaultError(.badReader, "the sealing key of \(reader.id)", cause: error)
        }
        try insert(Entry(reader: reader, box: box))
    }

    private mutating func insert(_ entry: Entry) throws(VaultError) {
        let index = entries.firstIndex { !Reader.precedes($0.reader, entry.reader) } ?? entries.count
        if index < entries.count, !Reader.precedes(entry.reader, entries[index].reader) { return }
        guard entries.count < SealedKeys.maximumReaders else {
            throw VaultError(.badReader, "at most \(SealedKeys.maximumReaders) readers")
        }
        entries.insert(entry, at: index)
    }

    /// Takes over the entries of others that are not here yet.
    mutating func merge(_ other: SealedKeys) throws(VaultError) {
        for entry in other.entries { try insert(entry) }
    }

    /// Whether the document's key is sealed to a reader's, given as its public half.
    package func has(_ sealingPublicKey: [UInt8]) -> Bool {
        entries.contains { $0.reader.sealingPublicKey == sealingPublicKey }
    }

    /// Those entries of readers with known names, of one name a few at most; nil where there are none.
    ///
    /// What a peer hands over could otherwise fill the list with readers whom nobody knows.
    package func kept(where isKnown: (String) throws -> Bool) rethrows -> SealedKeys? {
        var kept = self
        kept.entries = []
        for entry in entries where try isKnown(entry.reader.id) {
            let same = kept.entries.count { $0.reader.id.utf8.elementsEqual(entry.reader.id.utf8) }
            if same < SealedKeys.maximumKeysOfReader { kept.entries.append(entry) }
        }
        return kept.entries.isEmpty ? nil : kept
    }

    /// Sealing keys that one reader may have: its own, and those from before it changed it.
    static let maximumKeysOfReader = 4

    /// The document's key, opened by a reader's.
    /// - Throws: `vault.not_reader`; `vault.damaged` where the box is the reader's but does not open.
    func documentKey(for key: SealingKey) throws(VaultError) -> SymmetricKey {
        guard let entry = entries.first(where: { $0.reader.sealingPublicKey == key.publicKey }) else {
            throw VaultError(.notReader, "the document is not sealed to this key")
        }
        do {
            return try SymmetricKey(try key.open(entry.box))
        } catch {
            throw VaultError(.damaged, "the sealed key of \(entry.reader.id)", cause: error)
        }
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
            guard 1...256 ~= id.utf8.count, key.count == SealingKey.publicKeyCount,
                entry.box.count == SealedKeys.boxCount
            else {
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

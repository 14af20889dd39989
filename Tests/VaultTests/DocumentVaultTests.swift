import Codec
import Cryptography
import Foundation
import Testing
import Vault

/// A vault in a folder of its own, which goes with it.
final class TemporaryVault: Sendable {
    let folder: URL
    let vault: DocumentVault

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("vault-\(UUID().uuidString)")
        vault = try DocumentVault(folder)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ cid: CID, _ suffix: String) -> URL { folder.appendingPathComponent("\(cid).\(suffix)") }

    func bytes(_ cid: CID, _ suffix: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: path(cid, suffix)))
    }

    func replace(_ cid: CID, _ suffix: String, with bytes: [UInt8]) throws {
        try Data(bytes).write(to: path(cid, suffix))
    }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }
}

/// The code of what a call throws; nil where it succeeds or throws something else.
func vaultCode(_ body: () throws -> Void) -> VaultError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? VaultError)?.code
    }
}

/// Bytes that repeat only after a long while.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 &+ $0) } }

/// A source that gives the pieces in turn, then nothing.
func pieces(_ all: [[UInt8]]) -> () -> [UInt8] {
    var rest = all[...]
    return { rest.popFirst() ?? [] }
}

@Suite struct DocumentVaultTests {
    private let temporary: TemporaryVault
    private var vault: DocumentVault { temporary.vault }
    private let customer = SealingKey.generate()
    private let oem = SealingKey.generate()

    init() throws { temporary = try TemporaryVault() }

    private var readers: [DocumentVault.Reader] {
        [DocumentVault.Reader(id: "customer", sealingPublicKey: customer.publicKey)]
    }

    private func store(_ plain: [UInt8]) throws -> DocumentVault.StoredDocument {
        try vault.store(plain, readers: readers)
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000, 600_000])
    func opensWhatWasStored(_ count: Int) throws {
        let plain = pattern(count)
        let stored = try store(plain)
        #expect(stored.size == Int64(count))
        #expect(stored.plainDigest == SHA256.digest(plain))
        #expect(try vault.open(stored.cid, with: customer) == plain)

        let cipher = try temporary.bytes(stored.cid, "doc")
        let chunks = max(1, (count + 65_535) / 65_536)
        #expect(cipher.count == 24 + count + 17 * chunks)
        #expect(stored.cipherDigest == SHA256.digest(cipher))
        #expect(FileDAG.identify(cipher, hash: SHA256.hash) == stored.cid)
    }

    @Test func streamsInPiecesOfAnySize() throws {
        let plain = pattern(200_000)
        var all: [[UInt8]] = []
        var start = 0
        for size in [1, 65_535, 70_000, 3, 64_461] {
            all.append(Array(plain[start..<start + size]))
            start += size
        }
        let stored = try vault.store(readers: readers, next: pieces(all))
        #expect(stored.plainDigest == SHA256.digest(plain))
        var chunks: [Int] = []
        try vault.open(stored.cid, with: customer) { chunks.append($0.count) }
        #expect(chunks == [65_536, 65_536, 65_536, 3392])
    }

    @Test func storesAndOpensFiles() throws {
        let (source, target) = (
            temporary.folder.appendingPathComponent("source"),
            temporary.folder.appendingPathComponent("target")
        )
        try Data(pattern(100_000)).write(to: source)
        let stored = try vault.store(contentsOf: source, readers: readers)
        try vault.open(stored.cid, with: customer, toFile: target)
        #expect([UInt8](try Data(contentsOf: target)) == pattern(100_000))
        #expect(vaultCode { _ = try vault.open(stored.cid, with: oem, toFile: target) } == .notReader)
        #expect(
            try temporary.names == ["\(stored.cid).doc", "\(stored.cid).keys", "source", "target"])
    }

    @Test func equalDocumentsCannotBeLinked() throws {
        #expect(try store([1, 2, 3]).cid != store([1, 2, 3]).cid)
    }

    @Test func refusesEveryChangedByteOfTheCiphertext() throws {
        let stored = try store(pattern(40))
        let whole = try temporary.bytes(stored.cid, "doc")
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1
            try temporary.replace(stored.cid, "doc", with: changed)
            #expect(vaultCode { _ = try vault.open(stored.cid, with: customer) } == .damaged)
        }
    }

    @Test func refusesTruncatedExtendedAndReorderedCiphertexts() throws {
        let stored = try store(pattern(200_000))
        let whole = try temporary.bytes(stored.cid, "doc")
        let edge = 24 + 65_553
        let swapped =
            whole[..<24] + whole[edge..<edge + 65_553] + whole[24..<edge] + whole[(edge + 65_553)...]
        var wrong = [0, 1, 23, 24, 25, 24 + 16, edge, edge + 1, whole.count - 1].map { Array(whole[..<$0]) }
        wrong += [whole + [0], Array(swapped)]
        for bytes in wrong {
            try temporary.replace(stored.cid, "doc", with: bytes)
            #expect(vaultCode { _ = try vault.open(stored.cid, with: customer) } == .damaged)
        }
    }

    @Test func refusesAnotherDocumentUnderTheName() throws {
        let (first, second) = (try store([1]), try store([2]))
        for suffix in ["doc", "keys"] {
            try temporary.replace(first.cid, suffix, with: try temporary.bytes(second.cid, suffix))
        }
        #expect(vaultCode { _ = try vault.open(first.cid, with: customer) } == .damaged)
        #expect(try vault.open(second.cid, with: customer) == [2])
    }

    @Test func leavesNoFileWhereADamagedDocumentWasToGo() throws {
        let stored = try store(pattern(100_000))
        var changed = try temporary.bytes(stored.cid, "doc")
        changed[changed.count - 1] ^= 1
        try temporary.replace(stored.cid, "doc", with: changed)
        let target = temporary.folder.appendingPathComponent("target")
        #expect(vaultCode { _ = try vault.open(stored.cid, with: customer, toFile: target) } == .damaged)
        #expect(try temporary.names == ["\(stored.cid).doc", "\(stored.cid).keys"])
    }

    @Test func aFailingStreamLeavesNothing() throws {
        struct Failure: Error {}
        #expect(
            vaultCode {
                _ = try vault.store(readers: readers) { throw Failure() }
            } == .io)
        #expect(try temporary.names.isEmpty)
        let stored = try store([1])
        #expect(vaultCode { try vault.open(stored.cid, with: customer) { _ in throw Failure() } } == .io)
    }

    @Test func shreddedIsGone() throws {
        let (stored, kept) = (try store([1, 2, 3]), try store([4]))
        #expect(try vault.list() == [stored.cid, kept.cid].sorted { "\($0)" < "\($1)" })
        try vault.shred(stored.cid)
        #expect(!vault.contains(stored.cid))
        #expect(try vault.list() == [kept.cid])
        #expect(vaultCode { _ = try vault.open(stored.cid, with: customer) } == .notFound)
        #expect(vaultCode { _ = try vault.readers(of: stored.cid) } == .notFound)
        #expect(vaultCode { try vault.ciphertext(of: stored.cid) { _ in } } == .notFound)
        #expect(vaultCode { try vault.shred(stored.cid) } == .notFound)
        #expect(try temporary.names == ["\(kept.cid).doc", "\(kept.cid).keys"])
    }

    @Test func shreddingOverwritesBeforeItRemoves() throws {
        let stored = try store([1, 2, 3])
        let links = ["doc", "keys"].map { temporary.folder.appendingPathComponent("link-\($0)") }
        for (link, suffix) in zip(links, ["doc", "keys"]) {
            try FileManager.default.linkItem(at: temporary.path(stored.cid, suffix), to: link)
        }
        try vault.shred(stored.cid)
        for link in links { #expect(try Data(contentsOf: link).allSatisfy { $0 == 0 }) }
    }

    @Test func anInterruptedShreddingCanBeFinished() throws {
        let stored = try store([1])
        try FileManager.default.removeItem(at: temporary.path(stored.cid, "keys"))
        #expect(vaultCode { _ = try vault.open(stored.cid, with: customer) } == .notReader)
        try vault.shred(stored.cid)
        #expect(try temporary.names.isEmpty)
    }

    @Test func storesConcurrently() async throws {
        let vault = vault
        let readers = readers
        let plain = pattern(100_000)
        let all = try await withThrowingTaskGroup(of: CID.self) { group in
            for _ in 0..<8 {
                group.addTask { try vault.store(plain, readers: readers).cid }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(all).count == 8)
        for cid in all { #expect(try vault.open(cid, with: customer) == plain) }
        #expect(try temporary.names.count == 16)
    }

    @Test func clearsOldLeftoversWhenOpened() throws {
        let (old, fresh) = (
            temporary.folder.appendingPathComponent("tmp-00"),
            temporary.folder.appendingPathComponent("tmp-01")
        )
        for url in [old, fresh] { try Data([1]).write(to: url) }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -100_000)], ofItemAtPath: old.path)
        _ = try DocumentVault(temporary.folder)
        #expect(try temporary.names == ["tmp-01"])
    }

    @Test func tellsWhenTheFolderCannotBeUsed() throws {
        let file = temporary.folder.appendingPathComponent("file")
        try Data([1]).write(to: file)
        #expect(vaultCode { _ = try DocumentVault(file) } == .io)
        try FileManager.default.removeItem(at: temporary.folder)
        #expect(vaultCode { _ = try store([1]) } == .io)
        #expect(vaultCode { _ = try vault.list() } == .io)
    }
}

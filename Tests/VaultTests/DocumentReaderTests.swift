import Codec
import Cryptography
import Foundation
import Testing
import Vault

@Suite struct DocumentReaderTests {
    private let temporary: TemporaryVault
    private var vault: DocumentVault { temporary.vault }
    private let customer = SealingKey.generate()
    private let oem = SealingKey.generate()
    private let arbiter = SealingKey.generate()
    private let stored: DocumentVault.StoredDocument

    init() throws {
        temporary = try TemporaryVault()
        stored = try temporary.vault.store(
            [1, 2, 3],
            readers: [
                DocumentVault.Reader(id: "oem", sealingPublicKey: oem.publicKey),
                DocumentVault.Reader(id: "customer", sealingPublicKey: customer.publicKey),
            ])
    }

    private func add(_ reader: DocumentVault.Reader, by key: SealingKey) -> VaultError.Code? {
        vaultCode { try vault.addReader(reader, to: stored.cid, by: key) }
    }

    @Test func everyReaderOpensAndNobodyElse() throws {
        #expect(try vault.open(stored.cid, with: customer) == [1, 2, 3])
        #expect(try vault.open(stored.cid, with: oem) == [1, 2, 3])
        #expect(vaultCode { _ = try vault.open(stored.cid, with: arbiter) } == .notReader)
        #expect(try vault.readers(of: stored.cid) == ["customer", "oem"])
    }

    @Test func aReaderAddedLaterOpens() throws {
        let reader = DocumentVault.Reader(id: "arbiter", sealingPublicKey: arbiter.publicKey)
        #expect(add(reader, by: arbiter) == .notReader)
        #expect(add(reader, by: customer) == nil)
        #expect(add(reader, by: arbiter) == nil)
        #expect(try vault.open(stored.cid, with: arbiter) == [1, 2, 3])
        #expect(try vault.readers(of: stored.cid) == ["arbiter", "customer", "oem"])
        #expect(try temporary.names == ["\(stored.cid).doc", "\(stored.cid).keys"])
    }

    @Test func aReaderCanHaveASecondKey() throws {
        #expect(add(DocumentVault.Reader(id: "oem", sealingPublicKey: arbiter.publicKey), by: oem) == nil)
        #expect(try vault.open(stored.cid, with: oem) == [1, 2, 3])
        #expect(try vault.open(stored.cid, with: arbiter) == [1, 2, 3])
        #expect(try vault.readers(of: stored.cid) == ["customer", "oem"])
        #expect(try vault.keys(of: stored.cid).entries.map(\.reader.id) == ["customer", "oem", "oem"])
    }

    @Test func addingReadersWipesTheOldKeysFile() throws {
        let link = temporary.folder.appendingPathComponent("link")
        try FileManager.default.linkItem(at: temporary.path(stored.cid, "keys"), to: link)
        #expect(add(DocumentVault.Reader(id: "arbiter", sealingPublicKey: arbiter.publicKey), by: oem) == nil)
        #expect(try Data(contentsOf: link).allSatisfy { $0 == 0 })
    }

    @Test func readersAddedAtOnceAllStay() async throws {
        let (folder, cid, oem) = (temporary.folder, stored.cid, oem)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let key = SealingKey.generate().publicKey
                    // A vault of its own, as each member's service has.
                    let vault = try DocumentVault(folder)
                    #expect(try vault.open(cid, with: oem) == [1, 2, 3])
                    try vault.addReader(
                        DocumentVault.Reader(id: "r\(number)", sealingPublicKey: key), to: cid, by: oem)
                }
            }
            try await group.waitForAll()
        }
        #expect(try vault.readers(of: cid).count == 18)
    }

    @Test func refusesBadReaders() throws {
        let good = DocumentVault.Reader(id: "oem", sealingPublicKey: oem.publicKey)
        let bad = [
            DocumentVault.Reader(id: "", sealingPublicKey: oem.publicKey),
            DocumentVault.Reader(id: String(repeating: "x", count: 257), sealingPublicKey: oem.publicKey),
            DocumentVault.Reader(id: "x", sealingPublicKey: [1, 2]),
            DocumentVault.Reader(id: "x", sealingPublicKey: [UInt8](repeating: 0, count: 32)),
        ]
        let before = try temporary.names
        for reader in bad {
            #expect(add(reader, by: oem) == .badReader)
            #expect(
                vaultCode { _ = try vault.store([1], readers: [good, reader]) } == .badReader)
        }
        #expect(vaultCode { _ = try vault.store([1], readers: []) } == .badReader)
        #expect(try temporary.names == before)
    }

    @Test func refusesTruncatedAndChangedKeys() throws {
        let whole = try temporary.bytes(stored.cid, "keys")
        #expect(try SealedKeys(decoding: whole).encoded == whole)
        for count in 0..<whole.count {
            try temporary.replace(stored.cid, "keys", with: Array(whole[..<count]))
            #expect(vaultCode { _ = try vault.open(stored.cid, with: oem) } == .damaged, "\(count) bytes")
        }
        try temporary.replace(stored.cid, "keys", with: whole + [0])
        #expect(vaultCode { _ = try vault.open(stored.cid, with: oem) } == .damaged)
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1
            try temporary.replace(stored.cid, "keys", with: changed)
            // A change of another reader's entry hurts that reader only.
            if let plain = try? vault.open(stored.cid, with: oem) { #expect(plain == [1, 2, 3]) }
            let codes = [customer, oem].map { key in vaultCode { _ = try vault.open(stored.cid, with: key) } }
            #expect(codes.allSatisfy { $0 == nil || $0 == .damaged || $0 == .notReader })
        }
    }

    @Test func aPeerTakesOverTheDocumentAndItsKeys() throws {
        let peer = try TemporaryVault()
        var cipher: [[UInt8]] = []
        try vault.ciphertext(of: stored.cid) { cipher.append($0) }
        let keys = try SealedKeys(decoding: vault.keys(of: stored.cid).encoded)
        try peer.vault.receive(stored.cid, keys: keys, next: pieces(cipher))
        #expect(try peer.vault.open(stored.cid, with: oem) == [1, 2, 3])

        // A reader added at home reaches the peer with the next copy.
        try vault.addReader(
            DocumentVault.Reader(id: "arbiter", sealingPublicKey: arbiter.publicKey), to: stored.cid, by: oem)
        #expect(vaultCode { _ = try peer.vault.open(stored.cid, with: arbiter) } == .notReader)
        try peer.vault.receive(
            stored.cid, keys: try vault.keys(of: stored.cid), next: pieces(cipher))
        #expect(try peer.vault.open(stored.cid, with: arbiter) == [1, 2, 3])
        #expect(try peer.names == ["\(stored.cid).doc", "\(stored.cid).keys"])
    }

    @Test func aPeerRefusesOtherContent() throws {
        let peer = try TemporaryVault()
        let keys = try vault.keys(of: stored.cid)
        var cipher: [UInt8] = []
        try vault.ciphertext(of: stored.cid) { cipher += $0 }
        for wrong in [[], Array(cipher.dropLast()), cipher + [0]] {
            #expect(
                vaultCode { try peer.vault.receive(stored.cid, keys: keys, next: pieces([wrong])) }
                    == .damaged)
        }
        #expect(try peer.names.isEmpty)
    }
}

import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Synchronization
import Testing
import Vault

@testable import API

/// Documents on their way between companies whose vaults share nothing.
@Suite struct DocumentExchangeTests {
    private let text = Array("The press stands still.".utf8)
    private let stamper = MemberID(unchecked: "stamper")
    private let judge = MemberID(unchecked: "judge")

    private func store(_ company: Company, for readers: [MemberID]) throws -> DocumentReference {
        try company.service().store(bytes: text, name: "report.txt", mediaType: "text/plain", for: readers)
    }

    @Test func aReaderFetchesFromTheAuthorsNode() async throws {
        let world = try CompanyWorld()
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let reference = try store(works, for: [stamper])
        #expect(try customer.service().open(reference) == text)
        // It has its own copy now.
        works.stop()
        #expect(try customer.service().open(reference) == text)
    }

    @Test func whoIsNoReaderLearnsNothingMore() async throws {
        let world = try CompanyWorld()
        let (works, arbiter) = (try await world.company("works"), try await world.company("judge"))
        let reference = try store(works, for: [stamper])
        #expect { try arbiter.service().open(reference) } throws: {
            ["vault.not_reader", "vault.not_found"].contains(($0 as? NodeError)?.code)
        }
    }

    @Test func anAddedReaderFindsItsKeyWithWhoAddedIt() async throws {
        let world = try CompanyWorld()
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let arbiter = try await world.company("judge")
        let reference = try store(works, for: [stamper])
        #expect(try customer.service().open(reference) == text)
        // The author's node is not told: its keys lack the arbiter's.
        let cid = try CID(parsing: reference.cid)
        let key = try #require(try world.node.view().existing(MemberRecord.self, judge).keys).sealingPublicKey
        let sealing = try world.home.keystore(of: stamper).sealingKey()
        try customer.vault.addReader(
            .init(id: "judge", sealingPublicKey: key.array), to: cid, by: sealing)
        #expect(try works.vault.readers(of: cid) == ["stamper", "works"])
        #expect(try arbiter.service().open(reference) == text)
    }

    @Test func newReadersAreToldToTheOthers() async throws {
        let world = try CompanyWorld()
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let reference = try store(works, for: [stamper])
        _ = try customer.service().open(reference)
        try customer.service().addReader(judge, to: reference)
        let cid = try CID(parsing: reference.cid)
        #expect(try works.vault.readers(of: cid) == ["judge", "stamper", "works"])
    }

    /// A peer whose content is not what the CID names is passed over, and nothing of it stays.
    @Test func aLyingPeerIsRefused() async throws {
        let world = try CompanyWorld()
        let other = Mutex<(keys: [UInt8], cipher: [UInt8])?>(nil)
        // Asked before the author: peers are asked by name.
        _ = try await world.company("judge") { request in
            guard request.path.starts(with: ["v1", "documents"]), let lie = other.withLock({ $0 }) else {
                return nil
            }
            return HTTPResponse(
                type: "application/octet-stream", request.path.last == "keys" ? lie.keys : lie.cipher)
        }
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let reference = try store(works, for: [stamper])
        let cid = try CID(parsing: reference.cid)
        var cipher: [UInt8] = []
        try works.vault.ciphertext(of: cid) { cipher += $0 }
        cipher[cipher.count / 2] ^= 1
        let lie = (keys: try works.vault.keys(of: cid).encoded, cipher: cipher)
        other.withLock { $0 = lie }
        #expect(try customer.service().open(reference) == text)
        #expect(customer.complaints == ["vault.damaged"])

        works.stop()
        let second = try DocumentVault(world.folder.appendingPathComponent("vault-second"))
        #expect(try !customer.documents.exchange.fetch(cid, for: nil, from: [], into: second))
        #expect(try second.list().isEmpty)
    }

    @Test func keysOfNobodyAreNotTaken() async throws {
        let world = try CompanyWorld()
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let cid = try CID(parsing: try store(works, for: []).cid)
        let client = try HTTPClient(
            works.endpoint, trust: .pins([works.identity.pin]), identity: customer.identity)
        let strangers = try DocumentVault(world.folder.appendingPathComponent("vault-strangers"))
        let key = SealingKey.generate()
        let stored = try strangers.store(
            text, readers: (0..<9).map { .init(id: "ghost-\($0)", sealingPublicKey: key.publicKey) })
        let path = ["v1", "documents", cid.description, "keys"]
        let answer = try client.request(
            .put, HTTPTarget(path), body: try strangers.keys(of: stored.cid).encoded)
        #expect(answer.status == .unprocessable)
        #expect(try works.vault.readers(of: cid) == ["works"])
        // Strangers get nothing at all.
        let stranger = try HTTPClient(works.endpoint, trust: .pins([works.identity.pin]))
        #expect(try stranger.request(.get, HTTPTarget(Array(path.dropLast()))).status == .unauthorized)
        #expect(try stranger.request(.get, HTTPTarget(path)).status == .unauthorized)
    }

    /// What a final block names is fetched before anybody asks, so that it outlives its author's node.
    @Test func partiesReplicateWhatFinalBlocksName() async throws {
        let world = try CompanyWorld()
        let (works, customer) = (try await world.company("works"), try await world.company("stamper"))
        let arbiter = try await world.company("judge")
        customer.documents.start()
        arbiter.documents.start()
        let reference = try store(works, for: [stamper])
        try await register("press-7", [reference], world)
        let cid = try CID(parsing: reference.cid)
        try await until { customer.vault.contains(cid) }
        #expect(!arbiter.vault.contains(cid))

        // What was named before a node began is fetched as well.
        let late = try store(works, for: [stamper])
        customer.documents.stop()
        try await register("press-8", [late], world)
        let again = DocumentReplication(
            node: world.node, member: stamper, vault: customer.vault,
            exchange: DocumentExchange(node: world.node, member: stamper, identity: customer.identity))
        again.start()
        defer { again.stop() }
        let lateCID = try CID(parsing: late.cid)
        try await until { customer.vault.contains(lateCID) }
        try await until { again.progress == (1, 0) }
    }

    private func register(
        _ machine: String, _ documents: [DocumentReference], _ world: CompanyWorld
    ) async throws {
        let device = Ed25519.SigningKey.generate().publicKey.bytes
        try await world.node.enact(
            MachineContract.self,
            .register(
                .init(
                    machine: MachineID(unchecked: machine), customer: stamper,
                    machineClass: MachineClass("press")!, site: .init(region: Region("de-by")!, name: "Hall"),
                    nameplate: .init(
                        manufacturer: "Works", model: "P", serialNumber: machine, yearOfConstruction: 2024),
                    documents: documents, devices: [.init(publicKey: Bytes(device), label: "box")],
                    reportingIntervalMilliseconds: 60_000)), as: try world.signer("works"))
    }

    private func until(_ isMet: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isMet() {
            try #require(ContinuousClock.now < deadline, "not in time")
            await Task.yield()
        }
    }
}

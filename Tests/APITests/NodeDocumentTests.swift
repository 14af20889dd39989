import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Testing
import Vault

@testable import API

/// Several companies, each with a data directory and a running node of its own: what a member does through
/// its node reaches the others.
@Suite struct NodeDocumentTests {
    private func ledger(_ world: NodeWorld, _ index: Int) throws -> RemoteLedger {
        let home = world.home(index)
        let address = try #require(NodeAddress.running(in: home))
        return try RemoteLedger(
            address.endpoint, pin: try #require(address.tlsPin), identity: try world.identity(index),
            home: home)
    }

    private func documents(_ world: NodeWorld, _ index: Int) throws -> DocumentService {
        try DocumentService(
            node: try ledger(world, index), home: world.home(index), member: world.members[index])
    }

    @Test func aDocumentSealedByOneCompanyOpensAtAnother() async throws {
        let world = try NodeWorld(["a", "b", "c", "d"])
        let log = NodeLog(.error)
        var nodes: [NodeProcess] = []
        for index in 0..<4 {
            let configuration = try NodeConfiguration.read(world.home(index).configurationFile)
            nodes.append(try NodeProcess(home: world.home(index), configuration: configuration, log: log))
        }
        defer { for node in nodes { node.stop() } }

        // Through a's node, final at all.
        let signer = try world.home(0).keystore(of: world.members[0]).signingKey().signer
        let final = try await ledger(world, 0).enact(
            ConsortiumContract.self,
            .updateProfile(
                .init(
                    name: "A", profile: MemberProfile(registrationName: "A", city: "Ulm", country: "DE"),
                    endpoint: world.endpoint(0))), as: signer)
        try await wait("the block at d") { try ledger(world, 3).head().height >= final.height }
        let block = try ledger(world, 0).block(final.height)
        let there = try ledger(world, 3).block(final.height)
        #expect(there.header == block.header)
        #expect(try ledger(world, 3).find(final.id)?.leaf == final.leaf)

        // Sealed with a, opened with b, out of b's own data directory.
        let text = Array("Bearing.".utf8)
        let reference = try documents(world, 0).store(
            bytes: text, name: "report.txt", mediaType: "text/plain", for: [world.members[1]])
        #expect(try documents(world, 1).open(reference) == text)
        nodes[0].stop()
        #expect(try documents(world, 1).open(reference) == text)

        // b lets c read; a's node is away, so c's gets document and key from b's.
        try documents(world, 1).addReader(world.members[2], to: reference)
        #expect(try documents(world, 2).open(reference) == text)
        #expect { try documents(world, 3).open(reference) } throws: {
            ["vault.not_found", "vault.not_reader"].contains(($0 as? NodeError)?.code)
        }
    }
}

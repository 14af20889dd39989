import Codec
import Contracts
import Ledger
import Testing

@testable import Node

@Suite struct DocumentServiceTests {
    private func store(_ world: ServicesWorld, for readers: [String]) throws -> DocumentReference {
        try world.documents("oem").store(
            bytes: Array("secret".utf8), name: "Note", mediaType: "text/plain",
            for: readers.map { MemberID($0)! })
    }

    @Test func opensOnlyForItsReaders() async throws {
        try await ServicesWorld.with { world in
            let reference = try store(world, for: ["customer"])
            #expect(try world.documents("oem").open(reference) == Array("secret".utf8))
            #expect(try world.documents("customer").open(reference) == Array("secret".utf8))
            await #expect(code { _ = try world.documents("m1").open(reference) } == "vault.not_reader")
        }
    }

    @Test func letsAReaderLetAnotherIn() async throws {
        try await ServicesWorld.with { world in
            let reference = try store(world, for: ["customer"])
            await #expect(
                code { try world.documents("m1").addReader(MemberID("m1")!, to: reference) }
                    == "vault.not_reader")
            try world.documents("customer").addReader(MemberID("arbiter")!, to: reference)
            #expect(try world.documents("arbiter").open(reference) == Array("secret".utf8))
            #expect(
                try world.documents("oem").readers(of: reference) == ["arbiter", "customer", "oem"])
        }
    }

    @Test func refusesADocumentThatIsNotTheOneOnTheLedger() async throws {
        try await ServicesWorld.with { world in
            var reference = try store(world, for: [])
            reference.digest = .zero
            await #expect(
                code { _ = try world.documents("oem").open(reference) } == "document.hash_mismatch")
            reference.cid = "../../etc/passwd"
            await #expect(code { _ = try world.documents("oem").open(reference) } == "document.bad_cid")
        }
    }

    @Test func refusesAnUnknownReaderAndAnotherShape() async throws {
        try await ServicesWorld.with { world in
            await #expect(code { _ = try store(world, for: ["nobody"]) } == "member.unknown")
            let reference = try world.documents("oem").store(
                ["text"], name: "List", mediaType: "application/cbor", for: [])
            #expect(try world.documents("oem").open([String].self, reference) == ["text"])
            await #expect(
                code { _ = try world.documents("oem").open(Int.self, reference) } == "document.malformed")
        }
    }
}

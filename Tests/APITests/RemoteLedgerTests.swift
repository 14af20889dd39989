import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Testing

@testable import API

/// What a ledger says through its node is what the node itself says.
@Suite struct RemoteLedgerTests {
    private func rename(_ name: String) -> ConsortiumContract.Action {
        .updateProfile(
            .init(
                name: name,
                profile: MemberProfile(registrationName: "\(name) GmbH", city: "Ulm", country: "DE"),
                endpoint: ""))
    }

    @Test func anActionThroughTheNodeIsFinalAndReadsTheSame() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        let final = try await remote.enact(
            ConsortiumContract.self, rename("Works"), as: try world.signer("stamper"))
        #expect(try world.node.find(final.id) == remote.find(final.id))
        #expect(try remote.head().height >= final.height)
        #expect(try remote.header(final.height) == world.node.header(final.height))
        #expect(try remote.block(final.height).encoded == world.node.block(final.height).encoded)
        #expect(try remote.header(1) == world.node.header(1))
        #expect(remote.genesis == world.node.genesis)
        #expect(try remote.receipt(for: final.id).encoded == world.node.receipt(for: final.id).encoded)
        let key = MemberRecord.rowKey(MemberID(unchecked: "stamper"))
        #expect(try remote.stateProof(of: key).encoded == world.node.stateProof(of: key).encoded)
        let (here, there) = (try world.node.history(of: key), try remote.history(of: key))
        #expect(here.map(\.change) == there.map(\.change) && here.map(\.signer) == there.map(\.signer))
        #expect(here.map { $0.transaction?.bytes } == there.map { $0.transaction?.bytes })
        #expect(here.count == 2)
        let (own, theirs) = (try world.node.view(), try remote.view())
        #expect(try CBOR.encode(theirs.all(MemberRecord.self)) == CBOR.encode(own.all(MemberRecord.self)))
        let board = try remote.view().records(MemberRecord.self, where: "board", equals: [1])
        #expect(board.map(\.id.text) == ["chamber"])
        #expect(try remote.find(SHA256.digest([1])) == nil)
    }

    /// Rows are read page by page, all at one height.
    @Test func aViewStaysAtItsHeight() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        let view = try remote.view()
        let names = try view.all(MemberRecord.self).map(\.name)
        try await remote.enact(ConsortiumContract.self, rename("Other"), as: try world.signer("judge"))
        #expect(try view.all(MemberRecord.self).map(\.name) == names)
        #expect(try remote.view().all(MemberRecord.self).map(\.name) != names)
        // A deadline may bring a block of its own.
        #expect(try remote.view().height > view.height)
    }

    @Test func whatTheLedgerSaysNoToIsTheSameNo() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        let action = ConsortiumContract.Action.admit(.init(member: MemberID(unchecked: "nobody")))
        func failure(_ ledger: any LedgerAccess) async throws -> String {
            let signer = try world.signer("chamber")
            do {
                try await ledger.enact(ConsortiumContract.self, action, as: signer)
                return "accepted"
            } catch { return "\(error)" }
        }
        let local = try await failure(world.node)
        #expect(try await failure(remote) == local && local != "accepted")
        func code(_ body: () async throws -> Void) async -> String? {
            do { try await body() } catch { return (error as? NodeError)?.description }
            return nil
        }
        for ledger in [world.node, remote] as [any LedgerAccess] {
            let malformed = await code { _ = try await ledger.submit([1, 2, 3]) }
            #expect(malformed?.hasPrefix("transaction.malformed") == true, "\(malformed ?? "")")
            let receipt = await code { _ = try ledger.receipt(for: SHA256.digest([1])) }
            #expect(receipt?.hasPrefix("transaction.unknown: the ledger has no") == true)
            let block = await code { _ = try ledger.block(1_000_000) }
            #expect(block == "block.unknown: there is no block 1000000")
            let index = RowKey(bytes: Array("~member.board".utf8) + [0])
            let row = await code { _ = try ledger.stateProof(of: index) }
            #expect(row == "state.derived_row: an index is not in the state tree")
        }
    }

    @Test func identicalBytesGetTheAnswerAgain() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        let bytes = try remote.sign(ConsortiumContract.self, rename("Once"), as: try world.signer("judge"))
        let (first, again) = (try await remote.submit(bytes), try await remote.submit(bytes))
        #expect(first.id == again.id && first.height == again.height && first.leaf == again.leaf)
    }

    @Test func theClockMovesWithWhatIsSubmitted() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        let before = world.node.clock.now
        #expect(remote.clock.isSimulated && remote.clock.now == before)
        try remote.clock.move(to: before + .hours(1))
        #expect(world.node.clock.now == before)
        let final = try await remote.enact(
            ConsortiumContract.self, rename("Later"), as: try world.signer("judge"))
        #expect(final.time == before + .hours(1) && world.node.clock.now == final.time)
        #expect(throws: NodeError.self) { try remote.clock.move(to: before) }
        #expect(throws: NodeError.self) { try remote.clock.set(before) }
        try remote.clock.set(before + .hours(2))
        try await remote.tick()
        #expect(try world.node.head().time == before + .hours(2))
    }

    @Test func aVerificationIsToldBlockByBlock() async throws {
        let world = try CompanyWorld()
        let remote = try await world.company("works").remote()
        for name in ["a", "b", "c"] {
            try await remote.enact(ConsortiumContract.self, rename(name), as: try world.signer("judge"))
        }
        var heights: [Height] = []
        let summary = try remote.verify(width: 1) { heights.append($0.height) }
        #expect(try summary == world.node.verify(width: 1) { _ in })
        #expect(try heights == Array(0...world.node.head().height))
        // Whoever asked may stop it.
        struct Enough: Error {}
        #expect(throws: Enough.self) { try remote.verify(width: 1) { _ in throw Enough() } }
    }

    @Test func onlyTheOwnMemberIsAnswered() async throws {
        let world = try CompanyWorld()
        let works = try await world.company("works")
        let judge = try await world.company("judge")
        #expect { try works.remote(as: judge.identity) } throws: {
            ($0 as? NodeError)?.code == "api.forbidden"
        }
        let nobody = try TLSIdentity.generate(
            commonName: "nobody", hosts: [], notBeforeSeconds: 1_700_000_000, notAfterSeconds: 1_900_000_000)
        #expect { try works.remote(as: nobody) } throws: {
            ($0 as? NodeError)?.code == "api.unknown_caller"
        }
    }
}

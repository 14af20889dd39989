import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

@testable import Node

/// What an operator does with a node, and what a newcomer takes from it.
@Suite struct OperationTests {
    /// Blocks go away in files, so files are small here; checkpoints come often.
    private static var options: LedgerNode.Options {
        var options = LedgerNode.Options()
        options.store.log.segmentBytes = 4_096
        options.store.log.preallocationBytes = 4_096
        options.blocksPerCheckpoint = 4
        return options
    }

    /// Hears nobody and has nobody to tell.
    private struct Silence: PeerNetwork {
        func publish(_ message: ReplicaMessage) {}
        func blocks(
            above height: Height, from member: MemberID?, where isWanted: ([[UInt8]]) -> Bool
        ) throws(NodeError) -> [[UInt8]] { [] }
    }

    /// As a node that follows others opens a data directory: without a voting key.
    private static func follower(_ home: Home) throws -> LedgerNode {
        try LedgerNode(
            home: home,
            surroundings: .init(network: Silence()) { _ in
                throw NodeError("engine.unsupported", "nobody is followed here")
            }, options: options)
    }

    private struct Run {
        let founded: FoundedHome
        let node: LedgerNode
        let receipts: [ReceiptBundle]
        let ids: [TransactionID]
    }

    /// A ledger of forty blocks whose older half has been pruned, with receipts from before.
    private static func pruned() async throws -> Run {
        let founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home, options: options)
        let signer = try founded.signer()
        var (ids, receipts) = ([TransactionID](), [ReceiptBundle]())
        for step in 0..<40 {
            let action = FoundedHome.action("step \(step)")
            let id = try await node.perform(ConsortiumContract.self, action, as: signer).id
            ids.append(id)
            receipts.append(try node.receipt(for: id))
        }
        let deadline = ContinuousClock.now + .seconds(120)
        while try node.store.store.state.snapshot().height ?? 0 < 30, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        let report = try node.prune(PruneOrder(blocks: 15))
        #expect(report.segments > 0 && report.first > 1 && report.first <= 25 && report.last == 40)
        return Run(founded: founded, node: node, receipts: receipts, ids: ids)
    }

    @Test func receiptsFromBeforePruningStayGood() async throws {
        let run = try await OperationTests.pruned()
        let (genesis, _, chain) = try run.founded.home.genesis()
        for receipt in run.receipts {
            _ = try receipt.verify(
                genesis: genesis, chain: chain, hash: SHA256.hash, verifier: run.node.rules.verify)
        }
        #expect { try run.node.receipt(for: run.ids[0]) } throws: {
            ($0 as? NodeError)?.code == "block.pruned"
        }
        _ = try run.node.receipt(for: run.ids[39])
        let summary = try run.node.verify(width: 2) { _ in }
        #expect(summary.first == run.node.firstBlock && summary.blocks == 41 - summary.first)
        #expect(try summary.stateRoot == run.node.head().stateRoot)
        // What nobody named stays, and so does what is not old.
        #expect(try run.node.prune(PruneOrder()).segments == 0)
        #expect(try run.node.prune(PruneOrder(blocks: 1, days: 1)).segments == 0)
        try run.node.close()
    }

    @Test func aNewcomerTakesASnapshotOfAPrunedLedger() async throws {
        let run = try await OperationTests.pruned()
        let folder = try TemporaryFolder()
        let served = URL(fileURLWithPath: folder.path + "/snapshot")
        let offer = try SnapshotOffer(decoding: run.node.offerSnapshot(in: served).encoded)
        #expect(offer.manifest.height >= run.node.firstBlock)
        // The same one is served again.
        #expect(try run.node.offerSnapshot(in: served).manifest == offer.manifest)

        let newcomer = Home(URL(fileURLWithPath: folder.path + "/newcomer"))
        let (genesis, bytes, _) = try run.founded.home.genesis()
        try newcomer.replace(newcomer.genesisFile, with: bytes, mode: 0o644)
        do {
            let taking = try SnapshotTaking(offer, into: newcomer)
            for index in taking.missing {
                try taking.add(try #require(try SnapshotFolder(served.path).chunk(index)))
            }
            try taking.finish()
        }
        let follower = try OperationTests.follower(newcomer)
        #expect(follower.height == offer.manifest.height && !follower.status.isValidator)
        let member = try follower.view().existing(MemberRecord.self, FoundedHome.member)
        #expect(member.name == "step \(offer.manifest.height - 1)")
        let summary = try follower.verify(width: 2) { _ in }
        #expect(summary.first == offer.manifest.height && summary.blocks == 1)
        try follower.close()

        // A block that nobody committed to, and the commits of another.
        var block = offer.blocks[0]
        block.commits = []
        let unproven = SnapshotOffer(manifest: offer.manifest, blocks: [block], epochs: [])
        var other = try run.node.block(offer.manifest.height - 1)
        other.commits = offer.blocks[0].commits
        let moved = SnapshotOffer(manifest: offer.manifest, blocks: [other], epochs: [])
        for wrong in [unproven, moved, SnapshotOffer(manifest: offer.manifest, blocks: [], epochs: [])] {
            #expect { try wrong.verify(genesis, rules: run.node.rules) } throws: {
                ($0 as? NodeError)?.code == "snapshot.unproven"
            }
        }
        try run.node.close()
    }

    @Test func aBackupOfARunningNodeRestoresWithoutItsVote() async throws {
        let run = try await OperationTests.pruned()
        let folder = try TemporaryFolder()
        let copy = URL(fileURLWithPath: folder.path + "/copy")
        let order = BackupOrder(folder: copy.path, withKeys: true)
        let note = try run.node.backup(order, of: run.founded.home)
        #expect(note.height == 40 && note.hasKeys && note.damages.isEmpty)
        try run.node.close()

        let home = Home(URL(fileURLWithPath: folder.path + "/restored"))
        #expect(try Backup(home).restore(from: copy) == note)
        #expect(!home.hasVotingKey && home.membersWithKeys() == [FoundedHome.member])
        let observer = try OperationTests.follower(home)
        #expect(observer.height == 40 && !observer.status.isValidator)
        try observer.close()
        #expect { try Backup(home).restore(from: copy) } throws: { ($0 as? NodeError)?.code == "home.exists" }
        // A copy that lost its end.
        let segments = try FileManager.default.contentsOfDirectory(atPath: copy.path + "/ledger/log")
        let last = try #require(segments.filter { $0.hasSuffix(".seg") }.max())
        try FileManager.default.removeItem(atPath: copy.path + "/ledger/log/" + last)
        let other = Home(URL(fileURLWithPath: folder.path + "/other"))
        #expect { try Backup(other).restore(from: copy) } throws: {
            ($0 as? NodeError)?.code == "backup.damaged"
        }
    }

    @Test func invitationsAreReadAsTheyWereWritten() throws {
        let key = Ed25519.SigningKey.generate()
        let invitation = Invitation(
            chain: SHA256.digest([1]), ledger: "Ring", member: FoundedHome.member, name: "Board",
            roles: [.board], expires: Timestamp(milliseconds: 1_767_225_600_000), key: key,
            peers: [
                .init(
                    member: FoundedHome.member, endpoint: "https://node.example", pins: [SHA256.digest([2])])
            ])
        let text = try invitation.text(note: "To whom it may concern.")
        #expect(
            try Invitation(parsing: "Forwarded:\n" + text.replacingOccurrences(of: "\n", with: "\r\n"))
                == invitation)
        for wrong in [
            "", text.replacingOccurrences(of: "END", with: "AND"), String(text.dropFirst(40).prefix(200)),
        ] {
            #expect { try Invitation(parsing: wrong) } throws: {
                ($0 as? NodeError)?.code == "invitation.malformed"
            }
        }
        // A statement is good for one TLS key, one ledger and a while.
        let (pin, now) = (TLSPin(SHA256.digest([3])), Timestamp(milliseconds: 1_767_225_600_000))
        let header = InvitationCall.signed(
            chain: invitation.chain, pin: pin, until: now + .minutes(10), signer: key.signer)
        let call = try InvitationCall(header: header)
        let own = key.publicKey.bytes
        #expect(call.holds(for: invitation.chain, pin: pin, publicKey: own, now: now))
        #expect(!call.holds(for: invitation.chain, pin: pin, publicKey: own, now: now + .minutes(10)))
        #expect(!call.holds(for: .zero, pin: pin, publicKey: own, now: now))
        #expect(!call.holds(for: invitation.chain, pin: TLSPin(.zero), publicKey: own, now: now))
        let other = Ed25519.SigningKey.generate().publicKey.bytes
        #expect(!call.holds(for: invitation.chain, pin: pin, publicKey: other, now: now))
    }
}

import Codec
import Cryptography
import Foundation
import Ledger
import Storage
import Testing

@testable import Node

/// A validator that was away for longer than the others keep blocks.
@Suite(.serialized, .timeLimit(.minutes(10))) struct SnapshotReplacementTests {
    /// Three validators go on without the fourth and remove what it lacks.
    private func leftBehind() async throws -> (cluster: Cluster, height: Height) {
        let cluster = try Cluster(4, segmentBytes: 4_096)
        for round in 0..<3 { try await cluster.perform(round, "before \(round)") }
        try await cluster[3].waitForFinal(cluster[0].height)
        let height = cluster[3].height
        cluster.kill(3)
        for round in 0..<25 { try await cluster.perform(round % 3, "without it \(round)") }
        try await eventually("old blocks to go") {
            (0..<3).allSatisfy { index in
                _ = try? cluster[index].prune(keeping: 2)
                return cluster[index].firstBlock > height + 1
            }
        }
        return (cluster, height)
    }

    private func snapshot(_ cluster: Cluster, of index: Int, _ home: Home) throws -> SnapshotTaking {
        let folder = cluster.homes[index].folder.appendingPathComponent("snapshot")
        let offer = try cluster[index].offerSnapshot(in: folder)
        let taking = try SnapshotTaking(offer, into: home, besides: true)
        for chunk in taking.missing {
            try taking.add(try #require(try SnapshotFolder(folder.path).chunk(chunk)))
        }
        try taking.check()
        return taking
    }

    private func votes(_ home: Home, _ cluster: Cluster) throws -> VoteState {
        let store = try LedgerStore(opening: home.ledgerFolder.path, chain: cluster[0].rules.chain)
        return try Restoration.lastVoteState(in: store)
    }

    @Test func aValidatorKeepsItsPromisesThroughASnapshot() async throws {
        let (cluster, height) = try await leftBehind()
        let home = cluster.homes[3]
        let before = try votes(home, cluster)
        #expect(before.record.lastVote != nil)
        let taking = try snapshot(cluster, of: 0, home)
        #expect(taking.height > height)
        let old = try LedgerReplacement(home).install(taking)
        #expect(FileManager.default.fileExists(atPath: old.appendingPathComponent("log").path))
        #expect(try votes(home, cluster) == before)

        try cluster.start(3)
        #expect(!cluster[3].status.votingKeyIsForeign)
        let last = try await cluster.perform(3, "again")
        for index in 0..<4 { try await cluster[index].waitForFinal(last.height) }
        #expect(try cluster[3].header(last.height) == cluster[0].header(last.height))
        // Its vote is needed and counts again.
        cluster.kill(0)
        let without = try await cluster.perform(1, "with the fourth and without the first")
        try await cluster[3].waitForFinal(without.height)
        let summary = try cluster[3].verify(width: 1) { _ in }
        #expect(summary.first == cluster[3].firstBlock && summary.first > 0)
        try cluster.close()
    }

    /// Every point at which a crash can come leaves one whole ledger.
    @Test func aCrashWhileALedgerIsReplacedLeavesOneOfTheTwo() async throws {
        let (cluster, height) = try await leftBehind()
        let home = cluster.homes[3]
        // Before its end: what there was stays, and another import begins again.
        try { _ = try snapshot(cluster, of: 0, home) }()
        try LedgerReplacement(home).recover()
        #expect(try votes(home, cluster).record.lastVote != nil)
        // Between the two renames.
        _ = try LedgerReplacement(home).install(snapshot(cluster, of: 1, home))
        try FileManager.default.moveItem(
            at: home.ledgerFolder, to: home.folder.appendingPathComponent("ledger.next"))
        try LedgerReplacement(home).recover()
        try cluster.start(3)
        #expect(cluster[3].firstBlock > height)
        cluster.kill(3)
        // Between the end and the first rename: what was promised meanwhile is in the ledger alone.
        let next = home.folder.appendingPathComponent("ledger.next")
        try FileManager.default.copyItem(at: home.ledgerFolder, to: next)
        try LedgerReplacement(home).recover()
        #expect(!FileManager.default.fileExists(atPath: next.path))
        // And none takes the place of a ledger that has come as far.
        let late = try snapshot(cluster, of: 0, home)
        #expect { try LedgerReplacement(home).install(late) } throws: {
            ($0 as? NodeError)?.code == "snapshot.too_old"
        }
        try cluster.start(3)
        #expect(cluster[3].firstBlock > height)
        try cluster.close()
    }
}

import Codec
import Contracts
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

@testable import Node

/// What an operator does with the data directory of a validator that is stopped.
@Suite(.serialized, .timeLimit(.minutes(10))) struct StoppedNodeTests {
    /// A ledger of four validators in its third epoch or a later one, with a transaction from each.
    private static func grown(segmentBytes: Int? = nil) async throws -> (Cluster, [FinalTransaction]) {
        let cluster = try Cluster(4, segmentBytes: segmentBytes)
        var finals: [FinalTransaction] = []
        for round in 0..<3 {
            finals.append(try await cluster.perform(round, "in order \(round)"))
            if round < 2 { cluster.orders.fail(cluster[0].epoch.block, .dead) }
        }
        for round in 0..<6 { finals.append(try await cluster.perform(round % 4, "more \(round)")) }
        try await cluster.expectEqual(through: finals.map(\.height).max())
        #expect(cluster[0].epochChain.count >= 2)
        return (cluster, finals)
    }

    /// Every byte that a restart would find of what a node has promised and accepted.
    private static func promises(_ home: Home) throws -> [String: Data] {
        let log = home.ledgerFolder.appendingPathComponent("log")
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: log.path) where name != "lock" {
            files[name] = try Data(contentsOf: log.appendingPathComponent(name))
        }
        for file in [home.outboxFile, home.votingStoreFile] {
            files[file.lastPathComponent] = try? Data(contentsOf: file)
        }
        return files
    }

    @Test func aStoppedValidatorsHomeIsVerifiedAndReadWithoutTheOthers() async throws {
        let (cluster, finals) = try await StoppedNodeTests.grown()
        try cluster.close()
        for home in cluster.homes {
            #expect { try LedgerNode(home: home).close() } throws: {
                ($0 as? NodeError)?.code == "node.several_validators"
            }
            let before = try StoppedNodeTests.promises(home)
            let node = try LedgerNode(home: home, for: .reading)
            var heights: [Height] = []
            let summary = try node.verify(width: 1) { heights.append($0.height) }
            #expect(heights == Array(0...node.height) && summary.blocks == node.height + 1)
            #expect(node.epochChain.count >= 2 && !node.status.isValidator)
            let receipt = try node.receipt(for: finals[0].id)
            let proven = try receipt.verify(
                genesis: node.genesis, chain: node.rules.chain, hash: node.rules.hash,
                verifier: node.rules.verify)
            #expect(proven.validators.count >= 3)
            let member = MemberRecord.rowKey(cluster.members[0])
            #expect(try !node.history(of: member).isEmpty)
            let bytes = try node.sign(
                ConsortiumContract.self, FoundedHome.action("a wish"), as: try cluster.signer(0))
            await #expect {
                try await node.submit(bytes, until: .accepted)
            } throws: { ($0 as? NodeError)?.code == "node.only_reading" }
            await #expect {
                try await node.tick()
            } throws: { ($0 as? NodeError)?.code == "node.only_reading" }
            try node.close()
            #expect(try StoppedNodeTests.promises(home) == before)
        }
        // They go on as if nobody had looked.
        for index in 0..<4 { try cluster.start(index) }
        let after = try await cluster.perform(1, "after")
        try await cluster.expectEqual(through: after.height)
        try cluster.close()
    }

    @Test func aStoppedHomeWithAnothersCommitsDoesNotVerify() async throws {
        let (cluster, _) = try await StoppedNodeTests.grown()
        try cluster.close()
        let home = cluster.homes[0]
        let log = home.ledgerFolder.appendingPathComponent("log")
        var records: [BlockRecord] = []
        do {
            let node = try LedgerNode(home: home, for: .reading)
            for height in 0...node.height { records.append(try node.block(height)) }
            try node.close()
        }
        // Commits that are another block's.
        let place = try #require(
            records.indices.dropFirst(2).first {
                !records[$0].commits.isEmpty && !records[$0 - 1].commits.isEmpty
            })
        records[place].commits = records[place - 1].commits
        for name in ["log", "state", "nodes", "epochs"] {
            try FileManager.default.removeItem(at: home.ledgerFolder.appendingPathComponent(name))
        }
        do {
            let forged = try BlockLog(opening: log.path, chain: try home.genesis().chain)
            try forged.append(
                records.map { LogRecord(height: $0.header.height, payload: $0.encoded) })
        }
        let node = try LedgerNode(home: home, for: .reading)
        #expect {
            _ = try node.verify(width: 1) { _ in }
        } throws: {
            let failure = $0 as? LedgerVerification.Failure
            return failure?.code == "certificate.other_block" && failure?.height == Height(place)
        }
        try node.close()
    }

    @Test func aBackupOfAPrunedLedgerHasItsEpochs() async throws {
        let (cluster, _) = try await StoppedNodeTests.grown(segmentBytes: 4_096)
        for round in 0..<20 { try await cluster.perform(round % 4, "later \(round)") }
        try await eventually("checkpoints are written") {
            ((try? cluster[0].store.store.state.snapshot().height) ?? 0)
                > (cluster[0].epochChain.last?.header.height ?? .max) + 5
        }
        let report = try cluster[0].prune(PruneOrder(blocks: 5))
        let epochs = cluster[0].epochChain
        // The log cannot say any more how the epochs came about.
        #expect(report.first > epochs.last?.header.height ?? .max)
        let folder = try TemporaryFolder()
        let copy = URL(fileURLWithPath: folder.path + "/copy")
        let order = BackupOrder(folder: copy.path, withKeys: false)
        let note = try cluster[0].backup(order, of: cluster.homes[0])
        #expect(note.epochs == epochs.count)
        try cluster.close()

        let home = Home(URL(fileURLWithPath: folder.path + "/restored"))
        #expect(try Backup(home).restore(from: copy) == note)
        let node = try LedgerNode(home: home, for: .reading)
        #expect(node.epochChain == epochs && node.height >= note.height)
        #expect(node.epoch.epoch == epochs.last?.header.epoch)
        try node.close()
        // A copy that lost them is none.
        for damage in [Data("damaged".utf8), nil] {
            let file = copy.appendingPathComponent("ledger/epochs")
            if let damage { try damage.write(to: file) } else { try FileManager.default.removeItem(at: file) }
            let other = Home(URL(fileURLWithPath: folder.path + "/other"))
            #expect { try Backup(other).restore(from: copy) } throws: {
                ($0 as? NodeError)?.code == "backup.damaged"
            }
        }
    }
}

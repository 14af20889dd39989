import Codec
import Cryptography
import Merkle
import Storage
import TestSupport
import Testing

@testable import Ledger
@testable import Node

/// A ledger whose older blocks are gone: what is there is checked against what a quorum signed.
@Suite struct TailVerificationTests {
    private static let first = 3

    /// A store whose log begins with block 3, and what verification says of it.
    private func verify(
        _ forgery: Forgery, _ change: (inout [BlockRecord]) throws -> Void = { _ in },
        wrongRow: Bool = false, wrongNode: Bool = false, forgotten: Bool = false
    ) throws -> LedgerVerification.Summary {
        let folder = try TemporaryFolder()
        let store = try LedgerStore(opening: folder.path + "/ledger", chain: forgery.chain)
        for record in forgery.records {
            var rows = NodeStore.rows(record.changes, record.history)
            if wrongRow, record.header.height == 7, let place = rows.firstIndex(where: { $0.0 == .rows }) {
                rows[place].1 = .init(key: rows[place].1.key, value: [1])
            }
            if forgotten, record.header.height == 7 {
                rows.append((.rows, .init(key: SeenRecord.archiveKey(.zero).bytes, value: [1])))
            }
            try store.overlay.apply(height: record.header.height, changes: rows, nodeCount: 0)
        }
        var frontier = LogFrontier()
        for leaf in try forgery.records.flatMap({ try $0.leaves() }) {
            var nodes: [Digest] = []
            let hash = LogTree.leafHash(of: leaf.encoded, hash: SHA256.hash)
            frontier.append(hash, hash: SHA256.hash) { nodes.append($0) }
            if wrongNode, frontier.size == 6 { nodes[0] = SHA256.hash([9]) }
            try store.nodes.append(nodes)
        }
        var records = Array(forgery.records[Self.first...])
        try change(&records)
        let log = try BlockLog(opening: folder.path + "/tail", chain: forgery.chain)
        for (offset, record) in records.enumerated() {
            try log.append([LogRecord(height: UInt64(Self.first + offset), payload: record.encoded)])
        }
        let served = store.overlay.snapshot()
        return try LedgerVerification(
            genesis: forgery.genesis, bytes: forgery.bytes, rules: LedgerNode.rules(chain: forgery.chain),
            width: 1, keys: SnapshotState(served)
        ).runTail(
            log, from: UInt64(Self.first), through: 7, epochs: [], served: served, nodes: store.nodes
        ) { _ in }
    }

    private func failure(
        _ forgery: Forgery, wrongRow: Bool = false, wrongNode: Bool = false,
        _ change: (inout [BlockRecord]) throws -> Void = { _ in }
    ) -> LedgerVerification.Failure? {
        do {
            _ = try verify(forgery, change, wrongRow: wrongRow, wrongNode: wrongNode)
            return nil
        } catch { return error as? LedgerVerification.Failure }
    }

    @Test func whatIsThereVerifies() async throws {
        let forgery = try await Forgery()
        let summary = try verify(forgery)
        #expect(summary.first == 3 && summary.blocks == 5 && summary.transactions == 5)
        #expect(summary.rejected == 1 && summary.stateRoot == forgery.records[7].header.stateRoot)
    }

    /// No row and no root says where the leaf of a forgotten id is found.
    @Test func forgottenIdsAreNoTampering() async throws {
        let forgery = try await Forgery()
        #expect(try verify(forgery, forgotten: true).blocks == 5)
    }

    @Test func everyKindOfTamperingIsFound() async throws {
        let forgery = try await Forgery()
        let accepted = BlockRecord.Entry(index: 0, outcome: .accepted)
        // Block 4 holds the refused transaction.
        var failure = failure(forgery) { $0[1].outcomes = [accepted] }
        #expect(failure?.code == "verify.log_root" && failure?.height == 4)
        failure = self.failure(forgery) { $0[2].outcomes = [] }
        #expect(failure?.code == "verify.log_root" && failure?.height == 5)
        failure = self.failure(forgery) { $0[2].content = $0[3].content }
        #expect(failure?.code == "verify.content" && failure?.height == 5)
        failure = self.failure(forgery) { $0[2].header.previous = .zero }
        #expect(failure?.height == 5)
        failure = self.failure(forgery) { $0[0].commits = [] }
        #expect(failure?.code == "verify.unproven" && failure?.height == 3)
        failure = self.failure(forgery) { $0[3].commits = [] }
        #expect(failure?.height == 6)
        failure = self.failure(forgery) { $0[3].commits = $0[3].commits.map(Forgery.withFlippedSignature) }
        #expect(failure?.height == 6)
        failure = self.failure(forgery) { $0[2].history = [] }
        #expect(failure?.code == "verify.served_history" && failure?.height == 5)
        failure = self.failure(forgery) { $0.removeLast() }
        #expect(failure?.height == 7)
        failure = self.failure(forgery) { $0.swapAt(1, 2) }
        #expect(failure?.code == "verify.order" && failure?.height == 4)
        failure = self.failure(forgery, wrongRow: true)
        #expect(failure?.code == "verify.served_state" && failure?.height == 7)
        failure = self.failure(forgery, wrongNode: true)
        #expect(failure?.code == "verify.served_nodes" && failure?.height == 6)
    }
}

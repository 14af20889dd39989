import Codec
import Contracts
import Cryptography
import Foundation
import Merkle
import Storage
import TestSupport
import Testing

@testable import Ledger
@testable import Node

/// A ledger whose derived files (state, history, log nodes) say something else than its blocks.
private struct Tampered {
    let founded: FoundedHome
    let ids: [TransactionID]
    let records: [BlockRecord]

    init() async throws {
        founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home)
        let signer = try founded.signer()
        var ids: [TransactionID] = []
        for step in 0..<7 {
            let action = FoundedHome.action("step \(step)")
            ids.append(try await node.perform(ConsortiumContract.self, action, as: signer).id)
        }
        var records: [BlockRecord] = []
        for height in 0...node.height { records.append(try node.block(height)) }
        try node.close()
        (self.ids, self.records) = (ids, records)
    }

    typealias Rows = [(table: StoreTable, change: Storage.RowChange)]

    /// Makes the state, checkpointed at the log's end, and the node file anew.
    func rebuild(
        rows change: (Height, inout Rows) -> Void = { _, _ in }, nodes: (inout [Digest]) -> Void = { _ in }
    ) throws {
        let folder = founded.home.ledgerFolder.path
        try FileManager.default.removeItem(atPath: folder + "/state")
        let store = try LedgerStore(opening: folder, chain: try founded.home.genesis().chain)
        var log = LogFrontier()
        var digests: [Digest] = []
        for record in records {
            for leaf in try record.leaves() {
                let hash = LogTree.leafHash(of: leaf.encoded, hash: SHA256.hash)
                log.append(hash, hash: SHA256.hash) { digests.append($0) }
            }
            var rows = NodeStore.rows(record.changes, record.history)
            change(record.header.height, &rows)
            try store.overlay.apply(
                height: record.header.height, changes: rows, nodeCount: LogTree.nodeCount(size: log.size))
        }
        nodes(&digests)
        try store.nodes.append(digests)
        store.overlay.freeze()
        #expect(try store.checkpoint())
    }

    /// The code with which verification fails; nil where all is well.
    func failure() throws -> String? {
        let node = try LedgerNode(home: founded.home)
        defer { #expect(throws: Never.self) { try node.close() } }
        do {
            _ = try node.verify(width: 1) { _ in }
            return nil
        } catch let failure as LedgerVerification.Failure { return failure.code }
    }
}

@Suite struct ReviewServedStateTests {
    @Test func whatIsRebuiltFaithfullyVerifies() async throws {
        let tampered = try await Tampered()
        #expect(try tampered.failure() == nil)
        try tampered.rebuild()
        #expect(try tampered.failure() == nil)
    }

    @Test func aChangedDroppedOrInventedStepOfTheHistoryIsFound() async throws {
        let tampered = try await Tampered()
        let isHistory = { (row: (table: StoreTable, change: Storage.RowChange)) in row.table == .history }
        try tampered.rebuild(rows: { height, rows in
            guard height == 5, let index = rows.firstIndex(where: isHistory) else { return }
            let earlier = ChangeReference(height: 2, position: 1).keyBytes
            rows[index].change = .init(key: rows[index].change.key, value: earlier)
        })
        #expect(try tampered.failure() == "verify.served_history")
        try tampered.rebuild(rows: { height, rows in if height == 5 { rows.removeAll(where: isHistory) } })
        #expect(try tampered.failure() == "verify.served_history")
        try tampered.rebuild(rows: { height, rows in
            let key = StoreTable.historyKey(height: 900, position: 1, row: [1])
            if height == 7 { rows.append((.history, .init(key: key, value: []))) }
        })
        #expect(try tampered.failure() == "verify.served_history")
    }

    @Test func aChangedNodeOfTheLogTreeIsFound() async throws {
        let tampered = try await Tampered()
        try tampered.rebuild(nodes: { $0[1] = .zero })
        #expect(try tampered.failure() == "verify.served_nodes")
    }

    /// Derived rows that no root covers: an answer may fail, the process may not.
    @Test func damagedRowsAreAnErrorAndNoTrap() async throws {
        let tampered = try await Tampered()
        let unknown = TransactionID(repeating: 7)
        try tampered.rebuild(rows: { height, rows in
            guard height == 7 else { return }
            let key = LeafIndex.key(unknown, leaf: 0).bytes
            rows.append((.rows, .init(key: key, value: bigEndianBytes(1 << 40))))
        })
        let node = try LedgerNode(home: tampered.founded.home)
        #expect { try node.find(unknown) } throws: { ($0 as? NodeError)?.code == "node.damaged" }
        #expect { try node.receipt(for: unknown) } throws: { ($0 as? NodeError)?.code == "node.damaged" }
        let holder = try node.block(containing: 2)
        #expect(try node.leaf(2, of: tampered.ids[2], in: holder).outcome == .accepted)
        #expect(throws: LedgerFault.self, "another's") { try node.leaf(2, of: unknown, in: holder) }
        #expect(try node.find(tampered.ids[2])?.leaf == 2)
        try node.close()
    }

    private func change(_ key: Ledger.RowKey, to value: [UInt8]?) -> (Height, inout Tampered.Rows) -> Void {
        { _, rows in
            guard let place = rows.firstIndex(where: { $0.change.key == key.bytes }) else { return }
            let row = rows.remove(at: place)
            if let value { rows.append((row.table, .init(key: key.bytes, value: value))) }
        }
    }

    /// What is executed with and no root covers: whoever went on with it would take a transaction twice, or
    /// count another board.
    @Test func aStoreWhoseDerivedRowsAreNotWhatItsRowsGiveIsNotGoneOnWith() async throws {
        let tampered = try await Tampered()
        let leaf = LeafIndex.key(tampered.ids[2], leaf: 2)
        let board = MemberRecord.indexKey("board", [1], FoundedHome.member.keyBytes)
        let nobody = MemberRecord.indexKey("board", [1], MemberID(unchecked: "nobody").keyBytes)
        let inventing = { (height: Height, rows: inout Tampered.Rows) in
            if height == 7 { rows.append((.rows, .init(key: nobody.bytes, value: []))) }
        }
        let changes = [
            change(leaf, to: nil), change(leaf, to: bigEndianBytes(3)), change(board, to: nil),
            change(board, to: [0]), inventing,
            { height, rows in
                change(board, to: nil)(height, &rows)
                inventing(height, &rows)
            },
        ]
        for change in changes {
            try tampered.rebuild(rows: change)
            #expect { try LedgerNode(home: tampered.founded.home).close() } throws: {
                ($0 as? NodeError)?.code == "node.damaged"
            }
        }
    }

    /// As the operation manual says.
    @Test func aDamagedStateIsBuiltAgainFromTheLogAndARepeatedTransactionStaysOne() async throws {
        let tampered = try await Tampered()
        try tampered.rebuild(rows: change(LeafIndex.key(tampered.ids[2], leaf: 2), to: nil))
        #expect(throws: NodeError.self) { try LedgerNode(home: tampered.founded.home).close() }
        try FileManager.default.removeItem(atPath: tampered.founded.home.ledgerFolder.path + "/state")
        let node = try LedgerNode(home: tampered.founded.home)
        let again = try #require(try tampered.records[3].leaves().first)
        let before = node.height
        guard case .final(let known) = try await node.submit(again.transaction, until: .final) else {
            return #expect(Bool(false), "it is final")
        }
        #expect(known.leaf == 2)
        _ = try await node.perform(
            ConsortiumContract.self, FoundedHome.action("later"), as: try tampered.founded.signer())
        let blocks = try (before + 1...node.height).map { try node.block($0) }
        #expect(blocks.flatMap(\.outcomes).count == 1)
        try node.close()
    }

    @Test func aHistoryThatRunsInACircleIsAnErrorAndEnds() async throws {
        let tampered = try await Tampered()
        let row = MemberRecord.rowKey(FoundedHome.member)
        let entry = StoreTable.historyKey(height: 7, position: 1, row: row.bytes)
        for previous in [ChangeReference(height: 7, position: 1), .init(height: 6, position: 9)] {
            try tampered.rebuild(rows: { height, rows in
                guard height == 7 else { return }
                rows.removeAll { $0.table == .history && $0.change.key == entry }
                rows.append((.history, .init(key: entry, value: previous.keyBytes)))
            })
            let node = try LedgerNode(home: tampered.founded.home)
            #expect { try node.history(of: row) } throws: { ($0 as? NodeError)?.code == "node.damaged" }
            try node.close()
        }
    }
}

extension Digest {
    fileprivate init(repeating byte: UInt8) {
        self = Digest([UInt8](repeating: byte, count: Digest.count)) ?? .zero
    }
}

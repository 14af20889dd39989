import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import Storage
import TestSupport
import Testing

@testable import Node

@Suite struct DerivedRowsTests {
    /// Execution keeps the derived rows step by step; made anew from the rest they are the same.
    @Test(arguments: ContractCase.all)
    func areTheOnesThatExecutionKeeps(test: ContractCase) throws {
        var stage = try ContractCase.base()
        try test.prepare(&stage)
        let key = test.action == "consortium.join" ? "inv.invitation" : test.actor
        let transaction = try test.transaction(&stage, key, test.actor)
        #expect(try stage.submit(transaction) == .accepted)
        let keys = stage.rows.values.keys.sorted()
        var derived: [RowKey: [UInt8]] = [:]
        for key in keys where !key.isDerived {
            let stored = stage.rows.values[key] ?? []
            for row in try DerivedRows.version1.rows(for: key, stored: stored) {
                derived[row.key] = row.value
            }
        }
        // Where the leaves of forgotten ids are does not follow from the rows.
        let kept = stage.rows.values.filter { key, _ in
            key.isDerived && (key.table != LeafIndex.table || derived[key] != nil)
        }
        #expect(derived == kept)
        #expect(derived.keys.contains { $0.table == LeafIndex.table })
    }
}

@Suite struct SnapshotTests {
    /// Replays the log into a checkpoint at its end, so that there is something to take a snapshot of.
    private func checkpoint(_ home: Home) throws -> LedgerStore {
        let (genesis, bytes, chain) = try home.genesis()
        let store = try LedgerStore(opening: home.ledgerFolder.path, chain: chain)
        let rules = LedgerNode.rules(chain: chain)
        let founded = try Replica.found(genesis, bytes: bytes, rules: rules, voters: []).replica
        _ = try Restoration(
            store: store, rules: rules, genesis: founded.inForce, epochFile: home.folder.path + "/epochs"
        ).restore(voters: [])
        store.overlay.freeze()
        _ = try store.checkpoint()
        return store
    }

    @Test func aNodeOpensWhatWasImportedAndGoesOn() async throws {
        let founded = try FoundedHome()
        let signer = try founded.signer()
        let (ids, rows) = try await run(founded.home, signer, 5)

        let joined = try FoundedHome(copying: founded)
        try FileManager.default.removeItem(at: joined.home.ledgerFolder)
        // The first node signs nothing more, so its key may go on here.
        try FileManager.default.removeItem(at: joined.home.votingStoreFile)
        let chain = try founded.home.genesis().chain
        do {
            let store = try checkpoint(founded.home)
            let export = founded.folder.path + "/export"
            let manifest = try store.exportSnapshot(to: export, hash: SHA256.hash)
            let importing = try SnapshotImport(
                manifest, into: joined.home.ledgerFolder.path, chain: chain, derived: .version1,
                hash: SHA256.hash)
            while !importing.isComplete {
                let chunk = try SnapshotFolder(export).chunk(importing.nextChunk)
                try importing.add(try #require(chunk))
            }
            let record = try #require(try store.log.read(manifest.height))
            try importing.finish(
                try BlockRecord.header(of: record),
                records: [LogRecord(height: manifest.height, payload: record)])
        }

        try check(joined.home) { (node: LedgerNode) throws -> Void in
            #expect(try node.snapshot().entries(limit: 10_000) == rows)
        }
        let next = try await run(joined.home, signer, 1).ids[0]
        try check(joined.home) { (node: LedgerNode) throws -> Void in
            // A new leaf is proven against the old peaks; an old one waits for its digests and its block.
            let receipt = try node.receipt(for: next)
            let proven = try receipt.verify(
                genesis: try founded.home.genesis().genesis, chain: chain, hash: SHA256.hash,
                verifier: LedgerNode.rules(chain: chain).verify)
            #expect(proven.index == 5)
            #expect { try node.receipt(for: ids[0]) } throws: { ($0 as? NodeError)?.code == "block.pruned" }
        }
    }

    /// The ids of a few transactions, and all rows after them.
    private func run(
        _ home: Home, _ signer: MessageSigner, _ count: Int
    ) async throws -> (ids: [TransactionID], rows: [Row]) {
        let node = try LedgerNode(home: home)
        var ids: [TransactionID] = []
        for step in 0..<count {
            let action = FoundedHome.action("step \(step) of \(count)")
            ids.append(try await node.perform(ConsortiumContract.self, action, as: signer).id)
        }
        let rows = try node.snapshot().entries(limit: 10_000)
        try node.close()
        return (ids, rows)
    }

    private func check(_ home: Home, _ body: (LedgerNode) throws -> Void) throws {
        let node = try LedgerNode(home: home)
        try body(node)
        try node.close()
    }
}

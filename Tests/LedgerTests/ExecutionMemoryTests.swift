import Codec
import TestSupport
import Testing

@testable import Ledger

/// An executor knows more than the rows say: which ids nobody has used, and when something falls due next.
@Suite struct ExecutionMemoryTests {
    /// A node that has just been started, or has taken a snapshot, comes to the same blocks.
    @Test(arguments: 1...6) func anExecutorThatHasSeenNothingComesToTheSame(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        let ledger = try TestLedger()
        try ledger.run([try ledger.add(1)])
        var sent: [[UInt8]] = []
        var fired = 0
        for _ in 0..<60 {
            ledger.clock =
                ledger.clock
                + [.seconds(1), .seconds(40), .minutes(7), .hours(3), .hours(30)][Int(chance.next() % 5)]
            var transactions: [[UInt8]] = []
            for _ in 0..<Int(chance.next() % 6) {
                let action: CounterContract.Action =
                    switch chance.next() % 4 {
                    case 0: .later(.init(counter: "c", seconds: Int64(chance.next() % 20_000)))
                    case 1: .addThenRefuse(.init(counter: "c", amount: 1))
                    default: .add(.init(counter: "c", amount: 1))
                    }
                let expires = ledger.clock + .minutes([2, 10, 1440][Int(chance.next() % 3)])
                transactions.append(ledger.signed(try ledger.payload(action, expires: expires)))
                sent += transactions.suffix(1)
            }
            for _ in 0..<3 {
                transactions.append(sent.isEmpty ? [] : sent[Int(chance.next() % UInt64(sent.count))])
            }
            let executor = ledger.replica.executor
            var fresh = Executor(
                rules: ledger.rules, head: executor.head, log: executor.log, tree: executor.tree)
            var recalled = fresh
            recalled.recall(try UsedIDs(rememberedIn: ledger.rows, at: executor.head))
            let before = try ledger.counter("c") ?? 0
            let expected = try fresh.execute(
                try ledger.next(transactions), sender: MemberID("alpha")!, reader: ledger.rows)
            let remembered = try recalled.execute(
                try ledger.next(transactions), sender: MemberID("alpha")!, reader: ledger.rows)
            #expect(remembered.header == expected.header)
            #expect(remembered.skipped == expected.skipped)
            let block = try ledger.run(transactions)
            #expect(block.header == expected.header)
            #expect(block.changes == expected.changes)
            #expect(block.skipped == expected.skipped)
            #expect(block.changes.map(\.key) == block.changes.map(\.key).sorted())
            fired += (try ledger.counter("c") ?? 0) - before >= 1000 ? 1 : 0
        }
        #expect(fired > 0)
    }

    @Test func idsThatAreRememberedAreRecalledFromTheirRowsAndNoOthersAreLookedFor() throws {
        let ledger = try TestLedger()
        let expires = ledger.clock + .minutes(10)
        let transactions = try (0..<150).map {
            ledger.signed(try ledger.payload(.add(.init(counter: "c", amount: $0)), expires: expires))
        }
        let ids = try ledger.run(transactions).included.map(\.id)
        var head = ledger.replica.executor.head
        let used = try UsedIDs(rememberedIn: ledger.rows, at: head)
        #expect(ids.allSatisfy { used.firstLeaf(thatMayHave: $0, at: ledger.clock) != nil })
        #expect(
            (0..<100).count { used.firstLeaf(thatMayHave: TestLedger.hash([$0]), at: ledger.clock) != nil }
                < 10)
        head.time = expires + .minutes(1)
        let after = try UsedIDs(rememberedIn: ledger.rows, at: head)
        #expect(
            !ids.contains { after.firstLeaf(thatMayHave: $0, at: ledger.clock) != nil }, "they have expired")
    }

    /// Execution would take the transaction again; no root covers where it looks.
    /// - Parameter logSize: all leaves are gone through, or the few that are remembered looked up.
    @Test(arguments: [2, 2000] as [UInt64])
    func aRememberedIDThatIsNotFoundWhereItIsLookedForIsAFault(logSize: UInt64) throws {
        let ledger = try TestLedger()
        let id = try ledger.run([try ledger.add(1), try ledger.add(2)]).included[0].id
        var head = ledger.replica.executor.head
        #expect(head.logSize == 2)
        head.logSize = logSize
        for value in [nil, bigEndianBytes(1), bigEndianBytes(5), [0], []] {
            ledger.rows.apply([RowChange(key: LeafIndex.key(id, leaf: 0), value: value)])
            #expect { try UsedIDs(rememberedIn: ledger.rows, at: head) } throws: {
                ($0 as? LedgerFault)?.description.contains("\(id)") ?? false
            }
        }
        let others = [TestLedger.hash([1]), TestLedger.hash([2])].map { LeafIndex.key($0, leaf: 0) }
        ledger.rows.apply([
            RowChange(key: LeafIndex.key(id, leaf: 0), value: bigEndianBytes(0)),
            // Of ids that are not remembered any more.
            RowChange(key: others[0], value: bigEndianBytes(9)), RowChange(key: others[1], value: [0]),
        ])
        #expect(throws: Never.self) { try UsedIDs(rememberedIn: ledger.rows, at: head) }
    }

    @Test func aRememberedIDWhoseLeafIsAnothersTooIsAFault() throws {
        let ledger = try TestLedger()
        try ledger.run([try ledger.add(1), try ledger.add(2)])
        let head = ledger.replica.executor.head
        let other = LeafIndex.key(TestLedger.hash([1]), leaf: 0)
        ledger.rows.apply([RowChange(key: other, value: bigEndianBytes(1))])
        #expect(throws: LedgerFault.self) { try UsedIDs(rememberedIn: ledger.rows, at: head) }
    }

    @Test func aTablesRowsComeEachOnceInOrderOfTheirKeysAndNoOthers() throws {
        let rows = MemoryRows()
        let keys = (0..<2500).map { RowKey(table: "b", key: bigEndianBytes($0)) }
        let others = ["a", "b.c", "bb"].map { RowKey(table: $0, key: [1]) }
        rows.apply((keys + others).map { RowChange(key: $0, value: Array($0.bytes.suffix(2))) })
        for start in [0, 1, 1024, 2499] {
            var found: [RowKey] = []
            try rows.forEachRow(ofTable: "b", from: keys[start].bytes) { key, value in
                #expect(value == Array(key.bytes.suffix(2)))
                found.append(key)
            }
            #expect(found == Array(keys[start...]))
        }
    }

    @Test func whatIsDueEarlierThanAllBeforeIsCarriedOutInTime() throws {
        let ledger = try TestLedger()
        func later(_ seconds: Int64) throws -> [UInt8] {
            ledger.signed(try ledger.payload(.later(.init(counter: "c", seconds: seconds))))
        }
        try ledger.run([try ledger.add(0), try later(600)])
        try ledger.run([])
        try ledger.run([try later(60)])
        ledger.clock = ledger.clock + .seconds(60)
        try ledger.run([])
        #expect(try ledger.counter("c") == 1000)
        ledger.clock = ledger.clock + .seconds(540)
        try ledger.run([])
        #expect(try ledger.counter("c") == 2000)
    }
}

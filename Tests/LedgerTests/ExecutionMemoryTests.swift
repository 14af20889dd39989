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
            try recalled.recall(ledger.rows)
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
        let used = try UsedIDs(rememberedIn: ledger.rows, at: ledger.clock)
        #expect(ids.allSatisfy { used.mayHold($0, at: ledger.clock) })
        #expect((0..<100).count { used.mayHold(TestLedger.hash([$0]), at: ledger.clock) } < 10)
        let after = try UsedIDs(rememberedIn: ledger.rows, at: expires + .minutes(1))
        #expect(!ids.contains { after.mayHold($0, at: ledger.clock) }, "they have expired")
    }

    /// Execution would take the transaction again; no root covers where it looks.
    @Test func aRememberedIDThatIsNotFoundWhereItIsLookedForIsAFault() throws {
        let ledger = try TestLedger()
        let id = try ledger.run([try ledger.add(1), try ledger.add(2)]).included[0].id
        var executor = ledger.replica.executor
        for value in [nil, bigEndianBytes(1)] {
            ledger.rows.apply([RowChange(key: SeenRecord.leafKey(id), value: value)])
            #expect(throws: LedgerFault.self) { try executor.recall(ledger.rows) }
        }
        ledger.rows.apply([RowChange(key: SeenRecord.leafKey(id), value: bigEndianBytes(0))])
        try executor.recall(ledger.rows)
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

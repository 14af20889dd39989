import Codec
import Merkle
import Testing

@testable import Ledger

@Suite struct ExecutionTests {
    @Test func acceptedTransactionsChangeRowsAndGetLeaves() throws {
        let ledger = try TestLedger()
        let block = try ledger.run([try ledger.add(5), try ledger.add(7)])
        #expect(block.included.map(\.outcome) == [.accepted, .accepted])
        #expect(try ledger.counter("c") == 12)
        #expect(block.header.logSize == 2)
        #expect(block.events.map(\.name) == ["added", "added"])
        let hashes = ledger.leaves.map { LogTree.leafHash(of: $0.encoded, hash: TestLedger.hash) }
        var log = LogFrontier()
        log.append(contentsOf: hashes, hash: TestLedger.hash)
        #expect(log.root(hash: TestLedger.hash) == block.header.logRoot)
    }

    @Test func rejectionChangesNothingButHasALeaf() throws {
        let ledger = try TestLedger()
        try ledger.run([try ledger.add(1)])
        let refused = ledger.signed(
            try ledger.payload(.addThenRefuse(.init(counter: "c", amount: 50))), by: "beta")
        let block = try ledger.run([refused])
        #expect(block.included.map(\.outcome) == [.rejected("counter.refused")])
        #expect(block.included.map(\.message) == ["as asked"])
        #expect(try ledger.counter("c") == 1)
        #expect(block.events.isEmpty)
        #expect(!block.changes.contains { $0.key.table == "counter" })
        #expect(block.header.logSize == 2)
    }

    @Test func replayHasNoLeafWithinExpiryNorLongAfter() throws {
        let ledger = try TestLedger()
        let transaction = try ledger.add(5)
        let twice = try ledger.run([transaction, transaction])
        #expect(twice.included.count == 1)
        #expect(twice.skipped.map(\.reason) == [.duplicate])
        #expect(try ledger.run([transaction]).skipped.map(\.reason) == [.duplicate])
        ledger.clock = ledger.clock + .minutes(11)
        #expect(try ledger.run([transaction]).skipped.map(\.reason) == [.expired])
        ledger.clock = ledger.clock + .hours(30)
        #expect(try ledger.run([transaction]).skipped.map(\.reason) == [.expired])
        #expect(try ledger.counter("c") == 5)
    }

    @Test(arguments: [
        (Span.hours(24), Skip.Reason?.none),
        (Span(nanoseconds: Span.hours(24).nanoseconds + 1), .expiryTooFar),
        (Span(nanoseconds: 0), .expired), (Span(nanoseconds: 1), nil),
    ])
    func expiryLiesWithinADayAhead(ahead: Span, reason: Skip.Reason?) throws {
        let ledger = try TestLedger()
        let payload = try ledger.payload(
            .add(.init(counter: "c", amount: 1)), expires: ledger.clock + ahead)
        let block = try ledger.run([ledger.signed(payload)])
        #expect(block.skipped.first?.reason == reason)
    }

    @Test func otherLedgersBadSignaturesAndUnknownKeysGetNoLeaf() throws {
        let ledger = try TestLedger()
        var foreign = try ledger.payload(.add(.init(counter: "c", amount: 1)))
        foreign.chain = .zero
        var tampered = try ledger.add(1)
        tampered[tampered.count - 1] ^= 1
        let stranger = TestLedger.signer(TestLedger.key(99)).sign(
            try ledger.payload(.add(.init(counter: "c", amount: 1))), hash: TestLedger.hash)
        let block = try ledger.run([ledger.signed(foreign), tampered, stranger, [0x01], try ledger.add(3)])
        #expect(
            block.skipped.map(\.reason) == [.wrongChain, .badSignature, .unknownKey, .malformed])
        #expect(block.included.map(\.index) == [4])
        let lazily = try ledger.run([tampered, stranger], verified: false)
        #expect(lazily.skipped.map(\.reason) == [.badSignature, .unknownKey])
    }

    @Test func unknownContractsAndMalformedActionsAreRejectedOnTheRecord() throws {
        let ledger = try TestLedger()
        var unknown = try ledger.payload(.add(.init(counter: "c", amount: 1)))
        unknown.contract = "nonsense"
        var malformed = try ledger.payload(.add(.init(counter: "c", amount: 1)))
        malformed.encodedAction = [0xa1, 0x63, 0x61, 0x64, 0x64, 0xa1, 0x61, 0x78, 0x01]
        let block = try ledger.run([ledger.signed(unknown), ledger.signed(malformed)])
        #expect(
            block.included.map(\.outcome) == [
                .rejected("transaction.unknown_contract"), .rejected("transaction.malformed_action"),
            ])
    }

    @Test func quotaStopsAFloodAndRefillsWithTime() throws {
        let ledger = try TestLedger(parameters: .init(transactionsPerSecond: 1, bytesPerSecond: 1_000_000))
        let flood = try (0..<70).map { _ in try ledger.add(1) }
        let block = try ledger.run(flood)
        #expect(block.included.count == 60, "a minute's worth")
        #expect(Set(block.skipped.map(\.reason)) == [.overQuota])
        #expect(try ledger.run([try ledger.add(1, by: "beta")]).included.count == 1, "others are not touched")
        ledger.clock = ledger.clock + .seconds(3)
        #expect(try ledger.run(try (0..<5).map { _ in try ledger.add(1) }).included.count == 3)
    }

    @Test func deadlinesFireOnceInOrderOfTime() throws {
        let ledger = try TestLedger()
        try ledger.run([
            try ledger.add(1), ledger.signed(try ledger.payload(.later(.init(counter: "c", seconds: 60)))),
        ])
        ledger.clock = ledger.clock + .seconds(59)
        try ledger.run([])
        #expect(try ledger.counter("c") == 1)
        ledger.clock = ledger.clock + .seconds(1)
        try ledger.run([])
        #expect(try ledger.counter("c") == 1001)
        try ledger.run([])
        #expect(try ledger.counter("c") == 1001)
    }

    @Test func timeNeverFallsAndFollowsTheValidatorsClock() throws {
        let ledger = try TestLedger()
        let late = ledger.clock + .hours(1)
        ledger.clock = late
        #expect(try ledger.run([]).header.time == late)
        ledger.clock = TestLedger.start
        #expect(try ledger.run([]).header.time == late)
    }

    @Test func readErrorHaltsAndRejectsNothing() throws {
        struct Broken: Error {}
        let ledger = try TestLedger()
        let head = ledger.replica.executor.head
        ledger.rows.failure = Broken()
        #expect(throws: Broken.self) { try ledger.run([try ledger.add(1)]) }
        #expect(ledger.replica.executor.head == head)
    }

    @Test func batchesOfOthersArePassedOver() throws {
        let ledger = try TestLedger()
        let stranger = try ledger.order(ledger.batch([], signer: TestLedger.key(50)))
        let wrongEpoch = try ledger.order(ledger.batch([], epoch: .zero))
        var forged = ledger.batch([])
        // Of the signature, which the list of no transactions follows.
        forged[forged.count - 2] ^= 1
        for (effects, expected) in [
            (stranger, Replica.BatchRefusal.notValidator), (wrongEpoch, .otherEpoch),
            (try ledger.order(forged), .badSignature), (try ledger.order(forged, isOwn: true), .badSignature),
            (try ledger.order(ledger.batch([], signer: TestLedger.key(50)), isOwn: true), .notValidator),
        ] {
            guard case .skipped(_, let refusal) = effects.first else {
                Issue.record("the batch was executed")
                continue
            }
            #expect(refusal == expected)
        }
    }

    /// Of what this node has made nobody hashes the transactions again; the signature counts as ever.
    @Test func ofAnOwnBatchTheListIsNotHashedAgain() throws {
        let ledger = try TestLedger()
        let (first, second) = (try ledger.add(1), try ledger.add(2))
        func list(_ transaction: [UInt8]) -> [UInt8] {
            var writer = CBORWriter()
            writer.array(1)
            writer.byteString(transaction)
            return writer.bytes
        }
        // The message of the one with the list of the other.
        let swapped = ledger.batch([first]).dropLast(list(first).count) + list(second)
        let refused = try ledger.order(Array(swapped))
        guard case .skipped(_, .badSignature)? = refused.first else {
            Issue.record("another list was executed")
            return
        }
        #expect(try ledger.order(Array(swapped), isOwn: true).storedBlocks.map(\.header.height) == [1])
    }

    @Test func historyNamesEveryChangeAndTheOneBefore() throws {
        let ledger = try TestLedger()
        let first = try ledger.run([try ledger.add(1), try ledger.add(2)])
        let second = try ledger.run([try ledger.add(3)])
        let key = CounterContract.Counter.rowKey(MemberID("c")!)
        let entries = (first.history + second.history).filter { $0.key == key }
        #expect(
            entries.map(\.change) == [
                ChangeReference(height: 1, position: 1), ChangeReference(height: 1, position: 2),
                ChangeReference(height: 2, position: 1),
            ])
        #expect(entries.map(\.previous) == [nil, entries[0].change, entries[1].change])
    }

    @Test func indexesFollowTheirRecords() throws {
        let ledger = try TestLedger()
        try ledger.run([
            try ledger.add(1, to: "a"), try ledger.add(1, to: "b"), try ledger.add(1, to: "z", by: "beta"),
        ])
        func owned(_ member: String) throws -> [String] {
            let state = BlockState(base: ledger.rows, height: 99)
            return try state.records(
                CounterContract.Counter.self, where: "owner", equals: Array(member.utf8), limit: 10
            ).map(\.name.text)
        }
        #expect(try owned("alpha") == ["a", "b"])
        #expect(try owned("beta") == ["z"])
        try ledger.run([ledger.signed(try ledger.payload(.delete(.init(counter: "a", amount: 0))))])
        #expect(try owned("alpha") == ["b"])
        #expect(try ledger.counter("a") == nil)
    }

    @Test func stateRootIsThatOfARebuiltTree() throws {
        let ledger = try TestLedger()
        for step in 0..<20 { try ledger.run([try ledger.add(1, to: "c\(step % 7)")]) }
        let pairs = ledger.rows.rows.filter { !$0.key.isDerived }.map {
            (
                key: Executor.treeKey($0.key, hash: TestLedger.hash),
                value: Executor.treeValue($0.value, hash: TestLedger.hash)
            )
        }.sorted { $0.key < $1.key }
        let tree = StateTree(building: pairs, hash: TestLedger.hash)
        #expect(tree.root == ledger.replica.executor.head.stateRoot)
    }
}

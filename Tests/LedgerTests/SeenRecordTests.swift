import Codec
import Testing

@testable import Ledger

/// How used ids are remembered, proven and forgotten.
@Suite struct SeenRecordTests {
    private let ledger: TestLedger

    init() throws { ledger = try TestLedger() }

    private func signed(_ amount: Int64, expires: Timestamp) throws -> [UInt8] {
        ledger.signed(try ledger.payload(.add(.init(counter: "c", amount: amount)), expires: expires))
    }

    private func id(_ transaction: [UInt8]) throws -> TransactionID {
        try UnverifiedTransaction(decoding: transaction, hash: TestLedger.hash).id
    }

    /// The rows of a moment, by part.
    private func parts(of expires: Timestamp) throws -> [SeenRecord] {
        let prefix = SeenRecord.rowKey(.init(of: expires)).bytes.dropLast(8)
        return try ledger.rows.rows.filter { $0.key.bytes.starts(with: prefix) }
            .map { try StoredRow.record(SeenRecord.self, in: $0.value) }
            .sorted { $0.id.part < $1.id.part }
    }

    private func leaf(_ id: TransactionID) throws -> UInt64? {
        try LeafIndex.leaf(of: id, in: 0..<ledger.replica.executor.head.logSize, ledger.rows.value)
    }

    @Test func idsThatExpireTogetherShareARowUntilItIsFull() throws {
        let expires = ledger.clock + .minutes(10)
        let transactions = try (0..<150).map { try signed($0, expires: expires) }
        for start in stride(from: 0, to: 150, by: 50) {
            try ledger.run(Array(transactions[start..<(start + 50)]))
        }
        let parts = try parts(of: expires)
        #expect(parts.map(\.id.part) == [0, 1, 2])
        #expect(parts.map(\.count) == [150, nil, nil])
        #expect(parts.map(\.leaves.count) == [22, 64, 64])
        #expect((parts[1].leaves + parts[2].leaves + parts[0].leaves) == Array(0..<150))
        let ids = parts[1].ids.array + parts[2].ids.array + parts[0].ids.array
        #expect(ids == (try transactions.flatMap { try id($0).bytes }))
    }

    @Test func anIdOfAnEarlierPartIsNotUsedAgain() throws {
        let expires = ledger.clock + .minutes(10)
        let transactions = try (0..<100).map { try signed($0, expires: expires) }
        try ledger.run(transactions)
        let again = try ledger.run([transactions[0], transactions[99], try signed(100, expires: expires)])
        #expect(again.skipped.map(\.reason) == [.duplicate, .duplicate])
        #expect(again.included.count == 1)
        #expect(try parts(of: expires).first?.count == 101)
    }

    @Test func otherMomentsHaveRowsOfTheirOwn() throws {
        let early = ledger.clock + .minutes(2)
        let late = early + Span(nanoseconds: 1 << 24)
        try ledger.run([try signed(1, expires: late), try signed(2, expires: early)])
        #expect(try parts(of: early).map(\.leaves) == [[1]])
        #expect(try parts(of: late).map(\.leaves) == [[0]])
    }

    @Test func idsAreForgottenAfterRetentionAndTheirLeafStaysKnown() throws {
        let expires = ledger.clock + .minutes(10)
        let transactions = try (0..<70).map { try signed($0, expires: expires) }
        try ledger.run(transactions)
        ledger.clock = expires + SeenRecord.retention
        try ledger.run([])
        #expect(try parts(of: expires).count == 2, "still within retention")
        ledger.clock = ledger.clock + .seconds(1)
        let block = try ledger.run([])
        #expect(try parts(of: expires).isEmpty)
        #expect(block.changes.count { $0.value == nil } == 2)
        for (number, transaction) in transactions.enumerated() {
            #expect(try leaf(id(transaction)) == UInt64(number))
        }
        #expect(try ledger.run(transactions).skipped.allSatisfy { $0.reason == .expired })
    }

    /// A member may have given each of a day's transactions a moment of its own.
    @Test func rowsThatAreDueAtOnceAreForgottenInAsFewBlocksAsWroteThem() throws {
        let first = ledger.clock + .hours(1)
        let count = Executor.forgottenPerBlock + 24
        for start in stride(from: 0, to: count, by: count / 8) {
            try ledger.run(
                (start..<(start + count / 8)).map {
                    try signed(1, expires: first + Span(nanoseconds: Int64($0) << 24))
                })
        }
        let seen = RowKey(table: SeenRecord.table, key: []).bytes
        func rows() -> Int { ledger.rows.rows.keys.count { $0.bytes.starts(with: seen) } }
        #expect(rows() == count)
        ledger.clock = first + .hours(30)
        try ledger.run([])
        #expect(rows() == 24)
        try ledger.run([])
        #expect(rows() == 0)
    }

    @Test func aRecordsFieldsAreTheCodecsAndOthersAreRefused() throws {
        var seen = SeenRecord(.init(of: ledger.clock))
        seen.add(TestLedger.hash([1]), leaf: 7)
        seen.add(TestLedger.hash([2]), leaf: 65_536)
        #expect(seen.fieldBytes == (try CBOR.encode(seen)))
        #expect(try SeenRecord(decodingFields: seen.fieldBytes) == seen)
        var short = seen.fieldBytes
        let ids = try #require(short.firstIndex(of: 0x40 | 24))
        #expect(short[ids + 1] == 64)
        short[ids + 1] = 63
        short.remove(at: ids + 2)
        #expect(throws: CodecError.self) { try SeenRecord(decodingFields: short) }
    }
}

@Suite struct UsedIDsTests {
    private let start = Timestamp(nanoseconds: 1_000_000_000_000)

    private func id(_ number: UInt64) -> Digest { TestLedger.hash(bigEndianBytes(number)) }

    private func mayHold(_ used: UsedIDs, _ number: UInt64, at time: Timestamp) -> Bool {
        used.firstLeaf(thatMayHave: id(number), at: time) != nil
    }

    @Test func noUsedIDIsDeniedAndFewOthersAreNot() {
        var used = UsedIDs()
        for number in 0..<20_000 {
            used.note(id(UInt64(number)), expires: start + .hours(1), leaf: UInt64(number))
        }
        #expect((0..<20_000).allSatisfy { mayHold(used, $0, at: start) })
        let wrong = (20_000..<40_000).count { mayHold(used, $0, at: start) }
        #expect(wrong < 600)
    }

    /// At a steady rate, whatever is forgotten makes room: neither the filters nor what they hold grow.
    @Test func filtersDoNotGrowWhereAsManyIdsComeAsExpire() {
        var used = UsedIDs()
        for number in 0..<200_000 as Range<UInt64> {
            let time = start + .seconds(Int64(number))
            used.forget(at: time)
            used.note(id(number), expires: time + .seconds(10_000), leaf: number)
        }
        let end = start + .seconds(200_000)
        #expect((190_001..<200_000).allSatisfy { mayHold(used, $0, at: end) })
        let oldest = (190_001..<200_000).compactMap { used.firstLeaf(thatMayHave: id($0), at: end) }.min()
        #expect(oldest.map { $0 > 150_000 } == true)
    }

    /// Ids may be noted in any order.
    @Test func itIsToldFromWhichLeafOnAnIDMayHaveBeenUsed() {
        var used = UsedIDs()
        for number in 0..<4096 as Range<UInt64> {
            used.note(id(number), expires: start + .hours(1), leaf: 10_000 - number)
        }
        used.note(id(5000), expires: start + .hours(1), leaf: 20_000)
        #expect(used.firstLeaf(thatMayHave: id(0), at: start) == 10_000 - 4095)
        #expect(used.firstLeaf(thatMayHave: id(5000), at: start) == 20_000)
        used.note(id(0), expires: start + .hours(2), leaf: 30_000)
        #expect(used.firstLeaf(thatMayHave: id(0), at: start) == 10_000 - 4095, "in whichever of two it is")
        used.undo(from: start + .hours(1))
        #expect(used.firstLeaf(thatMayHave: id(5000), at: start) == 0, "it was not told of some")
    }

    @Test func idsOfBeforeMayBeUsedForADay() {
        let used = UsedIDs(since: start)
        #expect(mayHold(used, 1, at: start))
        #expect(mayHold(used, 1, at: start + .hours(24) + Span(nanoseconds: -1)))
        #expect(!mayHold(used, 1, at: start + .hours(24)))
    }

    @Test func whatAllHasExpiredIsLetGo() {
        var used = UsedIDs()
        used.note(id(1), expires: start + .hours(1), leaf: 0)
        used.note(id(2), expires: start + .hours(2), leaf: 1)
        used.forget(at: start + .hours(1))
        #expect(mayHold(used, 1, at: start + .hours(1)), "they are let go together")
        used.forget(at: start + .hours(2))
        #expect(!mayHold(used, 1, at: start + .hours(2)))
    }

    @Test func whatWasLetGoMayHaveBeenUsedWhereItsBlocksAreUndone() {
        var used = UsedIDs()
        used.note(id(1), expires: start + .hours(1), leaf: 0)
        used.forget(at: start + .hours(2))
        used.undo(from: start + .hours(2))
        used.undo(from: start)
        #expect(mayHold(used, 1, at: start))
        #expect(!mayHold(used, 1, at: start + .hours(2)))
    }
}

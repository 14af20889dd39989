import Codec
import Cryptography
import Testing

@testable import Ledger

@Suite struct BlockStateTests {
    private typealias Counter = CounterContract.Counter

    /// Rows below a block, with a count of how often each was read.
    private final class Below: StateReader {
        var rows: [RowKey: [UInt8]] = [:]
        var reads: [RowKey: Int] = [:]

        func value(for key: RowKey) throws -> [UInt8]? {
            reads[key, default: 0] += 1
            return rows[key]
        }

        func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
            Array(
                rows.keys.filter { $0.bytes.starts(with: prefix) && !($0 < RowKey(bytes: start)) }.sorted()
                    .prefix(limit))
        }
    }

    private static func counter(_ name: String, _ value: Int64) -> Counter {
        Counter(name: MemberID(unchecked: name), owner: MemberID(unchecked: "owner"), value: value)
    }

    private static func state(over counters: [Counter]) throws -> (BlockState, Below) {
        let below = Below()
        for counter in counters {
            let row = StoredRow(change: .init(height: 1, position: 1), record: try CBOR.encode(counter))
            below.rows[Counter.rowKey(counter.id)] = row.encoded
        }
        let state = BlockState(base: below, height: 2)
        state.change.position = 1
        return (state, below)
    }

    @Test func readsARowBelowOnlyOnce() throws {
        let (state, below) = try Self.state(over: [Self.counter("a", 1)])
        let key = Counter.rowKey(MemberID(unchecked: "a"))
        for _ in 0..<3 { #expect(try state.record(Counter.self, key)?.value == 1) }
        try state.put(Self.counter("a", 2))
        #expect(try state.record(Counter.self, key)?.value == 2)
        #expect(below.reads[key] == 1)
    }

    @Test func aRejectionBringsBackWhatWasReadBefore() throws {
        let (state, _) = try Self.state(over: [Self.counter("a", 1)])
        let (a, b) = (MemberID(unchecked: "a"), MemberID(unchecked: "b"))
        #expect(try state.record(Counter.self, Counter.rowKey(a))?.value == 1)
        try state.put(Self.counter("a", 2))
        try state.put(Self.counter("b", 3))
        try state.put(Self.counter("a", 4))
        state.undo()
        #expect(try state.record(Counter.self, Counter.rowKey(a))?.value == 1)
        #expect(try state.record(Counter.self, Counter.rowKey(b)) == nil)
        #expect(state.changes().isEmpty)
        try state.put(Self.counter("a", 5))
        state.keep()
        try state.put(Self.counter("a", 6))
        state.undo()
        #expect(try state.record(Counter.self, Counter.rowKey(a))?.value == 5)
        #expect(state.changes().map(\.key) == [Counter.rowKey(a)])
    }

    @Test func keysComeInOrderHoweverTheyWereWritten() {
        var keys = SortedKeys()
        var expected: Set<Int> = []
        var number = 1
        for step in 1...3000 {
            number = number * 48_271 % 2_147_483_647
            let key = number % 500
            let row = RowKey(bytes: [UInt8(key >> 8), UInt8(key & 255)])
            if expected.insert(key).inserted {
                keys.insert(row)
            } else {
                expected.remove(key)
                keys.remove(row)
            }
            if step % 97 == 0 {
                #expect(
                    keys.keys(withPrefix: [1]).map { Int($0.bytes[1]) + 256 }
                        == expected.filter { $0 >= 256 }.sorted())
            }
        }
        #expect(keys.all().map { Int($0.bytes[0]) << 8 | Int($0.bytes[1]) } == expected.sorted())
    }

    @Test(arguments: [0, 23, 24, 255, 65_536, UInt64(Int64.max)])
    func aSeenRecordsOwnEncodingIsTheCodecs(leaf: UInt64) throws {
        let seen = SeenRecord(
            id: SHA256.digest([1]), expires: Timestamp(nanoseconds: Int64(leaf)), leaf: leaf)
        #expect(seen.encoded == (try CBOR.encode(seen)))
    }
}

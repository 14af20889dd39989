import Codec
import Cryptography
import Foundation
import TestSupport
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

    /// Two deadlines of a block are one step, too: their rows have the same height and position.
    @Test func theHistoryHasARowOnceAStepHoweverOftenItChanges() throws {
        let (state, _) = try Self.state(over: [Self.counter("a", 1), Self.counter("b", 1)])
        let (a, b) = (Counter.rowKey(MemberID(unchecked: "a")), Counter.rowKey(MemberID(unchecked: "b")))
        let first = ChangeReference(height: 1, position: 1)
        func noted() -> [[RowKey: ChangeReference?]] { state.history.map { [$0.key: $0.previous] } }

        try state.put(Self.counter("b", 2))
        state.undo()
        try state.delete(Counter.self, a)
        try state.put(Self.counter("a", 2))
        state.keep()
        try state.delete(Counter.self, a)
        try state.put(Self.counter("c", 2))
        try state.delete(Counter.self, Counter.rowKey(MemberID(unchecked: "c")))
        try state.put(Self.counter("c", 3))
        state.keep()
        #expect(noted() == [[a: first], [Counter.rowKey(MemberID(unchecked: "c")): nil]])

        state.change.position = 2
        try state.put(Self.counter("a", 3))
        try state.put(Self.counter("b", 3))
        try state.put(Self.counter("b", 4))
        #expect(noted().dropFirst(2) == [[a: nil], [b: first]])
        state.undo()
        #expect(state.history.count == 2)
        try state.put(Self.counter("b", 5))
        #expect(noted().dropFirst(2) == [[b: first]])
    }

    /// Keys of one table begin alike, and one may be the beginning of another.
    @Test func keysAreSortedAsBytes() {
        var random = SeededGenerator(seed: 3)
        var keys: Set<RowKey> = [RowKey(bytes: [])]
        for _ in 0..<3000 {
            let table = ["seen", "~machine.state", "machine", "a", ""].randomElement(using: &random) ?? ""
            let zeros = [UInt8](repeating: 0, count: Int.random(in: 0..<20, using: &random))
            keys.insert(
                RowKey(table: table, key: zeros + random.bytes(Int.random(in: 0..<3, using: &random))))
        }
        let shuffled = keys.sorted().shuffled(using: &random)
        #expect(KeySorting.order(of: shuffled.map(\.bytes)).map { shuffled[$0] } == keys.sorted())
    }

    @Test func writtenRowsAreFoundByPrefixAndTakenBack() {
        var rows = WrittenRows()
        func key(_ text: String) -> RowKey { RowKey(bytes: Array(text.utf8)) }
        for (place, text) in ["b2", "a1", "b10", "b"].enumerated() { rows.append(place, key(text)) }
        rows.keep()
        rows.append(4, key("b0"))
        func sorted(_ prefix: String, from first: String = "", limit: Int = 9) -> [Int] {
            rows.sorted(withPrefix: Array(prefix.utf8), from: Array(first.utf8), limit: limit).places
        }
        #expect(sorted("b") == [3, 4, 2, 0])
        #expect(sorted("b", from: "b1") == [2, 0])
        #expect(sorted("b", limit: 2) == [3, 4])
        #expect(!rows.sorted(withPrefix: Array("b".utf8), from: [], limit: 3).isAll)
        #expect(rows.sorted(withPrefix: Array("b".utf8), from: [], limit: 4).isAll)
        rows.undo()
        #expect(sorted("b") == [3, 2, 0])
        #expect(rows.sorted() == [1, 3, 2, 0])
        #expect(sorted("machine.state").isEmpty)
    }

    /// However few are asked for, and whatever of them the block has removed, they are the first.
    @Test func aFewKeysAreTheFirstOfAll() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<60 {
            let names = (0..<400).map { String(format: "c%03d", $0) }
            let below = names.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
            let (state, _) = try Self.state(over: below.map { Self.counter($0, 1) })
            var there = Set(below)
            let removes = Int.random(in: 0..<3, using: &random) > 0
            for name in names.shuffled(using: &random) where Int.random(in: 0..<3, using: &random) == 0 {
                let isRemoved = removes && Int.random(in: 0..<4, using: &random) > 0
                state.write(isRemoved ? nil : [1], for: Counter.rowKey(MemberID(unchecked: name)))
                if isRemoved { there.remove(name) } else { there.insert(name) }
            }
            let prefix = RowKey(table: Counter.table, key: []).bytes
            let first = names[Int.random(in: 0..<400, using: &random)]
            let start = Counter.rowKey(MemberID(unchecked: first)).bytes
            let all = there.sorted().filter { $0 >= first }.map { Counter.rowKey(MemberID(unchecked: $0)) }
            for limit in [1, 2, 7, 40, 500, .max] {
                #expect(
                    try state.keys(withPrefix: prefix, from: start, limit: limit) == Array(all.prefix(limit)))
            }
        }
    }

    /// A row that was only written is looked up below once the write is taken back.
    @Test func aWriteThatIsTakenBackUncoversTheRowBelow() throws {
        let (state, _) = try Self.state(over: [Self.counter("a", 1)])
        let a = MemberID(unchecked: "a")
        state.write(nil, for: Counter.rowKey(a))
        #expect(try state.record(Counter.self, Counter.rowKey(a)) == nil)
        state.undo()
        #expect(try state.record(Counter.self, Counter.rowKey(a))?.value == 1)
    }
}

import Codec
import TestSupport
import Testing

@testable import Storage

@Suite struct RowOverlayTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func openState() throws -> CheckpointStore {
        try CheckpointStore(opening: folder.path + "/state", chain: chain)
    }

    /// What a reader must see: a plain dictionary, sorted when scanned.
    private func expected(
        _ model: [[UInt8]: [UInt8]], from: [UInt8]?, prefix: [UInt8], limit: Int
    ) -> [Row] {
        let rows = model.filter { key, _ in
            key.starts(with: prefix) && !(from.map { key.lexicographicallyPrecedes($0) } ?? false)
        }
        return rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }.prefix(limit)
            .map { Row(key: $0.key, value: $0.value) }
    }

    private func randomKey(_ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 1...4, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
    }

    @Test(arguments: [21, 22, 23, 24] as [UInt64])
    func agreesWithAPlainDictionary(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let state = try openState()
        let overlay = RowOverlay(base: try state.snapshot())
        var model: [[UInt8]: [UInt8]] = [:]
        var held: [(reader: LayeredReader, model: [[UInt8]: [UInt8]])] = []
        for height in 1...150 as ClosedRange<UInt64> {
            var changes: [(StoreTable, RowChange)] = []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let key = randomKey(&random)
                let value = Int.random(in: 0..<3, using: &random) == 0 ? nil : random.bytes(3)
                changes.append((.rows, RowChange(key: key, value: value)))
                model[key] = value
            }
            try overlay.apply(height: height, changes: changes, nodeCount: 0)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: overlay.freeze()
            case 1:
                if let layer = overlay.oldestFrozen {
                    try state.write(try #require(layer.checkpoint))
                    overlay.replaceOldestFrozen(by: try state.snapshot())
                }
            case 2: held.append((overlay.snapshot(), model))
            default: break
            }
            #expect(overlay.height == height)
            let key = randomKey(&random)
            #expect(try overlay.value(forKey: key) == model[key])
            let from = Bool.random(using: &random) ? randomKey(&random) : nil
            let prefix = Bool.random(using: &random) ? Array(randomKey(&random).prefix(2)) : []
            let limit = Int.random(in: 1...30, using: &random)
            let rows = expected(model, from: from, prefix: prefix, limit: limit)
            #expect(try overlay.entries(from: from, prefix: prefix, limit: limit) == rows)
            let keys = try overlay.snapshot().keys(from: from, prefix: prefix, limit: limit)
            #expect(keys == rows.map(\.key))
        }
        // Snapshots see what was there when they were taken.
        for (reader, model) in held {
            #expect(try reader.entries(limit: 1000) == expected(model, from: nil, prefix: [], limit: 1000))
            for key in model.keys { #expect(try reader.value(forKey: key) == model[key]) }
        }
    }

    @Test func passesOverManyDeletedRowsOfTheCheckpoint() throws {
        let state = try openState()
        let keys = (0..<1000).map { [UInt8($0 >> 8), UInt8($0 & 255)] }
        try state.write(Checkpoint(height: 1, rows: keys.map { RowChange(key: $0, value: [1]) }))
        let overlay = RowOverlay(base: try state.snapshot())
        let deletions = keys.dropLast(5).map { (StoreTable.rows, RowChange(key: $0, value: nil)) }
        try overlay.apply(height: 2, changes: deletions, nodeCount: 0)
        #expect(try overlay.entries(limit: 3).map(\.key) == Array(keys[995..<998]))
        #expect(try overlay.entries(limit: 30).map(\.key) == Array(keys[995...]))
    }

    /// However many rows there are on either side of the derived ones, in the checkpoint and above it.
    @Test(arguments: [(0, 3, 0), (4100, 4100, 5), (4096, 1, 4097), (5, 9000, 8192), (0, 0, 4096)])
    func goesThroughTheRowsThatTheStateRootCovers(below: Int, derived: Int, behind: Int) throws {
        let state = try openState()
        let overlay = RowOverlay(base: try state.snapshot())
        func keys(_ first: UInt8, _ count: Int) -> [[UInt8]] {
            (0..<count).map { [first, UInt8($0 >> 8), UInt8($0 & 255)] }
        }
        let (covered, others) = (keys(0x7d, below) + keys(0x7f, behind), keys(0x7e, derived))
        func write(_ height: UInt64, _ keys: some Sequence<[UInt8]>) throws {
            let changes = keys.map { (StoreTable.rows, RowChange(key: $0, value: [1])) }
            try overlay.apply(height: height, changes: changes, nodeCount: 0)
        }
        let all = covered + others
        try write(1, all.indices.filter { $0 % 3 != 0 }.map { all[$0] })
        overlay.freeze()
        try state.write(try #require(overlay.oldestFrozen?.checkpoint))
        overlay.replaceOldestFrozen(by: try state.snapshot())
        try write(2, all.indices.filter { $0 % 3 == 0 }.map { all[$0] })
        var found: [[UInt8]] = []
        try overlay.snapshot().forEachStateRow { key, value in
            #expect(value == [1])
            found.append(key.bytes)
        }
        #expect(found == covered)
    }

    @Test func tellsDeletedFromAbsentInALayer() {
        var layer = RowLayer()
        layer.set([1], to: nil)
        #expect(layer.value(forKey: [1]) == .some(nil))
        #expect(layer.value(forKey: [2]) == nil)
        #expect(layer.value(forKey: [1], in: .history) == nil)
    }

    @Test func aBlockThatIsNotFinalLiesOnTop() throws {
        let overlay = RowOverlay(base: try openState().snapshot())
        try overlay.apply(
            height: 1, changes: [(.rows, RowChange(key: [1], value: [1]))], nodeCount: 0)
        var pending = RowLayer()
        pending.set([1], to: nil)
        pending.set([2], to: [2])
        pending.finish(height: 2, nodeCount: 0)
        let reader = overlay.snapshot().adding(pending)
        #expect(reader.height == 2)
        #expect(try reader.entries(limit: 9) == [Row(key: [2], value: [2])])
        #expect(try overlay.entries(limit: 9) == [Row(key: [1], value: [1])])
    }

    @Test func refusesABlockThatIsNotAboveTheLast() throws {
        let overlay = RowOverlay(base: try openState().snapshot())
        try overlay.apply(height: 4, changes: [], nodeCount: 0)
        #expect(throws: StorageError.outOfOrder(height: 4, next: 5)) {
            try overlay.apply(height: 4, changes: [], nodeCount: 0)
        }
        #expect(throws: StorageError.keySize(count: 0, limit: 499)) {
            try overlay.apply(
                height: 5, changes: [(.rows, RowChange(key: [], value: nil))], nodeCount: 0)
        }
        #expect(overlay.height == 4)
    }

    @Test func keysAreSortedInAnyOrderOfInsertion() {
        var random = SeededGenerator(seed: 5)
        for keys in [Array(0..<6000), (0..<6000).reversed(), (0..<6000).shuffled(using: &random)] {
            var layer = RowLayer()
            for (height, key) in keys.enumerated() {
                layer.set([UInt8(key >> 8), UInt8(key & 255)], to: [])
                if Int.random(in: 0..<20, using: &random) == 0 {
                    layer.finish(height: UInt64(height), nodeCount: 0)
                }
            }
            func bytes(_ run: ArraySlice<UInt32>) -> [[UInt8]] {
                run.map { Array(layer.key($0, in: .rows)) }
            }
            let runs = layer.runs(of: .rows, from: []).map(bytes)
            let later = layer.runs(of: .rows, from: [3, 200, 0]).map(bytes)
            let all = runs.joined().map { Int($0[0]) << 8 | Int($0[1]) }
            #expect(all.sorted() == Array(0..<6000))
            for (run, later) in zip(runs, later) {
                #expect(run == run.sorted { KeyOrder.precedes($0, $1) })
                #expect(later == run.filter { !KeyOrder.precedes($0, [3, 200, 0]) })
            }
            #expect(runs.count < 20)
        }
    }

    @Test func aCopyOfALayerSeesWhatItSawWhileAnotherGrows() {
        var layer = RowLayer()
        var copies: [RowLayer] = []
        for value in 0..<200 as Range<UInt8> {
            copies.append(layer)
            layer.set([value % 5], to: value % 3 == 0 ? nil : [value])
            layer.set([9, value], to: [value], in: .history)
        }
        for (value, copy) in copies.enumerated() {
            for key in 0..<5 {
                let last = (0..<value).last { $0 % 5 == key }.map { $0 % 3 == 0 ? nil : [UInt8($0)] }
                #expect(copy.value(forKey: [UInt8(key)]) == last)
            }
            #expect(copy.value(forKey: [9, UInt8(value)], in: .history) == nil)
            for before in Set([0, value / 2, value - 1]) where before >= 0 && before < value {
                #expect(copy.value(forKey: [9, UInt8(before)], in: .history) == [UInt8(before)])
            }
            #expect(copy.count == min(5, value) + value)
        }
    }

    @Test func aCheckpointHasEachRowOnceInOrderAsItWasLast() throws {
        var random = SeededGenerator(seed: 6)
        var layer = RowLayer()
        var last: [UInt8: [UInt8]?] = [:]
        for height in 1...UInt64(40) {
            for _ in 0..<30 {
                let key = UInt8.random(in: 0..<200, using: &random)
                let value = Bool.random(using: &random) ? [key, UInt8(height)] : nil
                layer.set([key], to: value)
                last[key] = value
            }
            layer.finish(height: height, nodeCount: height)
        }
        let checkpoint = try #require(layer.checkpoint)
        #expect(checkpoint.height == 40 && checkpoint.nodeCount == 40)
        let expected = last.keys.sorted().map { RowChange(key: [$0], value: last[$0] ?? nil) }
        #expect(checkpoint[.rows] == expected)
        #expect(checkpoint[.history].isEmpty)
    }

    /// One thread applies blocks that keep the sum of all rows at zero, one checkpoints, two read: none
    /// sees half a block.
    @Test func readersSeeWholeBlocksWhileOthersWrite() async throws {
        let state = try openState()
        let overlay = RowOverlay(base: try state.snapshot())
        let last: UInt64 = 400
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for height in 1...last {
                    let amount = UInt8(height % 100)
                    let changes = [
                        (StoreTable.rows, RowChange(key: [UInt8(height % 7), 0], value: [amount])),
                        (StoreTable.rows, RowChange(key: [UInt8(height % 7), 1], value: [0 &- amount])),
                    ]
                    try overlay.apply(height: height, changes: changes, nodeCount: 0)
                    if height % 10 == 0 { overlay.freeze() }
                }
            }
            group.addTask {
                while overlay.height != last || overlay.frozenCount > 0 {
                    guard let checkpoint = overlay.oldestFrozen?.checkpoint else {
                        await Task.yield()
                        continue
                    }
                    try state.write(checkpoint)
                    overlay.replaceOldestFrozen(by: try state.snapshot())
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    while overlay.height != last {
                        let rows = try overlay.snapshot().entries(limit: 100)
                        #expect(rows.reduce(0 as UInt8) { $0 &+ $1.value[0] } == 0)
                        #expect(rows.count % 2 == 0)
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try state.snapshot().height == last)
    }
}

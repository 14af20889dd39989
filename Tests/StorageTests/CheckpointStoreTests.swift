import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct CheckpointStoreTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/state" }
    init() throws { folder = try TemporaryFolder() }

    private func open(extra: [String] = []) throws -> CheckpointStore {
        var options = CheckpointStore.Options()
        options.extraTables = extra
        return try CheckpointStore(opening: path, chain: chain, options: options)
    }

    private func change(_ key: String, _ value: String?) -> RowChange {
        RowChange(key: Array(key.utf8), value: value.map { Array($0.utf8) })
    }

    private func history(_ height: UInt64, _ position: UInt32, _ key: String, _ value: String) -> RowChange {
        RowChange(
            key: StoreTable.historyKey(height: height, position: position, row: Array(key.utf8)),
            value: Array(value.utf8))
    }

    @Test func readsACheckpointAfterReopening() throws {
        do {
            let store = try open(extra: ["transactions"])
            #expect(try store.snapshot().height == nil)
            var first = Checkpoint(
                height: 7, nodeCount: 13, rows: [change("a", "1"), change("b", "2"), change("c", "3")],
                history: [history(3, 0, "a", "none"), history(7, 1, "b", "none")])
            first[.meta] = [change("peaks", "xyz")]
            first[.extra(0)] = [change("id", "7/0")]
            try store.write(first)
            try store.write(
                Checkpoint(
                    height: 9, nodeCount: 17, rows: [change("b", nil), change("d", ""), change("z", nil)],
                    history: [history(8, 0, "b", "7/1")]))
        }
        let reader = try open(extra: ["transactions", "later"]).snapshot()
        #expect(reader.height == 9)
        #expect(try reader.nodeCount == 17)
        #expect(try reader.meta("peaks") == Array("xyz".utf8))
        #expect(
            try reader.entries(limit: 10).map { String(decoding: $0.key, as: UTF8.self) } == ["a", "c", "d"])
        #expect(try reader.value(forKey: [100]) == [])
        #expect(try reader.value(forKey: Array("b".utf8)) == nil)
        #expect(try reader.value(forKey: Array("id".utf8), in: .extra(0)) == Array("7/0".utf8))
        #expect(try reader.entries(limit: 10, in: .extra(1)).isEmpty)
        let key = StoreTable.historyKey(height: 7, position: 1, row: Array("b".utf8))
        #expect(try reader.value(forKey: key, in: .history) == Array("none".utf8))
        #expect(try reader.entries(limit: 10, in: .history).count == 3)
    }

    @Test func aReaderSeesItsOwnCheckpointOnly() throws {
        let store = try open()
        try store.write(Checkpoint(height: 1, rows: [change("a", "old")]))
        let before = try store.snapshot()
        try store.write(Checkpoint(height: 2, rows: [change("a", "new")]))
        #expect(try before.value(forKey: Array("a".utf8)) == Array("old".utf8))
        #expect(before.height == 1)
        #expect(try store.snapshot().value(forKey: Array("a".utf8)) == Array("new".utf8))
    }

    @Test func scansFromAKeyWithAPrefixUpToALimit() throws {
        let store = try open()
        let keys = ["a", "b", "ba", "bb", "bc", "c"]
        try store.write(Checkpoint(height: 1, rows: keys.map { change($0, $0) }))
        let reader = try store.snapshot()
        func scan(_ from: String?, _ prefix: String, _ limit: Int) throws -> [String] {
            try reader.entries(from: from.map { Array($0.utf8) }, prefix: Array(prefix.utf8), limit: limit)
                .map { String(decoding: $0.key, as: UTF8.self) }
        }
        #expect(try scan(nil, "", 10) == keys)
        #expect(try scan(nil, "b", 10) == ["b", "ba", "bb", "bc"])
        #expect(try scan("bab", "b", 10) == ["bb", "bc"])
        #expect(try scan("a", "b", 2) == ["b", "ba"])
        #expect(try scan("c", "b", 10) == [])
        #expect(try scan(nil, "d", 10) == [])
        #expect(try scan(nil, "", 0) == [])
    }

    @Test func refusesKeysThatLMDBCannotHold() throws {
        let store = try open()
        for count in [0, 500] {
            let rows = [RowChange(key: [UInt8](repeating: 1, count: count), value: [1])]
            #expect(throws: StorageError.keySize(count: count, limit: 499)) {
                try store.write(Checkpoint(height: 1, rows: rows))
            }
        }
        let longest = [UInt8](repeating: 1, count: 499)
        try store.write(
            Checkpoint(
                height: 1, rows: [RowChange(key: longest, value: [1])],
                history: [
                    RowChange(key: StoreTable.historyKey(height: 1, position: 0, row: longest), value: [1])
                ]))
        #expect(try store.snapshot().value(forKey: longest) == [1])
    }

    @Test func refusesAnOlderCheckpointAndHistoryOutOfOrder() throws {
        let store = try open()
        try store.write(Checkpoint(height: 5, rows: [change("a", "5")], history: [history(5, 0, "a", "x")]))
        #expect(throws: StorageError.outOfOrder(height: 5, next: 6)) {
            try store.write(Checkpoint(height: 5))
        }
        #expect {
            try store.write(
                Checkpoint(height: 6, rows: [change("a", "6")], history: [history(4, 0, "a", "x")]))
        } throws: { ($0 as? StorageError)?.code == "storage.lmdb" }
        #expect(try store.snapshot().value(forKey: Array("a".utf8)) == Array("5".utf8))
    }

    @Test func refusesAnotherLedgersState() throws {
        _ = try open()
        #expect(throws: StorageError.wrongChain(path: path)) {
            try CheckpointStore(opening: path, chain: otherChain)
        }
    }

    @Test func aFullMapChangesNothingAndLeavesTheStoreUsable() throws {
        var options = CheckpointStore.Options()
        options.mapBytes = 1 << 20
        let store = try CheckpointStore(opening: path, chain: chain, options: options)
        try store.write(Checkpoint(height: 1, rows: [change("a", "1")]))
        let large = (0..<3000).map {
            RowChange(key: Array("k\($0 + 10000)".utf8), value: [UInt8](repeating: 1, count: 999))
        }
        #expect { try store.write(Checkpoint(height: 2, rows: large)) } throws: {
            ($0 as? StorageError)?.code == "storage.disk_full"
        }
        #expect(try store.snapshot().height == 1)
        try store.write(Checkpoint(height: 2, rows: [change("b", "2")]))
        #expect(try store.snapshot().entries(limit: 5).count == 2)
    }

    @Test func givesLMDBsOwnMessage() throws {
        let file = folder.path + "/file"
        try Disk.write([], to: file)
        #expect { try LMDBEnvironment(path: file, tables: 1, mapBytes: 1 << 20) } throws: {
            "\($0)".contains("mdb_env_open: Not a directory")
        }
    }
}

import Codec
import Foundation
import Ledger
import Merkle
import TestSupport
import Testing

@testable import Storage

/// Blocks below a log's first one that were fetched later.
@Suite struct HistoryTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/log" }
    var store: String { folder.path + "/fetched" }
    init() throws { folder = try TemporaryFolder() }

    private static func payload(_ height: UInt64) -> [UInt8] { [UInt8](repeating: UInt8(height), count: 100) }

    /// A log that begins with block 20, of which it has less than the blocks give, and one from genesis to
    /// there.
    private static func write(_ path: String, _ store: String, through last: UInt64 = 20) throws {
        let log = try openLog(path, segmentBytes: 600)
        try log.beginAgain(at: 20)
        try log.append([block(20, "less"), vote(20, "promise")])
        for height in 21...40 as ClosedRange<UInt64> {
            try log.append([block(height, payload(height)), certificate(height, "over \(height)")])
        }
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        let older = try openLog(store + "/log", segmentBytes: 600)
        for height in 0...last { try older.append([block(height, payload(height))]) }
    }

    private func open(files: any FileSystem = POSIXFileSystem()) throws -> BlockLog {
        try openLog(path, segmentBytes: 600, files: files)
    }

    private func expectWhole(_ log: BlockLog) throws {
        #expect(log.firstHeight == 0 && log.ownFirstHeight == 20 && log.lastHeight == 40)
        #expect(try log.blocks() == (0...40).map { block($0, HistoryTests.payload($0)) })
        #expect(try log.certificate(at: 30) == Array("over 30".utf8))
        #expect(try log.latest(.vote) == vote(20, "promise"))
        #expect(try log.verifyAll().isEmpty)
    }

    @Test func isFoundAndStaysThroughARestartAndInACopy() throws {
        try HistoryTests.write(path, store)
        do {
            let log = try open()
            #expect(try log.read(20) == Array("less".utf8) && log.firstHeight == 20)
            try log.takeHistory(from: store)
            try expectWhole(log)
            var last = (0, 0)
            _ = try log.verifyAll { last = ($0, $1) }
            #expect(last.0 == last.1 && last.1 > 41 * 100)
            try log.copy(to: folder.path + "/copy")
            try log.append([block(41, "next")])
            #expect(try log.read(41) == Array("next".utf8))
        }
        #expect(try open().firstHeight == 0)
        try expectWhole(try openLog(folder.path + "/copy", segmentBytes: 600))
    }

    @Test func isNotTakenWhereItLeavesAGap() throws {
        try HistoryTests.write(path, store, through: 18)
        let log = try open()
        #expect(throws: StorageError.outOfOrder(height: 20, next: 19)) { try log.takeHistory(from: store) }
        #expect(log.firstHeight == 20)
        #expect(try log.read(18) == nil)
        try openLog(store + "/log", segmentBytes: 600).append([block(19, HistoryTests.payload(19))])
        try log.takeHistory(from: store)
        #expect(log.firstHeight == 0)
        // Where it only reaches up to the log, the log's own first block counts.
        #expect(try log.read(20) == Array("less".utf8))
    }

    @Test func isPrunedFirst() throws {
        try HistoryTests.write(path, store)
        do {
            let log = try open()
            try log.takeHistory(from: store)
            #expect(try log.prune(below: 8) > 0)
            let first = try #require(log.firstHeight)
            #expect((5...8).contains(first) && log.ownFirstHeight == 20)
            #expect(try log.read(first - 1) == nil)
            #expect(try log.blocks().count == Int(41 - first))
        }
        do {
            let log = try open()
            #expect(try log.prune(below: 30) > 4)
            let first = try #require(log.firstHeight)
            #expect((27...30).contains(first) && log.ownFirstHeight == first)
            #expect(!FileManager.default.fileExists(atPath: path + "/history"))
            #expect(try log.latest(.vote) == vote(20, "promise"))
        }
        #expect(try open().read(26) == nil)
    }

    @Test func damageInItIsNamedAndRepaired() throws {
        try HistoryTests.write(path, store)
        let log = try open()
        try log.takeHistory(from: store)
        var bytes = try Disk.bytes(segment(2, in: path + "/history"))
        bytes[200] ^= 1
        try Disk.write(bytes, to: segment(2, in: path + "/history"))
        let damages = try log.verifyAll()
        let damage = try #require(damages.first)
        #expect(damages.count == 1 && damage.isFetched && damage.segment == 2)
        #expect(throws: StorageError.self) { try log.read(damage.height) }
        try log.repair(height: damage.height, payload: HistoryTests.payload(damage.height))
        try expectWhole(log)
    }

    /// A damaged last segment keeps a log from being opened: it is mended while nobody has it open.
    @Test func damageInItIsMendedWhileTheLogIsClosed() throws {
        let store = folder.path + "/store"
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        // Several blocks lie in the last segment.
        try HistoryTests.write(store + "/log", self.store, through: 19)
        try openLog(store + "/log", segmentBytes: 600).takeHistory(from: self.store)
        let last = try LogFolder.segments(in: store + "/log/history", POSIXFileSystem()).last
        let name = segment(Int(try #require(last)), in: store + "/log/history")
        var bytes = try Disk.bytes(name)
        bytes[SegmentHeader.count + 40] ^= 1
        try Disk.write(bytes, to: name)
        #expect(throws: StorageError.self) { try openLog(store + "/log", segmentBytes: 600) }
        do {
            let repair = try LogRepair(of: store, chain: chain)
            let damages = try repair.damages()
            #expect(damages.count == 1 && damages.allSatisfy(\.isFetched))
            let outcome = try repair.repair { HistoryTests.payload($0) }
            #expect(outcome.remaining.isEmpty && outcome.blocks == damages.map(\.height))
            #expect(!outcome.mayHaveForgotten)
        }
        let log = try openLog(store + "/log", segmentBytes: 600)
        #expect(try log.firstHeight == 0 && log.verifyAll().isEmpty)
        for height in 0...19 as ClosedRange<UInt64> {
            #expect(try log.read(height) == HistoryTests.payload(height))
        }
    }

    /// Whichever call fails, the log that is opened then has its old beginning or the new one, and nothing
    /// is lost.
    @Test(arguments: FaultyFileSystem.Fault.allCases)
    func hasOneBeginningOrTheOtherWhicheverCallFails(fault: FaultyFileSystem.Fault) throws {
        let written = folder.path + "/written"
        try FileManager.default.createDirectory(atPath: written, withIntermediateDirectories: true)
        try HistoryTests.write(written + "/log", written + "/fetched")
        var call = 0
        while true {
            let run = folder.path + "/run \(call)"
            try FileManager.default.copyItem(atPath: written, toPath: run)
            let (path, store) = (run + "/log", run + "/fetched")
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            do {
                let log = try openLog(path, segmentBytes: 600, files: files)
                try log.takeHistory(from: store)
                #expect(log.firstHeight == 0)
                #expect(try log.prune(below: 30) > 4)
            } catch { #expect(files.hasFailed, "\(error)") }
            let log = try openLog(path, segmentBytes: 600)
            let first = try #require(log.firstHeight)
            #expect([0, 20].contains(first) || first >= 27)
            #expect(try log.latest(.vote) == vote(20, "promise"))
            #expect(try log.verifyAll().isEmpty)
            if first == 20, FileManager.default.fileExists(atPath: store + "/log") {
                try log.takeHistory(from: store)
                #expect(log.firstHeight == 0)
            }
            #expect(try log.blocks().count == Int(41 - (log.firstHeight ?? 0)))
            guard files.hasFailed else { break }
            call += 1
        }
        #expect(call > 40)
    }

    /// What only older blocks give is seen at once, by readers too that go on over a checkpoint under way.
    @Test func rowsAndDigestsBelowAreFilled() throws {
        let archived = Ledger.RowKey(table: LeafIndex.table, key: [9]).bytes
        let later = Ledger.RowKey(table: LeafIndex.table, key: [10]).bytes
        func history(_ height: UInt64) -> [UInt8] {
            StoreTable.historyKey(height: height, position: 1, row: [1])
        }
        func fill(_ path: String, from first: UInt64) throws -> LedgerStore {
            let store = try LedgerStore(opening: path, chain: chain)
            for height in first...6 {
                try store.log.append([block(height, HistoryTests.payload(height))])
                var changes: [(table: StoreTable, change: Storage.RowChange)] = [
                    (.rows, .init(key: [1], value: [UInt8(height)])),
                    (.history, .init(key: history(height), value: [])),
                ]
                if height == 1 { changes.append((.rows, .init(key: archived, value: [1]))) }
                if height == 2 { changes.append((.rows, .init(key: later, value: [2]))) }
                try store.overlay.apply(height: height, changes: changes, nodeCount: 0)
            }
            return store
        }
        let source = try fill(folder.path + "/source", from: 0)
        let target = try fill(folder.path + "/target", from: 4)
        target.overlay.freeze()
        #expect(try target.checkpoint())
        let digest = Digest([UInt8](repeating: 1, count: 32))!
        for store in [source, target] { try store.nodes.append([digest, digest, digest]) }
        try target.nodes.begin(at: try #require(LogFrontier(size: 2, peaks: [digest])))
        #expect(try target.nodes.digest(at: 0) == nil)

        var pauses = 0
        try target.fill(from: source, size: 2) { pauses += 1 }
        #expect(pauses == 3)
        let reader = target.overlay.snapshot()
        #expect(try reader.value(forKey: archived) == [1])
        #expect(try reader.value(forKey: later) == nil, "a leaf that lies above")
        #expect(try reader.entries(limit: 100, in: .history).map(\.key) == (0...6).map { history($0) })
        #expect(try reader.value(forKey: [1]) == [6])
        #expect(try target.nodes.digest(at: 0) == digest)
        #expect(try target.state.snapshot().historyStart == 0)
        #expect(try target.state.snapshot().snapshotFrontier == nil)
    }
}

import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct PruneTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/log" }
    init() throws { folder = try TemporaryFolder() }

    private func segments() throws -> [String] {
        try POSIXFileSystem().names(in: path).filter { $0.hasSuffix(".seg") }
    }

    @Test func givesBackWholeSegmentsBelowAHeight() throws {
        let written = (1...40).map { block(UInt64($0), [UInt8](repeating: UInt8($0), count: 100)) }
        do {
            let log = try openLog(path, segmentBytes: 600)
            for record in written {
                try log.append([record, certificate(record.height, "over \(record.height)")])
            }
            let before = try segments().count
            #expect(try log.prune(below: 1) == 0)
            let removed = try log.prune(below: 20)
            #expect(removed > 3)
            #expect(try segments().count == before - removed)
            #expect(!FileManager.default.fileExists(atPath: segment(1, in: path)))
            #expect(try log.prune(below: 20) == 0)
        }
        let log = try openLog(path, segmentBytes: 600)
        let first = try #require(log.firstHeight)
        // Segments hold three blocks or four.
        #expect((17...20).contains(first))
        #expect(try log.blocks() == Array(written[(Int(first) - 1)...]))
        #expect(try log.read(first - 1) == nil)
        #expect(try log.certificate(at: first - 1) == nil)
        #expect(try log.certificate(at: first) == Array("over \(first)".utf8))
        #expect(try log.allRecords(fromHeight: 1).first == written[Int(first) - 1])
        #expect(try log.verifyAll().isEmpty)
        try log.append([block(41, "next")])
        #expect(log.lastHeight == 41)
    }

    @Test func neverRemovesTheSegmentOfTheLastBlock() throws {
        do {
            let log = try openLog(path, segmentBytes: 200)
            for height in 1...9 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
            for _ in 0..<20 { try log.append([vote(9, "\(9)")]) }
            _ = try log.prune(below: 100)
            #expect(log.lastHeight == 9)
            #expect(try log.read(9) == Array("9".utf8))
        }
        let log = try openLog(path, segmentBytes: 200)
        #expect(try log.blocks().last == block(9, "9"))
    }

    @Test func keepsTheLatestVoteWhereverItLies() throws {
        do {
            let log = try openLog(path, segmentBytes: 200)
            try log.append([vote(1, "an old promise"), block(1, "one")])
            for height in 2...30 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
            #expect(try log.prune(below: 25) > 0)
            #expect(try log.latest(.vote) == vote(1, "an old promise"))
        }
        #expect(try openLog(path, segmentBytes: 200).latest(.vote) == vote(1, "an old promise"))
    }

    @Test func opensWhereAnUndoneBlockIsTheFirstThatIsLeft() throws {
        do {
            let log = try openLog(path, segmentBytes: 120)
            for height in 1...9 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
            for height in 4...14 as ClosedRange<UInt64> { try log.append([block(height, "other \(height)")]) }
            // Of what was undone, the segments from block 7 on stay: blocks 4 to 6 are found behind them.
            #expect(try log.prune(below: 7) == 3)
            #expect(log.firstHeight == 4)
        }
        let log = try openLog(path, segmentBytes: 120)
        #expect(log.firstHeight == 4)
        #expect(try log.blocks() == (4...14).map { block($0, "other \($0)") })
    }

    @Test func aMissingSegmentIsDamageBeforeAndBehindTheFirst() throws {
        do {
            let log = try openLog(path, segmentBytes: 100)
            for height in 1...9 { try log.append([block(UInt64(height), [UInt8](repeating: 1, count: 60))]) }
            #expect(try log.prune(below: 3) == 2)
        }
        for number in [3, 5] {
            let kept = try Disk.bytes(segment(number, in: path))
            try FileManager.default.removeItem(atPath: segment(number, in: path))
            #expect(throws: StorageError.missingSegment(UInt64(number))) {
                try openLog(path, segmentBytes: 100)
            }
            try Disk.write(kept, to: segment(number, in: path))
        }
        // What a crash left of the removal goes when the log is opened.
        try Disk.write([1], to: segment(2, in: path))
        #expect(try openLog(path, segmentBytes: 100).firstHeight == 3)
        #expect(try segments().count == 7)
        try Disk.write([1], to: path + "/first")
        #expect(throws: StorageError.unsupportedFormat(path: path + "/first")) { try openLog(path) }
    }

    @Test(arguments: FaultyFileSystem.Fault.allCases)
    func keepsEveryBlockFromTheHeightOnWhicheverCallFails(fault: FaultyFileSystem.Fault) throws {
        var call = 0
        while true {
            let folder = try TemporaryFolder()
            let path = folder.path + "/log"
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            var (told, pruned) = (0 as UInt64, 0 as UInt64)
            do {
                let log = try openLog(path, segmentBytes: 150, files: files)
                for height in 1...14 as ClosedRange<UInt64> {
                    var group = [block(height, "\(height)")]
                    if height == 1 { group.append(vote(1, "promise")) }
                    try log.append(group)
                    told = height
                    guard height % 6 == 0 else { continue }
                    pruned = height - 1
                    #expect(try log.prune(below: pruned) > 0)
                }
            } catch { #expect(files.hasFailed, "\(error)") }
            let log = try openLog(path, segmentBytes: 150)
            let found = try log.blocks()
            let heights = (log.firstHeight ?? 1)..<(log.lastHeight ?? 0) + 1
            #expect(found == heights.map { block($0, "\($0)") })
            #expect((told...told + 1).contains(log.lastHeight ?? 0))
            #expect(pruned == 0 || (log.firstHeight ?? 0) <= pruned)
            if told > 0 { #expect(try log.latest(.vote) == vote(1, "promise")) }
            #expect(try log.verifyAll().isEmpty)
            try log.append([block((log.lastHeight ?? 0) + 1, "next")])
            guard files.hasFailed else { break }
            call += 1
        }
        #expect(call > 80)
    }
}

@Suite struct StorePruneTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/store" }
    init() throws { folder = try TemporaryFolder() }

    private func open() throws -> LedgerStore {
        var options = LedgerStore.Options()
        options.log.segmentBytes = 300
        return try LedgerStore(opening: path, chain: chain, options: options)
    }

    private func fill(_ store: LedgerStore) throws {
        for height in 1...20 as ClosedRange<UInt64> {
            try store.log.append([block(height, [UInt8](repeating: 1, count: 90))])
            let history = StoreTable.historyKey(height: height, position: 0, row: [1])
            try store.overlay.apply(
                height: height,
                changes: [
                    (.rows, RowChange(key: [1], value: [UInt8(height)])),
                    (.history, RowChange(key: history, value: [])),
                ], nodeCount: 0)
            if height == 15 { store.overlay.freeze() }
        }
        #expect(try store.checkpoint())
    }

    @Test func opensAtTheCheckpointOverAPrunedLog() throws {
        do {
            let store = try open()
            #expect(throws: StorageError.pruneTooHigh(height: 1, stateHeight: nil)) {
                try store.prune(below: 1)
            }
            try fill(store)
            #expect(throws: StorageError.pruneTooHigh(height: 16, stateHeight: 15)) {
                try store.prune(below: 16)
            }
            #expect(try store.prune(below: 15) == 7)
        }
        let store = try open()
        #expect(store.overlay.height == 15)
        #expect(store.log.firstHeight == 15)
        #expect(store.log.lastHeight == 20)
    }

    @Test func refusesALogThatBeginsAboveTheState() throws {
        do { try fill(try open()) }
        do { _ = try openLog(path + "/log", segmentBytes: 300).prune(below: 19) }
        #expect(throws: StorageError.logAboveState(firstHeight: 19, stateHeight: 15)) { try open() }
        try FileManager.default.removeItem(atPath: path + "/state")
        #expect(throws: StorageError.logAboveState(firstHeight: 19, stateHeight: nil)) { try open() }
    }

    @Test func prunesTheHistoryInBoundedSteps() throws {
        let store = try open()
        try fill(store)
        #expect(try store.state.snapshot().historyStart == 0)
        #expect(throws: StorageError.pruneTooHigh(height: 16, stateHeight: 15)) {
            try store.state.pruneHistory(below: 16, limit: 4)
        }
        var steps = 1
        while try !store.state.pruneHistory(below: 11, limit: 4) { steps += 1 }
        #expect(steps == 3)
        #expect(try store.state.pruneHistory(below: 11, limit: 4))
        #expect(try store.state.pruneHistory(below: 5, limit: 4))
        let reader = try store.state.snapshot()
        #expect(try reader.historyStart == 11)
        let heights = try reader.entries(limit: 20, in: .history).map {
            $0.key.bigEndian(at: 0, as: UInt64.self)
        }
        #expect(heights == Array(11...15))
        #expect(try reader.value(forKey: [1]) == [15])
        // The history goes on behind it.
        store.overlay.freeze()
        #expect(try store.checkpoint())
        #expect(try store.state.snapshot().entries(limit: 20, in: .history).count == 10)
    }
}

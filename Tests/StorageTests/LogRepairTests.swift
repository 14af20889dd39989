import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct LogRepairTests {
    let folder: TemporaryFolder
    var store: String { folder.path + "/store" }
    var log: String { store + "/log" }
    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: false)
    }

    private func payload(_ height: UInt64) -> [UInt8] { [UInt8](repeating: UInt8(height), count: 80) }

    /// Twelve blocks, each in a group with a vote, in segments of four, and where each group begins.
    private func write() throws -> [(segment: Int, offset: Int)] {
        let log = try openLog(log, segmentBytes: 600)
        var places: [(Int, Int)] = []
        for height in 1...12 as ClosedRange<UInt64> {
            try log.append([block(height, payload(height)), vote(height, "v")])
            let end = try #require(log.acknowledgedEnd)
            places.append((Int(end.number), end.offset - 2 * RecordFrame.count - 81))
        }
        return places
    }

    private func damage(_ segment: Int, _ offsets: Range<Int>) throws {
        let path = StorageTests.segment(segment, in: log)
        var bytes = try Disk.bytes(path)
        for offset in offsets { bytes[offset] ^= 0x5a }
        try Disk.write(bytes, to: path)
    }

    private func check(_ payload: (UInt64) -> [UInt8]) throws {
        let log = try openLog(log, segmentBytes: 600)
        #expect(try log.blocks() == (1...12).map { block($0, payload($0)) })
        #expect(try log.latest(.vote) == vote(12, "v"))
        #expect(try log.verifyAll().isEmpty)
        try log.append([block(13, "next")])
    }

    /// A payload, and a frame, of each block but the last, which would be a torn tail.
    @Test(arguments: 1...11 as ClosedRange<UInt64>, [0, RecordFrame.count])
    func putsAFetchedBlockInAnyPlace(height: UInt64, part: Int) throws {
        let place = try write()[Int(height) - 1]
        try damage(place.segment, place.offset + part..<place.offset + part + 10)
        do {
            let repair = try LogRepair(of: store, chain: chain)
            let named = LogDamage(segment: UInt64(place.segment), offset: place.offset, height: height)
            #expect(try repair.damages() == [named])
            #expect(try repair.repair { _ in nil } == .init(remaining: [named]))
            // Another validator's record of the block is longer: it holds other votes.
            let outcome = try repair.repair { payload($0) + [1, 2, 3] }
            #expect(outcome == .init(blocks: [height]))
            #expect(try repair.damages().isEmpty)
            let kept = StorageTests.segment(place.segment, in: log) + ".damaged"
            #expect(FileManager.default.fileExists(atPath: kept))
        }
        try check { $0 == height ? payload($0) + [1, 2, 3] : payload($0) }
    }

    @Test func putsInAllBlocksOfADamagedStretch() throws {
        let places = try write()
        // From the middle of block 9 into the vote of block 11.
        let end = places[11].offset - 10
        try damage(places[8].segment, places[8].offset + 3..<end)
        try damage(places[1].segment, places[1].offset..<places[1].offset + 3)
        #expect(throws: StorageError.self) { try openLog(log, segmentBytes: 600) }
        let outcome = try LogRepair(of: store, chain: chain).repair { payload($0) }
        #expect(outcome == .init(blocks: [2, 9, 10, 11]))
        try check(payload)
    }

    @Test func saysWhereTheLatestVoteMayBeGone() throws {
        do {
            let log = try openLog(log)
            try log.append([block(1, "one"), vote(1, "promise")])
            try log.append([block(2, "two")])
            try log.append([block(3, "three")])
        }
        let start = SegmentHeader.count
        try damage(1, start..<start + 60)
        let outcome = try LogRepair(of: store, chain: chain).repair { payload($0) }
        #expect(outcome.blocks == [1])
        #expect(outcome.mayHaveForgotten)
        #expect(try openLog(log).lastHeight == 3)
    }

    @Test func leavesWhatNobodyElseHas() throws {
        do {
            let log = try openLog(log)
            try log.append([block(1, "one")])
            try log.append([vote(1, "promise")])
            try log.append([block(2, "two")])
        }
        let before = try Disk.bytes(StorageTests.segment(1, in: log))
        let vote = SegmentHeader.count + RecordFrame.count + 3
        for offset in [vote, vote + RecordFrame.count] {
            try damage(1, offset..<offset + 1)
            let outcome = try LogRepair(of: store, chain: chain).repair { payload($0) }
            #expect(outcome.remaining.map(\.offset) == [vote])
            try damage(1, offset..<offset + 1)
            #expect(try Disk.bytes(StorageTests.segment(1, in: log)) == before)
        }
    }

    @Test(arguments: FaultyFileSystem.Fault.allCases)
    func aRepairThatDidNotEndIsMadeAgain(fault: FaultyFileSystem.Fault) throws {
        let place = try write()[9]
        try damage(place.segment, place.offset..<place.offset + 30)
        let damaged = try Disk.bytes(StorageTests.segment(place.segment, in: log))
        var call = 0
        while true {
            try Disk.write(damaged, to: StorageTests.segment(place.segment, in: log))
            let files = FaultyFileSystem(failingCall: call, fault: fault)
            do {
                _ = try LogRepair(of: store, chain: chain, files: files).repair { payload($0) }
                guard files.hasFailed else { break }
            } catch { #expect(files.hasFailed, "\(error)") }
            _ = try LogRepair(of: store, chain: chain).repair { payload($0) }
            let log = try openLog(log, segmentBytes: 600)
            #expect(try log.blocks() == (1...12).map { block($0, payload($0)) })
            call += 1
        }
        #expect(call > 20)
    }
}

import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct BlockLogTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/log" }
    init() throws { folder = try TemporaryFolder() }

    @Test func checksumIsCastagnolis() {
        // RFC 3720 appendix B.4, and the check value of the CRC catalogue.
        #expect(CRC32C.extend(0, with: [UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.extend(0, with: [UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.extend(0, with: Array("123456789".utf8)) == 0xe306_9283)
        #expect(
            CRC32C.extend(CRC32C.extend(0, with: Array("1234".utf8)), with: Array("56789".utf8))
                == 0xe306_9283)
    }

    @Test func readsBackWhatWasAppendedAfterReopening() throws {
        let written = (1...20).map { block(UInt64($0), "block \($0)") }
        do {
            let log = try openLog(path)
            #expect(log.lastHeight == nil)
            for record in written { try log.append([record]) }
            #expect(try log.blocks() == written)
        }
        let log = try openLog(path)
        #expect(log.firstHeight == 1)
        #expect(log.lastHeight == 20)
        #expect(try log.blocks() == written)
        #expect(try log.read(0) == nil)
        #expect(try log.read(21) == nil)
        #expect(try log.verifyAll().isEmpty)
    }

    @Test func writesAGroupWithOneSynchronisation() throws {
        let files = FaultyFileSystem()
        let log = try openLog(path, files: files)
        try log.append([block(0, "genesis")])
        let before = files.syncCount
        try log.append([block(1, "one"), vote(1, "voted"), block(2, "two"), vote(2, "again")])
        #expect(files.syncCount == before + 1)
        #expect(try log.read(1) == Array("one".utf8))
        #expect(try log.latest(.vote) == vote(2, "again"))
        #expect(try log.latest(.block) == block(2, "two"))
    }

    @Test func aVoteMayComeBeforeTheFirstBlock() throws {
        do {
            let log = try openLog(path)
            try log.append([vote(9, "promised")])
            #expect(log.lastHeight == nil)
        }
        do {
            let log = try openLog(path)
            #expect(log.lastHeight == nil)
            try log.append([vote(9, "promised"), block(1, "one")])
        }
        let log = try openLog(path)
        #expect(try log.blocks() == [block(1, "one")])
        #expect(try log.latest(.vote) == vote(9, "promised"))
    }

    @Test func goesOnInTheNextSegmentWhenOneIsFull() throws {
        var random = SeededGenerator(seed: 1)
        let written = (1...50).map { block(UInt64($0), random.bytes(100)) }
        do {
            let log = try openLog(path, segmentBytes: 1000)
            for record in written { try log.append([record, vote(record.height, "\(record.height)")]) }
        }
        #expect(FileManager.default.fileExists(atPath: segment(5, in: path)))
        do {
            let log = try openLog(path, segmentBytes: 1000)
            #expect(try log.blocks() == written)
            #expect(try log.latest(.vote) == vote(50, "50"))
        }
        // The index files are derived: lost or spoilt, they are made again.
        try FileManager.default.removeItem(atPath: segment(2, in: path).replacing(".seg", with: ".idx"))
        try Disk.write([1, 2, 3], to: segment(3, in: path).replacing(".seg", with: ".idx"))
        let spoilt = try Disk.bytes(segment(4, in: path).replacing(".seg", with: ".idx"))
        try Disk.write(Array(spoilt.dropLast(25)), to: segment(4, in: path).replacing(".seg", with: ".idx"))
        let log = try openLog(path, segmentBytes: 1000)
        #expect(try log.blocks() == written)
        #expect(try Disk.bytes(segment(4, in: path).replacing(".seg", with: ".idx")) == spoilt)
    }

    @Test func keepsAGroupThatIsLargerThanASegment() throws {
        do {
            let log = try openLog(path, segmentBytes: 200)
            try log.append([
                block(1, [UInt8](repeating: 1, count: 300)), block(2, [UInt8](repeating: 2, count: 300)),
            ])
            try log.append([block(3, "after")])
        }
        #expect(try openLog(path, segmentBytes: 200).lastHeight == 3)
    }

    @Test func aBlockAtAHeldHeightUndoesThoseAbove() throws {
        do {
            let log = try openLog(path, segmentBytes: 150)
            for height in 1...6 { try log.append([block(UInt64(height), "first \(height)")]) }
            try log.append([block(3, "second 3"), block(4, "second 4")])
            #expect(log.lastHeight == 4)
        }
        let log = try openLog(path, segmentBytes: 150)
        #expect(
            try log.blocks() == [
                block(1, "first 1"), block(2, "first 2"), block(3, "second 3"), block(4, "second 4"),
            ])
    }

    @Test func refusesABlockThatDoesNotFollowAndStaysUsable() throws {
        let log = try openLog(path)
        try log.append([block(5, "five")])
        #expect(throws: StorageError.outOfOrder(height: 7, next: 6)) { try log.append([block(7, "seven")]) }
        #expect(throws: StorageError.outOfOrder(height: 4, next: 6)) { try log.append([block(4, "four")]) }
        #expect(throws: StorageError.outOfOrder(height: 8, next: 7)) {
            try log.append([block(6, "six"), block(8, "eight")])
        }
        #expect(throws: StorageError.self) { try log.append([block(6, "")]) }
        try log.append([block(6, "six")])
        #expect(log.lastHeight == 6)
    }

    @Test func beginsAgainAboveAGap() throws {
        do {
            let log = try openLog(path)
            try log.append([block(1, "one")])
            #expect(throws: StorageError.outOfOrder(height: 2, next: 2)) { try log.beginAgain(at: 2) }
            try log.beginAgain(at: 100)
            #expect(log.lastHeight == 99)
            #expect(try log.read(1) == nil)
        }
        do {
            let log = try openLog(path)
            #expect(log.lastHeight == 99)
            try log.append([block(100, "hundred")])
        }
        #expect(try openLog(path).blocks() == [block(100, "hundred")])
    }

    @Test func refusesAnotherLedgersLog() throws {
        try openLog(path).append([block(1, "one")])
        #expect(throws: StorageError.wrongChain(path: segment(1, in: path))) {
            try BlockLog(opening: path, chain: otherChain)
        }
    }

    @Test func namesAMissingSegment() throws {
        do {
            let log = try openLog(path, segmentBytes: 100)
            for height in 1...9 { try log.append([block(UInt64(height), [UInt8](repeating: 1, count: 60))]) }
        }
        try FileManager.default.removeItem(atPath: segment(2, in: path))
        #expect(throws: StorageError.missingSegment(2)) { try openLog(path, segmentBytes: 100) }
    }

    @Test func readersAndTheAppenderDoNotDisturbEachOther() async throws {
        let log = try openLog(path, segmentBytes: 4000)
        try log.append([block(1, "1")])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for height in 2...300 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
            }
            for _ in 0..<2 {
                group.addTask {
                    while true {
                        let last = log.lastHeight ?? 0
                        let found = try log.read(last)
                        #expect(found == Array("\(last)".utf8))
                        if last == 300 { return }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

import Codec
import Foundation
import TestSupport
import Testing

@testable import Storage

/// Blocks that are not final yet: certificates over them, and others in their place.
@Suite struct BranchTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/log" }
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [150, 64 << 20])
    func findsTheLatestCertificateByHeight(segmentBytes: Int) throws {
        func check(_ log: BlockLog) throws {
            #expect(try log.certificate(at: 1) == nil)
            #expect(try log.certificate(at: 2) == Array("two again".utf8))
            #expect(try log.certificate(at: 3) == Array("three".utf8))
            #expect(try log.certificate(at: 4) == nil)
            #expect(try log.latest(.certificate) == certificate(2, "two again"))
            #expect(try log.blocks().map(\.height) == [1, 2, 3])
        }
        do {
            let log = try openLog(path, segmentBytes: segmentBytes)
            try log.append([block(1, "one"), block(2, "two")])
            try log.append([certificate(2, "two"), block(3, "three"), certificate(3, "three")])
            try log.append([certificate(2, "two again")])
            try check(log)
        }
        try check(try openLog(path, segmentBytes: segmentBytes))
    }

    @Test(arguments: [150, 64 << 20])
    func aCertificateGoesWithItsBlock(segmentBytes: Int) throws {
        do {
            let log = try openLog(path, segmentBytes: segmentBytes)
            for height in 1...5 as ClosedRange<UInt64> {
                try log.append([block(height, "\(height)"), certificate(height, "over \(height)")])
            }
            try log.append([block(3, "another 3")])
            #expect(try log.certificate(at: 3) == nil)
            try log.append([block(4, "another 4"), certificate(4, "over another 4")])
        }
        let log = try openLog(path, segmentBytes: segmentBytes)
        #expect(log.lastHeight == 4)
        let found = try (1...5).map {
            try log.certificate(at: $0).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == ["over 1", "over 2", nil, "over another 4", nil])
    }

    @Test func refusesACertificateOverABlockThatTheLogDoesNotHold() throws {
        let log = try openLog(path)
        #expect(throws: StorageError.outOfOrder(height: 1, next: 1)) {
            try log.append([certificate(1, "early")])
        }
        try log.append([block(5, "five")])
        #expect(throws: StorageError.outOfOrder(height: 6, next: 6)) {
            try log.append([certificate(6, "early")])
        }
        #expect(throws: StorageError.outOfOrder(height: 4, next: 6)) {
            try log.append([certificate(4, "late")])
        }
        // Block 6 goes with block 5, in the same call.
        #expect(throws: StorageError.outOfOrder(height: 6, next: 6)) {
            try log.append([block(6, "six"), block(5, "another"), certificate(6, "over six")])
        }
        try log.append([block(6, "six"), certificate(6, "over six")])
        #expect(try log.certificate(at: 6) == Array("over six".utf8))
    }

    @Test(arguments: [120, 300, 64 << 20])
    func theTailGivesEverythingInTheOrderOfWriting(segmentBytes: Int) throws {
        let groups = [
            [block(1, "one"), vote(1, "one")],
            [vote(2, "two"), block(2, "two"), certificate(1, "one")],
            [block(3, "three")],
            [block(4, "four"), vote(4, "four"), certificate(3, "three")],
            [block(2, "another two"), vote(2, "another two")],
            [vote(2, "promise")],
            [block(3, "another three"), certificate(2, "another two")],
        ]
        do {
            let log = try openLog(path, segmentBytes: segmentBytes)
            for group in groups {
                try log.append(group)
                #expect(try log.allRecords(fromHeight: 0).suffix(group.count) == group[...])
            }
        }
        let log = try openLog(path, segmentBytes: segmentBytes)
        #expect(try log.allRecords(fromHeight: 0) == groups.flatMap { $0 })
        #expect(try log.allRecords(fromHeight: 1) == groups.flatMap { $0 })
        #expect(try log.allRecords(fromHeight: 2) == groups[1...].flatMap { $0 })
        #expect(try log.allRecords(fromHeight: 3) == groups[2...].flatMap { $0 })
        #expect(try log.allRecords(fromHeight: 4) == groups[3...].flatMap { $0 })
        #expect(try log.allRecords(fromHeight: 5) == [])
    }

    @Test func theTailEndsAtWhatWasWrittenWhenItBegan() throws {
        let log = try openLog(path, segmentBytes: 200)
        for height in 1...9 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
        var tail = log.tail(fromHeight: 4)
        for height in 10...30 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
        var found: [UInt64] = []
        while let record = try tail.next() { found.append(record.height) }
        #expect(found == Array(4...9))
    }

    @Test func theTailNamesADamagedRecord() throws {
        do {
            let log = try openLog(path, segmentBytes: 120)
            for height in 1...9 as ClosedRange<UInt64> { try log.append([block(height, "\(height)")]) }
        }
        var bytes = try Disk.bytes(segment(2, in: path))
        bytes[SegmentHeader.count + RecordFrame.count] ^= 1
        try Disk.write(bytes, to: segment(2, in: path))
        let log = try openLog(path, segmentBytes: 120)
        #expect(throws: StorageError.damaged(segment: 2, offset: SegmentHeader.count, height: 3)) {
            try log.allRecords(fromHeight: 1)
        }
    }
}

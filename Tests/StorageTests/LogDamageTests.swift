import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct LogDamageTests {
    let folder: TemporaryFolder
    var path: String { folder.path + "/log" }
    init() throws { folder = try TemporaryFolder() }

    private func write(_ groups: [[LogRecord]]) throws -> [UInt8] {
        let log = try openLog(path)
        for group in groups { try log.append(group) }
        return try Disk.bytes(segment(1, in: path))
    }

    @Test func cutsATornTailAtEveryByteOfTheLastRecord() throws {
        let kept = [block(1, "one"), block(2, "two")]
        let last = block(3, "the last record")
        let whole = try write([[kept[0]], [kept[1]], [last]])
        let start = whole.count - RecordFrame.count - last.payload.count
        for end in start..<whole.count {
            for tail in [[], [UInt8](repeating: 0, count: 40), [UInt8](repeating: 0xa5, count: 40)] {
                try Disk.write(Array(whole[..<end]) + tail, to: segment(1, in: path))
                do {
                    let log = try openLog(path)
                    #expect(try log.blocks() == kept)
                    try log.append([last])
                }
                #expect(try Disk.bytes(segment(1, in: path)) == whole)
            }
        }
    }

    @Test func cutsATornGroupEvenWhenItsEndReachedTheDisk() throws {
        let whole = try write([[block(1, "one")], [block(2, "two"), block(3, "three"), block(4, "four")]])
        let second = SegmentHeader.count + RecordFrame.count + 3
        // The sectors of one write reach the disk in any order: the group's first record is torn, its last
        // is whole.
        var torn = whole
        torn[second + RecordFrame.count] ^= 1
        try Disk.write(torn, to: segment(1, in: path))
        let log = try openLog(path)
        #expect(try log.blocks() == [block(1, "one")])
    }

    @Test func keepsTheWholeRecordsOfATornGroup() throws {
        let whole = try write([[block(1, "one")], [block(2, "two"), block(3, "three")]])
        try Disk.write(Array(whole.dropLast()), to: segment(1, in: path))
        #expect(try openLog(path).blocks() == [block(1, "one"), block(2, "two")])
    }

    @Test func namesAFlippedBitInEveryByteOfAMiddleRecord() throws {
        let middle = block(2, "in the middle")
        let whole = try write([[block(1, "one")], [middle], [block(3, "three")]])
        let start = SegmentHeader.count + RecordFrame.count + 3
        for offset in start..<start + RecordFrame.count + middle.payload.count {
            for bit in 0..<8 {
                var damaged = whole
                damaged[offset] ^= 1 << UInt8(bit)
                try Disk.write(damaged, to: segment(1, in: path))
                #expect(throws: StorageError.damaged(segment: 1, offset: start, height: 2)) {
                    try openLog(path)
                }
                #expect(try Disk.bytes(segment(1, in: path)) == damaged)
            }
        }
    }

    @Test func namesAFlippedBitInEveryByteOfTheHeader() throws {
        let whole = try write([[block(1, "one")]])
        for offset in 0..<SegmentHeader.count {
            var damaged = whole
            damaged[offset] ^= 0x10
            try Disk.write(damaged, to: segment(1, in: path))
            #expect(throws: StorageError.damaged(segment: 1, offset: 0, height: 0)) { try openLog(path) }
        }
    }

    @Test func damageBeforeATornTailIsStillDamage() throws {
        let whole = try write([[block(1, "one")], [block(2, "two")], [block(3, "three")]])
        let second = SegmentHeader.count + RecordFrame.count + 3
        var damaged = Array(whole.dropLast(2))
        damaged[second + 30 - 5] ^= 1
        try Disk.write(damaged, to: segment(1, in: path))
        #expect(throws: StorageError.damaged(segment: 1, offset: second, height: 2)) { try openLog(path) }
    }

    @Test func aRecordInsideAPayloadIsNotARecord() throws {
        // A member can put any bytes into a block, also the copy of a record, but not one that fits its
        // place.
        let first = try write([[block(1, "one")]])
        let copy = Array(first[SegmentHeader.count...])
        let forged = [UInt8](repeating: 0, count: 9) + copy + copy + [UInt8](repeating: 0, count: 9)
        do { try openLog(path).append([block(2, forged)]) }
        let whole = try Disk.bytes(segment(1, in: path))
        try Disk.write(Array(whole.dropLast()), to: segment(1, in: path))
        #expect(try openLog(path).blocks() == [block(1, "one")])
    }

    @Test func verifyingNamesEveryDamageInEverySegmentAndRepairingMendsIt() throws {
        var random = SeededGenerator(seed: 2)
        let written = (1...40).map { block(UInt64($0), random.bytes(80)) }
        do {
            let log = try openLog(path, segmentBytes: 600)
            for record in written { try log.append([record]) }
        }
        let stride = RecordFrame.count + 80
        var second = try Disk.bytes(segment(2, in: path))
        let perSegment = (second.count - SegmentHeader.count) / stride
        second[SegmentHeader.count + 40] ^= 4  // a payload
        second[SegmentHeader.count + 2 * stride + 10] ^= 4  // a frame
        try Disk.write(second, to: segment(2, in: path))

        let log = try openLog(path, segmentBytes: 600)
        let first = UInt64(perSegment + 1)
        #expect(throws: StorageError.damaged(segment: 2, offset: SegmentHeader.count, height: first)) {
            try log.read(first)
        }
        #expect(try log.read(first + 1) == written[perSegment + 1].payload)
        var last = (0, 1)
        let damages = try log.verifyAll { last = ($0, $1) }
        #expect(last.0 == last.1)
        #expect(
            damages == [
                LogDamage(segment: 2, offset: SegmentHeader.count, height: first),
                LogDamage(segment: 2, offset: SegmentHeader.count + 2 * stride, height: first + 2),
            ])
        #expect(throws: StorageError.recordSize(count: 3, limit: 80)) {
            try log.repair(height: first, payload: [1, 2, 3])
        }
        for damage in damages {
            try log.repair(height: damage.height, payload: written[Int(damage.height) - 1].payload)
        }
        #expect(try log.verifyAll().isEmpty)
        #expect(try log.blocks() == written)
    }
}

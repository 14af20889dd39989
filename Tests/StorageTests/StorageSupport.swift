import Codec
import Foundation
import Storage

/// SplitMix64: the same numbers from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// A folder that is gone when the test is over; in memory where the system has such a place, for the tests
/// synchronise a lot.
final class TemporaryFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("millwright-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

enum Disk {
    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}

let chain = Digest([UInt8](repeating: 7, count: 32))!
let otherChain = Digest([UInt8](repeating: 8, count: 32))!

func block(_ height: UInt64, _ payload: [UInt8]) -> LogRecord { LogRecord(height: height, payload: payload) }
func block(_ height: UInt64, _ text: String) -> LogRecord { block(height, Array(text.utf8)) }
func vote(_ height: UInt64, _ text: String) -> LogRecord {
    LogRecord(kind: .vote, height: height, payload: Array(text.utf8))
}

func openLog(
    _ folder: String, segmentBytes: Int = 64 << 20, files: any FileSystem = POSIXFileSystem()
) throws(StorageError) -> BlockLog {
    var options = BlockLog.Options()
    options.segmentBytes = segmentBytes
    options.preallocationBytes = 4096
    return try BlockLog(opening: folder, chain: chain, options: options, files: files)
}

extension BlockLog {
    /// All blocks that are found, as (height, payload).
    func blocks() throws(StorageError) -> [LogRecord] {
        var found: [LogRecord] = []
        var cursor = records(from: firstHeight ?? 0)
        while let record = try cursor.next() { found.append(record) }
        return found
    }
}

func segment(_ number: Int, in folder: String) -> String {
    folder + "/" + String(repeating: "0", count: 11) + "\(number).seg"
}

import Codec
import Storage
import TestSupport

let chain = Digest([UInt8](repeating: 7, count: 32))!
let otherChain = Digest([UInt8](repeating: 8, count: 32))!

func block(_ height: UInt64, _ payload: [UInt8]) -> LogRecord { LogRecord(height: height, payload: payload) }
func block(_ height: UInt64, _ text: String) -> LogRecord { block(height, Array(text.utf8)) }
func vote(_ height: UInt64, _ text: String) -> LogRecord {
    LogRecord(kind: .vote, height: height, payload: Array(text.utf8))
}
func certificate(_ height: UInt64, _ text: String) -> LogRecord {
    LogRecord(kind: .certificate, height: height, payload: Array(text.utf8))
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

    /// All records that the tail from a height on gives.
    func allRecords(fromHeight height: UInt64) throws(StorageError) -> [LogRecord] {
        var found: [LogRecord] = []
        var tail = tail(fromHeight: height)
        while let record = try tail.next() { found.append(record) }
        return found
    }
}

func segment(_ number: Int, in folder: String) -> String {
    folder + "/" + String(repeating: "0", count: 11) + "\(number).seg"
}

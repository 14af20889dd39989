import Billing
import Foundation
import Testing

@testable import Telemetry

/// Two hundred megabytes pass through each reader in a process of its own, whose peak memory is then
/// compared.
@Suite struct BoundedMemoryTests {
    static let length = 200 << 20
    static let allowedGrowthKilobytes = 20 * 1024

    @Test func readsAHugeTableInLittleMemory() async {
        await #expect(processExitsWith: .success) {
            let mapping = try csvMapping(
                """
                {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60,
                 "time": {"column": "t", "format": "epochMilliseconds"},
                 "counters": [{"column": "n", "name": "produced"}]}
                """)
            let bytes = RowBytes(header: "t,n,padding\n", length: BoundedMemoryTests.length)
            var source = try CSVSource(bytes, mapping: mapping, name: "huge")
            exit(try staysSmall(&source) ? 0 : 1)
        }
    }

    @Test func readsAHugeLogInLittleMemory() async {
        await #expect(processExitsWith: .success) {
            let mapping = try shdrMapping(
                """
                {"format": "shdr", "machine": "m", "reportingIntervalSeconds": 60, "execution": {"key": "e"},
                 "counters": [{"key": "n", "name": "produced"}]}
                """)
            let bytes = RowBytes(header: "", length: BoundedMemoryTests.length)
            var source = SHDRSource(bytes, mapping: mapping, name: "huge")
            exit(try staysSmall(&source) ? 0 : 1)
        }
    }

    @Test func readsAPipe() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("t,n\n1,2\n60001,3".utf8))
        try pipe.fileHandleForWriting.close()
        let mapping = try csvMapping(
            """
            {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60,
             "time": {"column": "t", "format": "epochMilliseconds"},
             "counters": [{"column": "n", "name": "produced"}]}
            """)
        var source = try CSVSource(FileBytes(pipe.fileHandleForReading), mapping: mapping, name: "pipe")
        #expect(try source.all().map(\.time) == [1, 60_001])
    }
}

/// Reads to the end. Whether the peak grew by less than allowed after the first rows, and all rows came.
private func staysSmall(_ source: inout some TelemetrySource) throws -> Bool {
    for _ in 0..<500 { _ = try source.next() }
    let before = try peakKilobytes()
    var entries = 500
    while try source.next() != nil { entries += 1 }
    let growth = try peakKilobytes() - before
    return growth < BoundedMemoryTests.allowedGrowthKilobytes && entries > 90_000
}

/// The process's largest resident size so far. On Linux not from `getrusage`, which inherits the parent's.
private func peakKilobytes() throws -> Int {
    #if os(Linux)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber)))
    #else
        var usage = rusage()
        guard getrusage(RUSAGE_SELF, &usage) == 0 else { throw CocoaError(.featureUnsupported) }
        return usage.ru_maxrss / 1024
    #endif
}

/// Rows of about two kilobytes, made as they are read.
private struct RowBytes: ByteSource {
    private let padding = [UInt8](repeating: 0x78, count: 2000)
    private var left: Int
    private var row: Int64 = 0
    private var pending: [UInt8]
    private let isLog: Bool

    init(header: String, length: Int) {
        (left, pending) = (length, Array(header.utf8))
        isLog = header.isEmpty
    }

    mutating func read(upTo count: Int, into buffer: inout [UInt8]) -> Int {
        let before = buffer.count
        buffer.append(contentsOf: pending)
        pending.removeAll(keepingCapacity: true)
        while left > 0 && buffer.count - before + 2100 < count {
            let (first, length) = (isLog ? logRow : "\(row * 1000),\(row),", buffer.count)
            buffer.append(contentsOf: first.utf8)
            buffer.append(contentsOf: padding)
            buffer.append(0x0a)
            row += 1
            left -= buffer.count - length
        }
        return buffer.count - before
    }

    private var logRow: String {
        let time = Timestamp.text(row * 1000).replacingOccurrences(of: " ", with: "T")
        return "\(time)Z|n|\(row)|note|"
    }
}

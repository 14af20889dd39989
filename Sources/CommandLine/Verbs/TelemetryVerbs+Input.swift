import Billing
import Foundation
import Telemetry

/// A telemetry file as a verb reads it: with a progress bar, and errors that name the person's own file.
struct TelemetryInput: TelemetrySource {
    private var source: any TelemetrySource
    private var bar: ProgressBar
    private var entries: UInt64 = 0

    /// - Throws: `UsageError` with the code of what is wrong with the mapping or the file.
    init(_ invocation: Invocation, file: String, startingAt sequence: UInt64 = 1) throws {
        let url = URL(fileURLWithPath: file)
        let map = try invocation.required("mapping")
        for path in [file, map] { try TelemetryInput.requireFile(path) }
        let mapping = URL(fileURLWithPath: map)
        do {
            source = try TelemetryFile.open(url, mapping: mapping, startingAt: sequence)
        } catch { throw UsageError(error) }
        bar = ProgressBar(url.lastPathComponent, total: TelemetryInput.lines(url))
    }

    /// - Throws: `cli.no_file` for what is no file or cannot be read.
    static func requireFile(_ path: String) throws(UsageError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UsageError("cli.no_file", "there is no \(path)")
        }
        guard !isFolder.boolValue else { throw UsageError("cli.no_file", "\(path) is a folder") }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw UsageError("cli.no_file", "\(path) cannot be read")
        }
    }

    var report: ImportReport { source.report }

    mutating func next() throws(TelemetryError) -> TelemetryEntry? {
        entries += 1
        if entries % 1000 == 0, Terminal.isInteractive { bar.show(UInt64(source.report.lines)) }
        return try source.next()
    }

    func end() { bar.end() }

    /// How many lines a file has, for the bar; not counted where nobody sees one.
    private static func lines(_ url: URL) -> UInt64 {
        guard Terminal.isInteractive, let handle = try? FileHandle(forReadingFrom: url) else { return 0 }
        defer { try? handle.close() }
        var count: UInt64 = 0
        while let data = try? handle.read(upToCount: 1 << 20), !data.isEmpty {
            count += UInt64(data.count { $0 == 0x0a })
        }
        return count
    }
}

extension UsageError {
    /// What is wrong with a person's telemetry file or its mapping.
    init(_ error: TelemetryError) {
        self.init(error.code.rawValue, (error.line.map { "line \($0): " } ?? "") + error.message)
    }
}

/// An import report as `--json` prints it.
struct ImportReportJSON: Encodable {
    struct StateTime: Encodable {
        let state: MachineState
        let milliseconds: Int64
    }

    struct CounterFall: Encodable {
        let counter: String
        let count: Int
    }

    struct SkippedRow: Encodable {
        let line: Int
        let code: String
    }

    let source: String
    let about: [String]
    let reportingIntervalMilliseconds: Int64
    let lines: Int
    let entries: Int
    let from: Int64?
    let to: Int64?
    let clockSteps: Int
    let largestClockStepMilliseconds: Int64
    let repeatedTimes: Int
    let duplicateRows: Int
    let gaps: Int
    let gapMilliseconds: Int64
    let longestGapMilliseconds: Int64
    let unavailableSpans: Int
    let counterFalls: [CounterFall]
    let stillCounters: [String]
    let stateTimes: [StateTime]
    let skippedRows: Int
    let firstSkippedRows: [SkippedRow]

    init(_ report: ImportReport) {
        (source, about, lines, entries) = (report.source, report.about, report.lines, report.entries)
        reportingIntervalMilliseconds = report.reportingIntervalMilliseconds
        (from, to) = (report.earliest, report.latest)
        (clockSteps, repeatedTimes) = (report.clockSteps, report.repeatedTimes)
        largestClockStepMilliseconds = report.largestClockStepMilliseconds
        (duplicateRows, gaps) = (report.duplicateRows, report.gaps)
        (gapMilliseconds, longestGapMilliseconds) = (report.gapMilliseconds, report.longestGapMilliseconds)
        (unavailableSpans, stillCounters) = (report.unavailableSpans, report.stillCounters)
        counterFalls = report.counterFalls.map { .init(counter: $0.counter, count: $0.count) }
        stateTimes = report.stateTimes.map { .init(state: $0.state, milliseconds: $0.milliseconds) }
        skippedRows = report.skippedCount
        firstSkippedRows = report.skipped.map { .init(line: $0.line, code: $0.code.rawValue) }
    }
}

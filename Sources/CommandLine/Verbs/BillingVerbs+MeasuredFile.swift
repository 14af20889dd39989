import Billing
import Codec
import Cryptography
import Merkle
import Telemetry

/// What a telemetry file came to in a stretch of time, and the root of the entries that it was read from.
struct MeasuredFile {
    let usage: Usage
    let window: Interval
    /// The tree of RFC 9162 over all of the file's entries.
    let root: Digest
    /// What the file could not tell and how that was treated, for whoever reads the figures.
    let notes: [String]

    /// The whole file, or the part between two instants.
    init(_ invocation: Invocation, file: String, from: Int64?, to: Int64?) throws {
        var (from, to) = (from, to)
        if from == nil || to == nil {
            var source = try TelemetryInput(invocation, file: file)
            while try MeasuredFile.next(&source) != nil {}
            source.end()
            try MeasuredFile.requireEntries(source.report)
            (from, to) = (from ?? source.report.earliest, to ?? source.report.latest)
        }
        let window = Interval(from: from ?? 0, to: to ?? 0)
        guard window.isValid else {
            throw UsageError("cli.bad_value", "the time from --from to --to is empty")
        }
        try self.init(invocation, file: file, window: window, spells: [window], interval: nil)
    }

    /// - Parameters:
    ///   - spells: the parts of the window that count.
    ///   - interval: how often the machine reports; nil takes the mapping's word.
    init(
        _ invocation: Invocation, file: String, window: Interval, spells: [Interval], interval: Int64?
    ) throws {
        var source = try TelemetryInput(invocation, file: file)
        var timeline = try Timeline(
            windows: spells,
            reportingIntervalMilliseconds: interval ?? source.report.reportingIntervalMilliseconds)
        var log = LogFrontier()
        var isInWindow = false
        while let entry = try MeasuredFile.next(&source) {
            try timeline.feed(entry)
            isInWindow = isInWindow || window.contains(entry.time)
            try TelemetryBatch.append([entry], to: &log, hash: SHA256.hash)
        }
        source.end()
        try MeasuredFile.requireEntries(source.report)
        usage = try Usage.combined(timeline.usage())
        (self.window, root) = (window, log.root(hash: SHA256.hash))
        notes = MeasuredFile.notes(
            on: source.report, interval: interval, emptyWindow: isInWindow ? nil : window)
    }

    /// - Throws: `cli.no_entries` where not a single row could be used.
    private static func requireEntries(_ report: ImportReport) throws(UsageError) {
        guard report.entries == 0 else { return }
        let why = report.skipped.first.map { first in
            "\(report.skippedCount) bad rows, the first in line \(first.line) (\(first.code.rawValue))"
        }
        throw UsageError(
            "cli.no_entries", "\(report.source) holds no reading that can be used: \(why ?? "no rows")")
    }

    private static func notes(
        on report: ImportReport, interval: Int64?, emptyWindow: Interval?
    ) -> [String] {
        var notes: [String] = []
        if let emptyWindow, let earliest = report.earliest, let latest = report.latest {
            notes.append(
                "No reading of \(report.source) is from \(ISO8601.text(emptyWindow)); it covers "
                    + "\(ISO8601.text(Interval(from: earliest, to: latest))).")
        }
        let told = report.reportingIntervalMilliseconds
        if let interval, interval != told {
            notes.append(
                "By the terms a reading comes every \(Output.duration(milliseconds: interval)), by the "
                    + "mapping every \(Output.duration(milliseconds: told)). The terms hold: silence of more "
                    + "than \(Output.duration(milliseconds: 3 * interval)) is unknown, neither up nor down.")
        }
        return notes + report.doubts
    }

    private static func next(_ source: inout TelemetryInput) throws(UsageError) -> TelemetryEntry? {
        do throws(TelemetryError) { return try source.next() } catch { throw UsageError(error) }
    }
}

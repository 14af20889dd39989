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
    let report: ImportReport

    /// The whole file, or the part between two instants.
    init(_ invocation: Invocation, file: String, from: Int64?, to: Int64?) throws {
        var (from, to) = (from, to)
        if from == nil || to == nil {
            var source = try TelemetryInput(invocation, file: file)
            while try MeasuredFile.next(&source) != nil {}
            source.end()
            (from, to) = (from ?? source.report.earliest, to ?? source.report.latest)
        }
        guard let from, let to else { throw UsageError("cli.no_entries", "\(file) holds no entries") }
        let window = Interval(from: from, to: to)
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
        while let entry = try MeasuredFile.next(&source) {
            try timeline.feed(entry)
            try TelemetryBatch.append([entry], to: &log, hash: SHA256.hash)
        }
        source.end()
        usage = try Usage.combined(timeline.usage())
        (self.window, root, report) = (window, log.root(hash: SHA256.hash), source.report)
    }

    private static func next(_ source: inout TelemetryInput) throws(UsageError) -> TelemetryEntry? {
        do throws(TelemetryError) { return try source.next() } catch { throw UsageError(error) }
    }
}

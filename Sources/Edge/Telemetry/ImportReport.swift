import Billing

/// What a source told, what it could not tell, and how that was treated.
package struct ImportReport: Sendable {
    package struct Fall: Hashable, Sendable {
        package let counter: String
        package let count: Int
    }

    package struct SkippedRow: Hashable, Sendable {
        package let line: Int
        package let code: TelemetryError.Code
    }

    package struct StateTime: Hashable, Sendable {
        package let state: MachineState
        package let milliseconds: Int64
    }

    /// Skipped rows that are named one by one; the others are only counted.
    static let namedRows = 10

    /// The file's or the simulation's name.
    package let source: String
    /// Sentences from the mapping.
    package let about: [String]
    package let reportingIntervalMilliseconds: Int64
    /// Lines read, empty ones and headers included; 0 for a simulation.
    package internal(set) var lines = 0
    package private(set) var entries = 0
    /// The earliest and the latest time of an entry.
    package private(set) var earliest: Int64?
    package private(set) var latest: Int64?

    /// Minutes east of UTC that were assumed for times without a zone; nil where no time needed it.
    package internal(set) var assumedZoneMinutes: Int64?

    /// Entries whose time is before that of the entry before.
    package private(set) var clockSteps = 0
    package private(set) var largestClockStepMilliseconds: Int64 = 0
    /// The line after the largest step, and the time before it.
    package private(set) var largestClockStepLine = 0
    package private(set) var largestClockStepFrom: Int64 = 0
    /// Entries at a time that the source had already passed or, in tables, already given.
    package private(set) var repeatedTimes = 0
    /// Rows that were exactly the row before, and dropped.
    package internal(set) var duplicateRows = 0

    /// Silences of more than three reporting intervals while the source had not said that it has no data.
    package private(set) var gaps = 0
    package private(set) var gapMilliseconds: Int64 = 0
    package private(set) var longestGapMilliseconds: Int64 = 0
    package private(set) var longestGapFrom: Int64 = 0
    /// How often the source began to say that it has no data.
    package private(set) var unavailableSpans = 0

    /// Rows with a later, and with an earlier, time than the row before, used or not.
    private var laterRows = 0
    private var earlierRows = 0
    private var previousRow: Int64?

    package private(set) var skippedCount = 0
    /// The first skipped rows.
    package private(set) var skipped: [SkippedRow] = []

    private struct CounterTrack {
        var last: UInt64
        var falls = 0
        var moved = false
    }

    /// Whether equal times in a row are ordinary, as in logs with a line for each event.
    private let equalTimesAreOrdinary: Bool
    private var counters: [String: CounterTrack] = [:]
    private var durations: [MachineState: Int64] = [:]
    private var state: MachineState?
    private var previous: Int64?

    init(
        source: String, about: [String], reportingIntervalMilliseconds: Int64,
        equalTimesAreOrdinary: Bool = false
    ) {
        (self.source, self.about) = (source, about)
        self.reportingIntervalMilliseconds = reportingIntervalMilliseconds
        self.equalTimesAreOrdinary = equalTimesAreOrdinary
    }

    /// How often each counter fell, by name. A fall is a new beginning at zero, never a negative amount.
    package var counterFalls: [Fall] {
        counters.filter { $0.value.falls > 0 }.map { Fall(counter: $0.key, count: $0.value.falls) }
            .sorted { $0.counter < $1.counter }
    }

    /// Counters that never moved: nothing can be billed by them.
    package var stillCounters: [String] {
        counters.filter { !$0.value.moved }.map(\.key).sorted()
    }

    /// How long each state lasted by the source's clock; gaps and stepped-back time in none. An overview:
    /// invoices are computed from the entries.
    package var stateTimes: [StateTime] {
        MachineState.allCases.compactMap { state in
            durations[state].map { StateTime(state: state, milliseconds: $0) }
        }
    }

    /// Takes a row's time, before it is known whether the row can be used.
    mutating func recordRow(at time: Int64) {
        if let previousRow {
            laterRows += time > previousRow ? 1 : 0
            earlierRows += time < previousRow ? 1 : 0
        }
        previousRow = time
    }

    /// Refuses a source that runs backwards in time, such as a table with the newest row first: more rows go
    /// back than forward. Numbered as they stand, its falling counters would all look like resets.
    /// - Parameter surplus: how many more, so that it is known before much of the source is used.
    /// - Throws: `code`.
    func requireForward(surplus: Int, _ code: TelemetryError.Code) throws(TelemetryError) {
        guard earlierRows > laterRows + surplus else { return }
        throw TelemetryError(
            code,
            "\(source) runs backwards: \(earlierRows) of its rows are earlier than the row before; put the "
                + "oldest first")
    }

    /// Rows by which a source may run backwards until its end is known.
    static let backwardSurplus = 16

    mutating func record(_ entry: TelemetryEntry, line: Int) {
        entries += 1
        if let previous, let latest {
            recordTime(entry.time, after: previous, latest: latest, line: line)
        }
        previous = entry.time
        earliest = min(earliest ?? entry.time, entry.time)
        latest = max(latest ?? entry.time, entry.time)
        if let next = entry.state {
            if next == .unknown && state != .unknown { unavailableSpans += 1 }
            state = next
        }
        for counter in entry.counters {
            guard var track = counters[counter.name] else {
                counters[counter.name] = CounterTrack(last: counter.value)
                continue
            }
            if counter.value < track.last { track.falls += 1 }
            if counter.value != track.last { track.moved = true }
            track.last = counter.value
            counters[counter.name] = track
        }
    }

    private mutating func recordTime(_ time: Int64, after previous: Int64, latest: Int64, line: Int) {
        if time < previous {
            clockSteps += 1
            if previous - time > largestClockStepMilliseconds {
                largestClockStepMilliseconds = previous - time
                (largestClockStepLine, largestClockStepFrom) = (line, previous)
            }
        }
        if time < latest || (time == latest && !equalTimesAreOrdinary) { repeatedTimes += 1 }
        guard time > latest else { return }
        let isGap = time - previous > 3 * reportingIntervalMilliseconds
        if state == .unknown || !isGap {
            if let state { durations[state, default: 0] += time - latest }
            return
        }
        gaps += 1
        gapMilliseconds += time - latest
        if time - latest > longestGapMilliseconds {
            (longestGapMilliseconds, longestGapFrom) = (time - latest, latest)
        }
    }

    mutating func recordSkipped(_ error: TelemetryError, line: Int) {
        skippedCount += 1
        if skipped.count < Self.namedRows { skipped.append(SkippedRow(line: line, code: error.code)) }
    }
}

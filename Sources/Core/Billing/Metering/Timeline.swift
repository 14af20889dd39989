/// Turns a stream of telemetry into totals for stretches of time, in memory that does not grow with the
/// stream.
///
/// Entries are ordered by sequence number. A state holds from its entry to the next. Where the next
/// comes more than three reporting intervals later, or entries between are missing, the whole stretch
/// from the one to the other is UNKNOWN: nobody can say when within it the state ended. [choice]
///
/// A clock that goes backwards is clamped: an entry counts at its own time or its predecessor's,
/// whichever is later. A counter's rise counts at the entry that shows it; the first value seen is
/// where counting begins, so a timeline is fed from the last entry before its first window, to the
/// first entry at or after its end.
package struct Timeline: Hashable, Codable, Sendable {
    /// The most stoppages that one window may hold.
    package static let maximumStoppages = 100_000
    /// The most counters that a machine may have.
    package static let maximumCounters = 256
    /// The most windows: a year of days and then some.
    package static let maximumWindows = 1000
    /// A fault's text is cut after this many Unicode scalars.
    package static let maximumFaultLength = 120

    private struct Position: Hashable, Codable {
        var sequence: UInt64
        /// As the device's clock had it.
        var measured: Int64
        /// As it counts: never before the entry before.
        var time: Int64
        var state: MachineState
        var mode: MachineMode
        var fault: String?
        /// The last state that was not UNKNOWN, so that a gap within one failure does not make it two.
        var lastKnownState: MachineState?
    }

    private var silenceMilliseconds: Int64
    private var windows: [Usage]
    /// The first window that time can still fall into.
    private var current = 0
    private var position: Position?
    /// Last values, by name as UTF-8 bytes.
    private var counters: [TelemetryEntry.Counter] = []

    /// - Parameters:
    ///   - windows: sorted and disjoint; time outside them is read but not counted.
    ///   - reportingIntervalMilliseconds: 1 ms to one day.
    /// - Throws: `billing.invalid_interval`, `billing.too_many`.
    package init(windows: [Interval], reportingIntervalMilliseconds: Int64) throws(BillingError) {
        guard windows.count <= Timeline.maximumWindows else { throw BillingError(.tooMany, "windows") }
        guard 1...86_400_000 ~= reportingIntervalMilliseconds, windows.allSatisfy(\.isValid),
            zip(windows, windows.dropFirst()).allSatisfy({ $0.to <= $1.from })
        else { throw BillingError(.invalidInterval) }
        silenceMilliseconds = 3 * reportingIntervalMilliseconds
        self.windows = windows.map { Usage(measured: [$0]) }
    }

    /// The sequence number of the last entry fed.
    package var lastSequence: UInt64? { position?.sequence }

    /// Takes the next entry.
    ///
    /// After `billing.too_many` or `billing.overflow` the timeline is not to be used any more.
    /// - Throws: `billing.sequence_order` for a number not above the last; `billing.time_out_of_range`;
    ///   `billing.too_many`; `billing.overflow`.
    package mutating func feed(_ entry: TelemetryEntry) throws(BillingError) {
        guard 0...Interval.latest ~= entry.time else { throw BillingError(.timeOutOfRange) }
        guard entry.sequence > (position?.sequence ?? 0) else {
            throw BillingError(.sequenceOrder, "\(entry.sequence) after \(position?.sequence ?? 0)")
        }
        try checkRoom(for: entry)
        let time = max(position?.time ?? entry.time, entry.time)
        let missing = position.map { entry.sequence - $0.sequence - 1 } ?? 0
        try close(at: time, missing: missing, by: entry.sequence)
        if missing > 0 {
            note(.missingEntries, at: time, entry.sequence, amount: Int64(clamping: missing))
        }
        if let position, entry.time < position.measured {
            note(.clockStep, at: time, entry.sequence, amount: position.measured - entry.time)
        }
        try count(entry.counters, at: time, entry.sequence)
        begin(entry, at: time, afterMissing: missing > 0)
    }

    /// The totals of every window, as if nothing came after the entries fed so far.
    ///
    /// The last entry's state holds to `end` unless that is more than three reporting intervals away.
    /// - Parameter end: the end of the last window, or an earlier instant for a look before it is over.
    /// - Throws: `billing.too_many`, `billing.overflow`.
    package func usage(until end: Int64 = Interval.latest) throws(BillingError) -> [Usage] {
        var copy = self
        let last = min(end, windows.last?.measured.last?.to ?? 0)
        if last > (position?.time ?? 0) { try copy.close(at: last, missing: 0, by: position?.sequence ?? 0) }
        return copy.windows
    }

    private func checkRoom(for entry: TelemetryEntry) throws(BillingError) {
        guard entry.counters.count <= Timeline.maximumCounters else {
            throw BillingError(.tooMany, "counters")
        }
        let added = entry.counters.count { counter in
            !counters.contains { $0.name.utf8.elementsEqual(counter.name.utf8) }
        }
        guard counters.count + added <= Timeline.maximumCounters else {
            throw BillingError(.tooMany, "counters")
        }
        if let counter = entry.counters.first(where: { $0.value > Int64.max }) {
            throw BillingError(.overflow, "counter «\(counter.name)» is 2^63 or more")
        }
    }
}

extension Timeline {
    /// Ends the state in force: the time up to now is its own, or UNKNOWN.
    private mutating func close(at time: Int64, missing: UInt64, by sequence: UInt64) throws(BillingError) {
        let from = position?.time ?? min(time, windows.first?.measured.first?.from ?? time)
        guard time > from else { return }
        let isSilent = position == nil || time - from > silenceMilliseconds
        let isKnown = !isSilent && missing == 0
        let state = isKnown ? position?.state ?? .unknown : .unknown
        let mode = isKnown ? position?.mode ?? .none : .none
        let span = Interval(from: from, to: time)
        while current < windows.count, let window = windows[current].measured.first {
            if let common = span.intersection(window) {
                try count(common, state, mode, in: current)
                if windows[current].firstSequence == 0 {
                    windows[current].firstSequence = position?.sequence ?? sequence
                }
                windows[current].lastSequence = sequence
                if isSilent {
                    windows[current].note(
                        .silence, .init(sequence: sequence, time: common.from, amount: time - from))
                }
            }
            if window.to > time { break }
            current += 1
        }
    }

    private mutating func count(
        _ span: Interval, _ state: MachineState, _ mode: MachineMode, in index: Int
    ) throws(BillingError) {
        if state == .unknown || state == .outOfService || state == .notAvailable {
            let fault = state == .unknown ? nil : position?.fault
            try windows[index].add(Usage.Stoppage(interval: span, state: state, fault: fault))
        }
        try windows[index].add(Usage.Duration(state: state, mode: mode, milliseconds: span.milliseconds))
    }

    /// The window that holds an instant; nil outside all.
    private func window(at time: Int64) -> Int? {
        guard current < windows.count, let window = windows[current].measured.first else { return nil }
        return window.contains(time) ? current : nil
    }

    private mutating func note(
        _ kind: DataQualityNote.Kind, at time: Int64, _ sequence: UInt64, amount: Int64
    ) {
        guard let index = window(at: time) else { return }
        windows[index].note(kind, .init(sequence: sequence, time: time, amount: amount))
    }

    private mutating func count(
        _ values: [TelemetryEntry.Counter], at time: Int64, _ sequence: UInt64
    ) throws(BillingError) {
        for value in values {
            let index = counters.firstIndex { !$0.name.utf8.lexicographicallyPrecedes(value.name.utf8) }
            guard let index, counters[index].name.utf8.elementsEqual(value.name.utf8) else {
                counters.insert(value, at: index ?? counters.count)
                try rise(of: value.name, by: 0, resets: 0, at: time)
                continue
            }
            let before = counters[index].value
            counters[index].value = value.value
            if value.value < before {
                try rise(of: value.name, by: Int64(value.value), resets: 1, at: time)
                note(.counterReset, at: time, sequence, amount: Int64(value.value))
            } else {
                try rise(of: value.name, by: Int64(value.value - before), resets: 0, at: time)
            }
        }
    }

    private mutating func rise(
        of name: String, by rise: Int64, resets: Int64, at time: Int64
    ) throws(BillingError) {
        guard let index = window(at: time) else { return }
        try windows[index].add(Usage.CounterRise(name: name, rise: rise, resets: resets))
    }

    /// Puts the entry's state in force.
    private mutating func begin(_ entry: TelemetryEntry, at time: Int64, afterMissing isBroken: Bool) {
        // "Unchanged since the entry before" says nothing where the entry before is missing.
        let before = isBroken ? nil : position
        let state = entry.state ?? before?.state ?? .unknown
        let mode = entry.mode ?? before?.mode ?? .none
        let isStopped = state == .outOfService || state == .notAvailable
        var fault = isStopped ? before?.fault : nil
        if let text = entry.fault { fault = String(text.unicodeScalars.prefix(Timeline.maximumFaultLength)) }
        if let index = window(at: time) {
            windows[index].lastSequence = entry.sequence
            // Its counters rise from what the entry before showed.
            if windows[index].firstSequence == 0 {
                windows[index].firstSequence = position?.sequence ?? entry.sequence
            }
            if state == .unknown, entry.state == .unknown, position?.state != .unknown {
                windows[index].note(.unavailable, .init(sequence: entry.sequence, time: time, amount: 0))
            }
            if state == .outOfService, position?.lastKnownState != .outOfService {
                windows[index].failures += 1
            }
        }
        position = Position(
            sequence: entry.sequence, measured: entry.time, time: time, state: state, mode: mode,
            fault: fault, lastKnownState: state == .unknown ? position?.lastKnownState : state)
    }
}

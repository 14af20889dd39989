/// What a machine did in a stretch of time: the totals that an invoice is computed from.
package struct Usage: Hashable, Codable, Sendable {
    /// Time spent in one state and mode.
    package struct Duration: Hashable, Codable, Sendable {
        package var state: MachineState
        package var mode: MachineMode
        package var milliseconds: Int64

        package init(state: MachineState, mode: MachineMode, milliseconds: Int64) {
            (self.state, self.mode, self.milliseconds) = (state, mode, milliseconds)
        }
    }

    /// How much a counter rose, over all its epochs.
    package struct CounterRise: Hashable, Codable, Sendable {
        package var name: String
        package var rise: Int64
        package var resets: Int64

        package init(name: String, rise: Int64, resets: Int64) {
            (self.name, self.rise, self.resets) = (name, rise, resets)
        }
    }

    /// An interval in which the machine was down or nothing is known: what the parties attribute.
    package struct Stoppage: Hashable, Codable, Sendable {
        package var interval: Interval
        /// `notAvailable`, `outOfService` or `unknown`.
        package var state: MachineState
        /// The machine's own first fault in the interval.
        package var fault: String?

        package init(interval: Interval, state: MachineState, fault: String? = nil) {
            (self.interval, self.state, self.fault) = (interval, state, fault)
        }
    }

    /// The time that was measured: sorted, disjoint.
    package var measured: [Interval]
    /// The entries that the totals depend on, from the one in force when the time began; zero where
    /// none.
    package var firstSequence: UInt64
    package var lastSequence: UInt64
    /// By state, then mode, in the order of their cases; only what occurred.
    package var durations: [Duration]
    /// By name as UTF-8 bytes.
    package var counters: [CounterRise]
    /// By time.
    package var stoppages: [Stoppage]
    /// How often the machine went out of service.
    package var failures: Int64
    /// By kind, in the order of their cases; only what occurred.
    package var notes: [DataQualityNote]

    package init(
        measured: [Interval], firstSequence: UInt64 = 0, lastSequence: UInt64 = 0,
        durations: [Duration] = [], counters: [CounterRise] = [], stoppages: [Stoppage] = [],
        failures: Int64 = 0, notes: [DataQualityNote] = []
    ) {
        (self.measured, self.firstSequence, self.lastSequence) = (measured, firstSequence, lastSequence)
        (self.durations, self.counters, self.stoppages) = (durations, counters, stoppages)
        (self.failures, self.notes) = (failures, notes)
    }

    /// The rise of a counter; zero for one that was never reported.
    package func rise(of counter: String) -> Int64 {
        counters.first { $0.name.utf8.elementsEqual(counter.utf8) }?.rise ?? 0
    }

    /// - Throws: `billing.overflow`.
    package func milliseconds(
        in states: [MachineState], modes: [MachineMode] = MachineMode.allCases
    ) throws(BillingError) -> Int64 {
        var total: Int64 = 0
        for duration in durations where states.contains(duration.state) && modes.contains(duration.mode) {
            total = try Rounding.add(total, duration.milliseconds)
        }
        return total
    }

    /// The totals of several stretches of time, such as two spells in service within a period.
    /// - Throws: `billing.overflow`; `billing.invalid_interval` where they overlap or are out of order.
    package static func combined(_ parts: [Usage]) throws(BillingError) -> Usage {
        var result = Usage(measured: [])
        for part in parts {
            if let end = result.measured.last?.to, let begin = part.measured.first?.from, begin < end {
                throw BillingError(.invalidInterval)
            }
            result.measured += part.measured
            if result.firstSequence == 0 { result.firstSequence = part.firstSequence }
            result.lastSequence = max(result.lastSequence, part.lastSequence)
            for duration in part.durations { try result.add(duration) }
            for counter in part.counters { try result.add(counter) }
            result.stoppages += part.stoppages
            result.failures = try Rounding.add(result.failures, part.failures)
            for note in part.notes {
                for example in note.examples { result.note(note.kind, example, counting: 0) }
                result.count(note.kind, note.count)
            }
        }
        return result
    }
}

extension Usage {
    /// - Throws: `billing.overflow`.
    mutating func add(_ duration: Duration) throws(BillingError) {
        let rank = Usage.rank(duration)
        let index = durations.firstIndex { Usage.rank($0) >= rank } ?? durations.count
        if index < durations.count, Usage.rank(durations[index]) == rank {
            let sum = try Rounding.add(durations[index].milliseconds, duration.milliseconds)
            durations[index].milliseconds = sum
        } else {
            durations.insert(duration, at: index)
        }
    }

    private static func rank(_ duration: Duration) -> Int {
        let state =
            switch duration.state {
            case .notAvailable: 0
            case .outOfService: 1
            case .notExecuting: 2
            case .executing: 3
            case .unknown: 4
            }
        let mode =
            switch duration.mode {
            case .none: 0
            case .maintenance: 1
            case .setup: 2
            case .processing: 3
            }
        return state * 4 + mode
    }

    /// - Throws: `billing.overflow`.
    mutating func add(_ counter: CounterRise) throws(BillingError) {
        let index = counters.firstIndex { !$0.name.utf8.lexicographicallyPrecedes(counter.name.utf8) }
        if let index, counters[index].name.utf8.elementsEqual(counter.name.utf8) {
            do {
                let rise = try Rounding.add(counters[index].rise, counter.rise)
                let resets = try Rounding.add(counters[index].resets, counter.resets)
                (counters[index].rise, counters[index].resets) = (rise, resets)
            } catch { throw BillingError(error.code, "counter «\(counter.name)» rises beyond 2^63 in all") }
        } else {
            counters.insert(counter, at: index ?? counters.count)
        }
    }

    /// Appends time to the last stoppage where it goes on, else begins a new one.
    /// - Throws: `billing.too_many` above `Timeline.maximumStoppages`.
    mutating func add(_ stoppage: Stoppage) throws(BillingError) {
        if let last = stoppages.last, last.state == stoppage.state,
            last.interval.to == stoppage.interval.from
        {
            stoppages[stoppages.count - 1].interval.to = stoppage.interval.to
            if last.fault == nil { stoppages[stoppages.count - 1].fault = stoppage.fault }
            return
        }
        guard stoppages.count < Timeline.maximumStoppages else {
            throw BillingError(.tooMany, "stoppages")
        }
        stoppages.append(stoppage)
    }

    /// Counts an occurrence and keeps it where it is among the first.
    package mutating func note(
        _ kind: DataQualityNote.Kind, _ example: DataQualityNote.Example, counting count: Int64 = 1
    ) {
        self.count(kind, count)
        let index = place(of: kind)
        if notes[index].examples.count < DataQualityNote.maximumExamples {
            notes[index].examples.append(example)
        }
    }

    mutating func count(_ kind: DataQualityNote.Kind, _ count: Int64) {
        let index = place(of: kind)
        let (sum, overflow) = notes[index].count.addingReportingOverflow(count)
        notes[index].count = overflow ? Int64.max : sum
    }

    private mutating func place(of kind: DataQualityNote.Kind) -> Int {
        let rank = Usage.rank(kind)
        let index = notes.firstIndex { Usage.rank($0.kind) >= rank } ?? notes.count
        if index == notes.count || notes[index].kind != kind {
            notes.insert(DataQualityNote(kind: kind, count: 0, examples: []), at: index)
        }
        return index
    }

    private static func rank(_ kind: DataQualityNote.Kind) -> Int {
        DataQualityNote.Kind.allCases.firstIndex(of: kind) ?? 0
    }
}

import Billing
import Testing

@Suite struct TimelineTests {
    /// A window of ten minutes from t = 1 000 000, with a reporting interval of one minute.
    private static let window = Interval(from: 1_000_000, to: 1_600_000)

    private func timeline(_ windows: [Interval] = [window]) throws -> Timeline {
        try Timeline(windows: windows, reportingIntervalMilliseconds: 60_000)
    }

    private func entry(
        _ sequence: UInt64, _ time: Int64, _ state: MachineState? = nil, mode: MachineMode? = nil,
        fault: String? = nil, good: UInt64? = nil
    ) -> TelemetryEntry {
        TelemetryEntry(
            sequence: sequence, time: time, state: state, mode: mode, fault: fault,
            counters: good.map { [.init(name: "good", value: $0)] } ?? [])
    }

    private func usage(_ entries: [TelemetryEntry], _ windows: [Interval] = [window]) throws -> [Usage] {
        var timeline = try timeline(windows)
        for entry in entries { try timeline.feed(entry) }
        return try timeline.usage()
    }

    @Test func aLaterRecordClosesTheEarlier() throws {
        let usage = try usage([
            entry(1, 1_000_000, .executing), entry(2, 1_100_000, .notExecuting), entry(3, 1_250_000),
            entry(4, 1_400_000, .outOfService), entry(5, 1_500_000, .executing), entry(6, 1_600_000),
        ])[0]
        #expect(try usage.milliseconds(in: [.executing]) == 200_000)
        #expect(try usage.milliseconds(in: [.notExecuting]) == 300_000)
        #expect(try usage.milliseconds(in: [.outOfService]) == 100_000)
        #expect(usage.stoppages == [Sample.stopped(1_400_000, for: 100_000)])
        #expect(usage.failures == 1)
        #expect(usage.notes.isEmpty)
        #expect((usage.firstSequence, usage.lastSequence) == (1, 6))
    }

    @Test func everyMillisecondOfAWindowIsCountedOnce() throws {
        let windows = [Interval(from: 1000, to: 61_000), Interval(from: 61_000, to: 61_001)]
        let parts = try usage(
            [entry(1, 900, .executing), entry(2, 50_000, .outOfService), entry(3, 90_000, .executing)],
            windows)
        for (part, window) in zip(parts, windows) {
            let total = try part.milliseconds(in: MachineState.allCases)
            #expect(total == window.milliseconds)
        }
        #expect(try parts[0].milliseconds(in: [.executing]) == 49_000)
        #expect(try parts[0].milliseconds(in: [.outOfService]) == 11_000)
        #expect(parts[1].stoppages == [Sample.stopped(61_000, for: 1)])
        #expect(parts.map(\.failures) == [1, 0])
    }

    @Test func aGapOfThreeIntervalsHoldsAndOneMillisecondMoreIsUnknown() throws {
        let window = Interval(from: 0, to: 180_001)
        let held = try usage([entry(1, 0, .executing), entry(2, 180_000), entry(3, 180_001)], [window])[0]
        #expect(try held.milliseconds(in: [.executing]) == 180_001)
        #expect(held.notes.isEmpty)
        let lost = try usage([entry(1, 0, .executing), entry(2, 180_001)], [window])[0]
        #expect(try lost.milliseconds(in: [.unknown]) == 180_001)
        #expect(lost.stoppages == [Sample.stopped(0, for: 180_001, .unknown)])
        #expect(lost.notes.map(\.kind) == [.silence])
        #expect(lost.notes[0].examples == [.init(sequence: 2, time: 0, amount: 180_001)])
    }

    @Test func theEndHoldsTheLastStateForThreeIntervals() throws {
        let held = try usage([entry(1, 1_000_000, .executing), entry(2, 1_420_000, .executing)])[0]
        #expect(try held.milliseconds(in: [.executing]) == 180_000)
        let lost = try usage([entry(1, 1_000_000, .executing), entry(2, 1_419_999, .executing)])[0]
        #expect(try lost.milliseconds(in: [.unknown]) == 600_000)
    }

    @Test func timeBeforeTheFirstEntryIsUnknown() throws {
        let usage = try usage([entry(1, 1_590_000, .executing)])[0]
        #expect(try usage.milliseconds(in: [.unknown]) == 590_000)
        #expect(try usage.milliseconds(in: [.executing]) == 10_000)
        let none = try self.usage([])[0]
        #expect(none.stoppages == [Sample.stopped(1_000_000, for: 600_000, .unknown)])
        #expect((none.firstSequence, none.lastSequence) == (0, 0))
    }

    @Test func aMissingEntryMakesItsStretchUnknownAndIsNoted() throws {
        let usage = try usage([
            entry(1, 1_000_000, .executing, good: 10), entry(5, 1_060_000, good: 20),
            entry(6, 1_100_000, .executing), entry(7, 1_200_000), entry(8, 1_300_000), entry(9, 1_450_000),
            entry(10, 1_600_000),
        ])[0]
        // Missing entries hide the state until an entry names one again; the counter's rise stays true.
        #expect(usage.stoppages == [Sample.stopped(1_000_000, for: 100_000, .unknown)])
        #expect(usage.rise(of: "good") == 10)
        #expect(usage.notes.map(\.kind) == [.missingEntries])
        #expect(usage.notes[0].examples == [.init(sequence: 5, time: 1_060_000, amount: 3)])
    }

    @Test func refusesNumbersThatDoNotRise() throws {
        var timeline = try timeline()
        try timeline.feed(entry(7, 1_000_000, .executing))
        #expect(BillingError.code { try timeline.feed(entry(7, 1_000_001)) } == .sequenceOrder)
        #expect(BillingError.code { try timeline.feed(entry(6, 1_000_001)) } == .sequenceOrder)
        #expect(BillingError.code { try timeline.feed(entry(8, -1)) } == .timeOutOfRange)
        #expect(BillingError.code { try timeline.feed(entry(8, .max)) } == .timeOutOfRange)
        #expect(timeline.lastSequence == 7)
    }

    @Test func aClockThatStepsBackIsClampedAndNoted() throws {
        let usage = try usage([
            entry(1, 1_000_000, .executing), entry(2, 1_100_000, .outOfService),
            entry(3, 1_040_000, .executing), entry(4, 1_110_000), entry(5, 1_250_000), entry(6, 1_400_000),
            entry(7, 1_550_000), entry(8, 1_600_000),
        ])[0]
        // Entry 3 counts at 1 100 000: the stop has no length, and no time is counted twice.
        #expect(try usage.milliseconds(in: [.executing]) == 600_000)
        #expect(usage.notes.map(\.kind) == [.clockStep])
        #expect(usage.notes[0].count == 1)
        #expect(usage.notes[0].examples == [.init(sequence: 3, time: 1_100_000, amount: 60_000)])
    }

    @Test func aCounterThatFallsBeginsANewEpoch() throws {
        let usage = try usage([
            entry(1, 1_000_000, .executing, good: 100), entry(2, 1_100_000, good: 150),
            entry(3, 1_200_000, good: 7), entry(4, 1_300_000, good: 7), entry(5, 1_450_000, good: 9),
        ])[0]
        #expect(usage.counters == [.init(name: "good", rise: 59, resets: 1)])
        #expect(usage.notes.map(\.kind) == [.counterReset])
    }

    @Test func aRiseCountsAtTheEntryThatShowsIt() throws {
        let windows = [Interval(from: 0, to: 100), Interval(from: 100, to: 200)]
        let parts = try usage(
            [
                entry(1, 50, .executing, good: 5), entry(2, 99, good: 6), entry(3, 100, good: 8),
                entry(4, 200, good: 100),
            ], windows)
        #expect(parts.map { $0.rise(of: "good") } == [1, 2])
    }

    @Test func noDataAtTheSourceIsUnknownNotDown() throws {
        let usage = try usage([
            entry(1, 1_000_000, .outOfService, fault: "E42"), entry(2, 1_100_000, .unknown),
            entry(3, 1_200_000, .outOfService), entry(4, 1_300_000, .executing), entry(5, 1_450_000),
            entry(6, 1_600_000),
        ])[0]
        #expect(usage.stoppages.map(\.state) == [.outOfService, .unknown, .outOfService])
        #expect(usage.stoppages[0].fault == "E42")
        // One failure: the gap lies within it.
        #expect(usage.failures == 1)
        #expect(usage.notes.map(\.kind) == [.unavailable])
    }

    @Test func modesAreCountedApart() throws {
        let usage = try usage([
            entry(1, 1_000_000, .executing, mode: .setup), entry(2, 1_150_000, mode: .processing),
            entry(3, 1_300_000), entry(4, 1_450_000, mode: .maintenance), entry(5, 1_600_000),
        ])[0]
        #expect(try usage.milliseconds(in: [.executing], modes: [.setup]) == 150_000)
        #expect(try usage.milliseconds(in: [.executing], modes: [.processing]) == 300_000)
        #expect(usage.durations.map(\.mode) == [.maintenance, .setup, .processing])
    }

    @Test func stoppagesOfOneStateAreMerged() throws {
        let entries = (0..<600).map { entry(UInt64($0 + 1), 1_000_000 + Int64($0) * 1000, .outOfService) }
        #expect(try usage(entries)[0].stoppages == [Sample.stopped(1_000_000, for: 600_000)])
    }

    @Test func memoryIsBounded() throws {
        let window = Interval(from: 0, to: 1_000_000)
        var timeline = try timeline([window])
        var sequence: UInt64 = 0
        let code = BillingError.code {
            for time in 0..<Int64(300_000) {
                sequence += 1
                try timeline.feed(entry(sequence, time, sequence % 2 == 0 ? .executing : .outOfService))
            }
        }
        #expect(code == .tooMany)
        var other = try self.timeline()
        let many = (0..<300).map { TelemetryEntry.Counter(name: "c\($0)", value: 1) }
        let flood = TelemetryEntry(sequence: 1, time: 0, counters: many)
        #expect(BillingError.code { try other.feed(flood) } == .tooMany)
        let huge = TelemetryEntry(sequence: 1, time: 0, counters: [.init(name: "c", value: .max)])
        #expect(BillingError.code { try other.feed(huge) } == .overflow)
    }

    @Test func windowsAreSortedAndDisjoint() {
        let overlapping = [Interval(from: 0, to: 10), Interval(from: 9, to: 20)]
        #expect(BillingError.code { _ = try timeline(overlapping) } == .invalidInterval)
        #expect(BillingError.code { _ = try timeline([Interval(from: 5, to: 5)]) } == .invalidInterval)
        #expect(BillingError.code { _ = try timeline([Interval(from: -5, to: 5)]) } == .invalidInterval)
        let long = [Interval(from: 0, to: .max)]
        #expect(BillingError.code { _ = try timeline(long) } == .invalidInterval)
    }

    @Test func spellsCombineIntoOnePeriod() throws {
        let windows = [Interval(from: 0, to: 100), Interval(from: 150, to: 200)]
        let parts = try usage(
            [
                entry(1, 0, .executing, good: 0), entry(2, 50, .outOfService, good: 4),
                entry(3, 160, good: 2),
                entry(4, 200, .executing),
            ], windows)
        let whole = try Usage.combined(parts)
        #expect(whole.measured == windows)
        #expect(whole.rise(of: "good") == 6)
        #expect(try whole.milliseconds(in: [.outOfService]) == 100)
        #expect(whole.stoppages.count == 2)
        #expect(
            whole.notes == [
                DataQualityNote(
                    kind: .counterReset, count: 1, examples: [.init(sequence: 3, time: 160, amount: 2)])
            ])
        #expect(BillingError.code { _ = try Usage.combined(parts.reversed()) } == .invalidInterval)
    }

    @Test func aSavedTimelineGoesOnWhereItStopped() throws {
        let entries = (1...50).map { (number: Int) -> TelemetryEntry in
            let state: MachineState = number % 7 == 0 ? .outOfService : .executing
            let time = 990_000 + Int64(number) * 12_000
            return entry(UInt64(number), time, state, good: UInt64(number % 20))
        }
        let straight = try usage(entries)
        var timeline = try timeline()
        for (index, entry) in entries.enumerated() {
            try timeline.feed(entry)
            if index % 10 == 0 { timeline = try Round.trip(timeline) }
        }
        #expect(try timeline.usage() == straight)
    }
}

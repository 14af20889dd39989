import Billing
import Codec
import Cryptography
import Testing

/// From single entries to the invoice, over months with a clock change.
@Suite struct MonthTests {
    /// A machine that reports every minute: it runs but for a stop of two hours and a silence of ten minutes.
    private func usage(of period: Interval, stopAt: Int64, silenceAt: Int64) throws -> Usage {
        let minute = Sample.minute
        var timeline = try Timeline(windows: [period], reportingIntervalMilliseconds: minute)
        var sequence: UInt64 = 0
        var good: UInt64 = 1000
        var time = period.from - minute
        while time <= period.to + minute {
            let isSilent = Interval(from: silenceAt + minute, to: silenceAt + 10 * minute).contains(time)
            let isDown = Interval(from: stopAt, to: stopAt + 120 * minute).contains(time)
            if !isSilent {
                sequence += 1
                if !isDown { good += 2 }
                try timeline.feed(
                    TelemetryEntry(
                        sequence: sequence, time: time, state: isDown ? .outOfService : .executing,
                        mode: .processing, fault: time == stopAt ? "E17 hydraulic pressure" : nil,
                        counters: [.init(name: "good", value: good), .init(name: "produced", value: good)]))
            }
            time += minute
        }
        return try timeline.usage()[0]
    }

    @Test(arguments: [("2025-03-01", 743, 0), ("2025-10-01", 745, 1), ("2025-04-01", 720, 2)])
    func aMonthIsBilledToTheLastUnit(day: String, hours: Int64, index: Int) throws {
        let terms = Sample.terms(level: Sample.clause)
        let period = try terms.period(containing: Sample.berlin(day))
        let stopAt = period.from + 100 * Sample.hour
        let silenceAt = period.from + 200 * Sample.hour
        let usage = try usage(of: period, stopAt: stopAt, silenceAt: silenceAt)
        let known = hours * 60 - 120 - 10
        #expect(period.milliseconds == hours * Sample.hour)
        #expect(try usage.milliseconds(in: [.executing]) == known * Sample.minute)
        #expect(usage.stoppages.map(\.interval.milliseconds) == [120 * Sample.minute, 10 * Sample.minute])
        #expect(usage.stoppages[0].fault == "E17 hydraulic pressure")
        #expect(usage.notes.map(\.kind) == [.silence])
        // Two an entry, but none from the nine that never came and the 120 that were down.
        let good = 2 * (hours * 60 - 120 - 9)
        #expect(usage.rise(of: "good") == good)
        #expect(usage.firstSequence == 1)
        #expect(usage.lastSequence == UInt64(hours * 60 - 9 + 2))

        let invoice = try Sample.invoice(terms, usage, period: period)
        // AST is the month less the ten unknown minutes; two hours are the OEM's.
        let service = hours * 60 - 10
        #expect(invoice.performance.serviceTimeMilliseconds == service * Sample.minute)
        let availability = [997_308, 997_315, 997_222][index]
        #expect(invoice.performance.availability?.ppm == Int64(availability))
        let amounts = invoice.lines.map(\.amount.rawValue)
        #expect(
            amounts == [
                150_000, (good * 125 + 5) / 10, (known * 1250 + 30) / 60,
            ])
        #expect(invoice.adjustments.isEmpty)
        let again = try Sample.invoice(
            terms, try self.usage(of: period, stopAt: stopAt, silenceAt: silenceAt), period: period)
        #expect(try CBOR.encode(again) == CBOR.encode(invoice))
    }

    /// Whatever a device sends, no millisecond is lost or counted twice and no counter falls.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func noStreamOfEntriesLosesOrInventsTime(seed: UInt64) throws {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        let windows = [
            Interval(from: 10_000, to: 500_000), Interval(from: 500_000, to: 500_001),
            Interval(from: 700_000, to: 1_500_000),
        ]
        var timeline = try Timeline(windows: windows, reportingIntervalMilliseconds: 10_000)
        var (time, sequence): (Int64, UInt64) = (Int64(next(40_000)), 0)
        for _ in 0..<next(300) {
            sequence += next(20) == 0 ? 1 + next(4) : 1
            time = max(0, time + Int64(next(20_000)) - (next(15) == 0 ? 30_000 : 0))
            let all = MachineState.allCases
            try timeline.feed(
                TelemetryEntry(
                    sequence: sequence, time: time, state: next(3) == 0 ? nil : all[Int(next(5))],
                    mode: next(4) == 0 ? MachineMode.allCases[Int(next(4))] : nil,
                    counters: next(2) == 0 ? [.init(name: "good", value: next(100))] : []))
        }
        let parts = try timeline.usage()
        for (part, window) in zip(parts, windows) {
            let total = try part.milliseconds(in: MachineState.allCases)
            #expect(total == window.milliseconds)
            #expect(part.counters.allSatisfy { $0.rise >= 0 })
            let stopped = part.stoppages.reduce(0) { $0 + $1.interval.milliseconds }
            let expected = try part.milliseconds(in: [.unknown, .outOfService, .notAvailable])
            #expect(stopped == expected)
            #expect(
                zip(part.stoppages, part.stoppages.dropFirst()).allSatisfy {
                    $0.interval.to <= $1.interval.from
                })
        }
        let whole = try Usage.combined(parts)
        #expect(try Round.trip(whole) == whole)
    }
}

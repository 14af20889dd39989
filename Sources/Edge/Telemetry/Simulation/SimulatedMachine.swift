import Billing

/// A press that makes parts, from a seed: the same plan and the same repairs give the same entries, in
/// whatever steps they are asked for.
///
/// It works in shifts, sets up at the beginning of each, makes parts with scrap and stops, waits for
/// material, warms up and cools down. A failure takes it out of service until somebody repairs it. It
/// reports at every interval and, in between, when its state or mode changes.
package struct SimulatedMachine: TelemetrySource {
    private enum Phase: Hashable {
        case off, setup, cycle, shortStop, waiting, failed

        var state: MachineState {
            switch self {
            case .off: .notAvailable
            case .setup, .shortStop, .waiting: .notExecuting
            case .cycle: .executing
            case .failed: .outOfService
            }
        }

        var mode: MachineMode {
            switch self {
            case .off, .failed: MachineMode.none
            case .setup: .setup
            case .cycle, .shortStop, .waiting: .processing
            }
        }
    }

    package let plan: Plan
    private var random: SplitMix64
    /// Entries before this time can be asked for.
    private var horizon: Int64
    private var phase = Phase.off
    private var phaseEnd: Int64
    private var shiftEnd: Int64
    private var nextSample: Int64
    /// Everything until here has happened.
    private var clock: Int64
    private var failures: [Failure]
    private var repairs: [Int64]
    private var newFault: String?
    /// The fault that keeps the machine out of service, or nil.
    package private(set) var activeFault: String?
    package private(set) var produced: UInt64 = 0
    package private(set) var good: UInt64 = 0
    /// Millionths of a degree Celsius.
    private var oilTemperature: Int64 = 22_000_000
    private var bearingTemperature: Int64 = 22_000_000
    private var compactor: EntryCompactor
    package private(set) var report: ImportReport

    /// The machine at `plan.from`, with the horizon at `plan.to`; `run(until:)` moves it nearer.
    package init(_ plan: Plan, startingAt sequence: UInt64 = 1) {
        self.plan = plan
        random = SplitMix64(seed: plan.seed)
        horizon = plan.to
        (nextSample, phaseEnd, shiftEnd, clock) = (plan.from, plan.from, plan.from, plan.from)
        failures = plan.failures.sorted { $0.time < $1.time }.filter { $0.time >= plan.from }
        repairs = plan.repairs.sorted()
        compactor = EntryCompactor(
            counters: ["good", "produced"],
            measures: [(name: "bearingTemperature", unit: "CEL"), (name: "oilTemperature", unit: "CEL")],
            startingAt: sequence)
        report = ImportReport(
            source: "Simulated press, seed \(plan.seed)", about: ["These data are simulated."],
            reportingIntervalMilliseconds: max(plan.intervalMilliseconds, 1))
    }

    /// Lets `next()` give entries before `time` only; called again with a later time, it goes on.
    package mutating func run(until time: Int64) { horizon = min(time, plan.to) }

    /// Tells when the machine is repaired. A time that has passed means the last reported one: what was
    /// reported stays.
    package mutating func repair(at time: Int64) {
        repairs.append(max(time, clock))
        repairs.sort()
    }

    package mutating func next() -> TelemetryEntry? {
        while true {
            let time = min(nextSample, nextEvent)
            guard time < horizon else { return nil }
            let before = phase
            while nextEvent <= time { happen(at: time) }
            clock = time
            let isSample = time == nextSample
            guard isSample || phase.state != before.state || phase.mode != before.mode || newFault != nil
            else { continue }
            if isSample {
                warm(at: time)
                nextSample += max(plan.intervalMilliseconds, 1)
            }
            if let entry = compactor.entry(reading(at: time), evenIfUnchanged: true) {
                report.record(entry, line: 0)
                return entry
            }
        }
    }

    /// When something happens next: the phase ends, a failure or a repair comes.
    private var nextEvent: Int64 {
        if phase == .failed { return repairs.first ?? .max }
        return min(phaseEnd, failures.first?.time ?? .max)
    }

    private mutating func happen(at time: Int64) {
        if phase == .failed {
            repairs.removeFirst()
            // What was out of service could not fail again.
            failures.removeAll { $0.time <= time }
            activeFault = nil
            enterShift(at: time)
        } else if let failure = failures.first, failure.time <= time {
            failures.removeFirst()
            // A repair before the failure did not repair it.
            repairs.removeAll { $0 < time }
            (activeFault, newFault) = (failure.code, failure.code)
            enter(.failed, at: time, for: 0)
        } else if time >= shiftEnd {
            enterShift(at: time)
        } else {
            work(at: time)
        }
    }

    /// Begins or ends work, by the plan. A shift, and the time after a repair, begin with setting up.
    private mutating func enterShift(at time: Int64) {
        let (isWorking, until) = plan.working(at: time)
        shiftEnd = until
        if isWorking {
            enter(.setup, at: time, for: random.number(in: 10 * 60_000...25 * 60_000))
        } else {
            enter(.off, at: time, for: until - time)
        }
    }

    /// What follows the phase that ended within the shift.
    private mutating func work(at time: Int64) {
        if phase == .cycle {
            produced += 1
            if !random.happens(partsPerMillion: plan.scrapPartsPerMillion) { good += 1 }
            if random.happens(partsPerMillion: plan.idlePartsPerMillion) {
                return enter(.waiting, at: time, for: random.number(in: 8 * 60_000...35 * 60_000))
            }
            if random.happens(partsPerMillion: plan.shortStopPartsPerMillion) {
                return enter(.shortStop, at: time, for: random.number(in: 20_000...240_000))
            }
        }
        let jitter = max(plan.cycleJitterMilliseconds, 0)
        enter(.cycle, at: time, for: plan.cycleMilliseconds + random.number(in: -jitter...jitter))
    }

    /// A phase ends with its shift at the latest; a part that is not finished by then is not counted.
    private mutating func enter(_ phase: Phase, at time: Int64, for duration: Int64) {
        self.phase = phase
        phaseEnd = phase == .failed ? time : min(time + max(duration, 1), shiftEnd)
    }

    /// A slow random walk towards what the phase warms it to. A bearing warms for six hours before it fails.
    private mutating func warm(at time: Int64) {
        let target: Int64 =
            switch phase {
            case .off: 22_000_000
            case .failed: 26_000_000
            case .setup, .shortStop, .waiting: 41_000_000
            case .cycle: 58_000_000
            }
        var bearingTarget = target + 6_000_000
        if phase != .failed, let failure = failures.first, failure.time - time < 6 * 3_600_000 {
            bearingTarget += 30_000_000
        }
        oilTemperature += (target - oilTemperature) / 40 + random.number(in: -150_000...150_000)
        bearingTemperature +=
            (bearingTarget - bearingTemperature) / 25 + random.number(in: -250_000...250_000)
    }

    private mutating func reading(at time: Int64) -> Reading {
        var reading = compactor.reading(at: time)
        (reading.state, reading.mode, reading.fault) = (phase.state, phase.mode, newFault)
        newFault = nil
        reading.counters = [good, produced]
        // The sensor gives tenths of a degree.
        reading.measures = [bearingTemperature, oilTemperature].map {
            Quantity(millionths: $0 / 100_000 * 100_000)
        }
        return reading
    }
}

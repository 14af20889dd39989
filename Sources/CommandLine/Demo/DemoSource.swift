import Billing
import Telemetry

/// The demonstration's telemetry: it pauses at a horizon, and remembers the first reading after a failure
/// that shows the machine up again.
struct DemoSource: TelemetrySource {
    enum Base {
        case simulated(SimulatedMachine)
        case file(any TelemetrySource)
    }

    /// A reading that shows the machine up.
    struct Up: Sendable {
        let sequence: UInt64
        let time: Int64
    }

    private var base: Base
    /// The first reading at or after this time, in milliseconds since 1970 UTC, is the last one for now.
    var horizon: Int64 { didSet { isAtHorizon = false } }
    private var isAtHorizon = false
    private var watched: (from: UInt64, notBefore: Int64)?
    private(set) var lastSequence: UInt64 = 0
    private(set) var firstUp: Up?
    /// The last one that was told.
    private var state: MachineState?

    init(_ base: Base, horizon: Int64) { (self.base, self.horizon) = (base, horizon) }

    init(_ scenario: DemoScenario) throws(TelemetryError) {
        switch scenario.source {
        case .simulated(let plan): self.init(.simulated(SimulatedMachine(plan)), horizon: scenario.from)
        case .file(let data, let mapping):
            self.init(.file(try TelemetryFile.open(data, mapping: mapping)), horizon: scenario.from)
        }
    }

    var report: ImportReport {
        switch base {
        case .simulated(let machine): machine.report
        case .file(let source): source.report
        }
    }

    /// Looks for the first up state after a reading and not before a time.
    mutating func watch(from sequence: UInt64, notBefore time: Int64) {
        (watched, firstUp) = ((sequence, time), nil)
    }

    /// A simulated machine runs again from then on; recorded data says itself when it does.
    mutating func repair(at time: Int64) {
        guard case .simulated(var machine) = base else { return }
        machine.repair(at: time)
        base = .simulated(machine)
    }

    mutating func next() throws(TelemetryError) -> TelemetryEntry? {
        // A story that is to end hears of no more readings.
        if isAtHorizon || Task.isCancelled { return nil }
        guard let entry = try advance() else { return nil }
        isAtHorizon = entry.time >= horizon
        lastSequence = entry.sequence
        state = entry.state ?? state
        if let watched, firstUp == nil, entry.sequence > watched.from, entry.time >= watched.notBefore,
            state == .executing || state == .notExecuting
        {
            firstUp = Up(sequence: entry.sequence, time: entry.time)
        }
        return entry
    }

    private mutating func advance() throws(TelemetryError) -> TelemetryEntry? {
        switch base {
        case .simulated(var machine):
            let entry = machine.next()
            base = .simulated(machine)
            return entry
        case .file(var source):
            let entry = try source.next()
            base = .file(source)
            return entry
        }
    }
}

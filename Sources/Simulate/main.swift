import Foundation
import Simulation
import Synchronization

// SEEDS=5000 EVENTS=1000 [FIRST=0] [SEED=417 [VERBOSE=1]] millwright-simulate

let environment = ProcessInfo.processInfo.environment

func number(_ name: String, _ otherwise: Int) -> Int { environment[name].flatMap { Int($0) } ?? otherwise }

var simulation = Simulation()
simulation.events = number("EVENTS", 1000)
simulation.excess = number("EXCESS", 0)
simulation.isCalm = number("CALM", 0) != 0
simulation.validators = environment["VALIDATORS"].flatMap { Int($0) }
simulation.schedule = environment["SCHEDULE"].flatMap { Schedule(rawValue: $0) }
simulation.split = environment["SPLIT"].flatMap { Int($0) }
simulation.killAt = environment["KILL"].flatMap { Int($0) }
simulation.ignored = environment["IGNORED"].map { [$0] } ?? []
simulation.sabotage = environment["SABOTAGE"].flatMap { Sabotage(rawValue: $0) }

func describe(_ outcome: Simulation.Outcome) -> String {
    guard let violation = outcome.violation else {
        return "seed \(outcome.seed): \(outcome.events) events, \(outcome.blocks) final blocks, nothing found"
    }
    let commit = environment["COMMIT"].map { " at commit \($0)" } ?? ""
    return "seed \(outcome.seed)\(commit): \(violation.checker): \(violation.detail)"
}

if let seed = environment["SEED"].flatMap({ UInt64($0) }) {
    var one = simulation
    if number("VERBOSE", 0) != 0 { one.log = { print($0) } }
    let outcome = one.run(seed: seed)
    print(describe(outcome))
    exit(outcome.violation == nil ? 0 : 1)
}

struct Progress {
    var next: Int
    var done = 0
    var events = 0
    var blocks = 0
    var coverage = Coverage()
    var failures: [Simulation.Outcome] = []
}

let (first, seeds) = (number("FIRST", 0), number("SEEDS", 5000))
let progress = Mutex(Progress(next: first))
let started = ContinuousClock.now
let settings = simulation

DispatchQueue.concurrentPerform(iterations: number("THREADS", ProcessInfo.processInfo.activeProcessorCount)) {
    _ in
    while let seed = progress.withLock({ state -> Int? in
        guard state.next < first + seeds, state.failures.count < 20 else { return nil }
        defer { state.next += 1 }
        return state.next
    }) {
        let outcome = settings.run(seed: UInt64(seed))
        progress.withLock { state in
            state.done += 1
            state.events += outcome.events
            state.blocks += outcome.blocks
            state.coverage.add(outcome.coverage)
            if outcome.violation != nil {
                state.failures.append(outcome)
                print(describe(outcome))
            }
            if state.done % 500 == 0 { print("\(state.done) seeds …") }
            if outcome.violation != nil || state.done % 500 == 0 { fflush(nil) }
        }
    }
}

let total = progress.withLock { $0 }
let seconds = max(
    0.001,
    Double((ContinuousClock.now - started).components.seconds)
        + Double((ContinuousClock.now - started).components.attoseconds) / 1e18)
print(
    "\(total.done) seeds, \(total.events) events, \(total.blocks) final blocks in \(Int(seconds)) s:",
    "\(Int(Double(total.done) / seconds)) seeds/s, \(Int(Double(total.events) / seconds)) events/s")
for (name, count) in total.coverage.counts { print("  \(count) \(name)") }
print(total.failures.isEmpty ? "nothing found" : "\(total.failures.count) seeds found something")
exit(total.failures.isEmpty ? 0 : 1)

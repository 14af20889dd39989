import Simulation
import Testing

/// What has to be survived, each as a run of its own: every checker is silent, and it did happen.
@Suite struct ScheduleTests {
    private func survive(
        _ simulation: Simulation, seeds: Range<UInt64>, seeing names: [String],
        _ location: SourceLocation = #_sourceLocation
    ) {
        var coverage = Coverage()
        for seed in seeds {
            let outcome = simulation.run(seed: seed)
            coverage.add(outcome.coverage)
            #expect(
                outcome.violation == nil, "seed \(seed): \(String(describing: outcome.violation))",
                sourceLocation: location)
        }
        let seen = coverage.counts.map(\.name)
        for name in names { #expect(seen.contains(name), "\(name)", sourceLocation: location) }
    }

    /// With as many liars and forgetful nodes as may be, and no fewer.
    @Test(arguments: [
        (Schedule.rollback, ["disks rolled back", "eager liars"]),
        (.restoration, ["backups restored", "wiped disks", "eager liars", "voting keys of wiped nodes"]),
        (.snapshots, ["snapshots taken", "false snapshots refused", "old snapshots"]),
        (.deaths, ["members dead for good after a change", "validators decided with dead members"]),
        (.outages, ["long outages with a clock days ahead", "expired transactions"]),
    ])
    func survives(schedule: Schedule, names: [String]) {
        var simulation = Simulation()
        (simulation.schedule, simulation.events) = (schedule, 600)
        survive(simulation, seeds: 0..<20, seeing: names)
    }

    /// Every way to show validators two faces, with as many liars as may be; the mirror image of a split is
    /// the same split.
    @Test(arguments: 4...7)
    func survivesEverySplitOfATwoFacedEngine(validators: Int) {
        var simulation = Simulation()
        (simulation.validators, simulation.events) = (validators, 60)
        for split in 0..<(1 << (validators - 1)) {
            simulation.split = split
            survive(simulation, seeds: UInt64(split)..<UInt64(split) + 1, seeing: [])
        }
    }

    /// Before each of a node's effects in turn: every edge between a store and what it is stored for.
    @Test func survivesAKillBeforeEveryEffect() {
        var simulation = Simulation()
        (simulation.isCalm, simulation.validators, simulation.events) = (true, 4, 200)
        for effect in 1...90 {
            simulation.killAt = effect
            survive(
                simulation, seeds: UInt64(effect)..<UInt64(effect) + 1, seeing: ["killed between effects"])
        }
    }

    @Test func survivesWhatIsRare() {
        var simulation = Simulation()
        simulation.events = 500
        survive(
            simulation, seeds: 0..<40,
            seeing: [
                "only witnesses killed", "engines failed between vote and lock", "everybody replaced",
                "long outages", "lying proposals", "silent liars", "batches ordered twice",
            ])
    }
}

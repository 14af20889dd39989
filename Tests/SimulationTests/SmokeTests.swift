import Simulation
import Testing

/// A whole consortium for each seed: first much goes wrong, then nothing, and every checker is silent.
@Suite struct SmokeTests {
    /// `make simulate` runs thousands; these are enough to notice that something broke.
    @Test(arguments: Array(stride(from: 0, to: 60, by: 5)))
    func nothingThatIsFinalIsLost(first: Int) {
        var simulation = Simulation()
        simulation.events = 250
        for seed in first..<first + 5 {
            let outcome = simulation.run(seed: UInt64(seed))
            #expect(outcome.violation == nil, "make simulate SEED=\(seed) EVENTS=250")
        }
    }

    @Test func aSeedGivesTheSameRunAgain() {
        var simulation = Simulation()
        simulation.events = 400
        let (first, second) = (simulation.run(seed: 11), simulation.run(seed: 11))
        #expect(first.events == second.events)
        #expect(first.blocks == second.blocks)
        #expect(first.coverage.counts.map(\.name) == second.coverage.counts.map(\.name))
        #expect(first.coverage.counts.map(\.count) == second.coverage.counts.map(\.count))
    }

    @Test func muchGoesWrong() {
        var simulation = Simulation()
        simulation.events = 300
        var coverage = Coverage()
        for seed in 500..<515 { coverage.add(simulation.run(seed: UInt64(seed)).coverage) }
        let names = coverage.counts.map(\.name)
        for name in [
            "crashes", "partitions", "engines two-faced", "engine tails lost", "lying signatures",
            "lying stops",
            "undone blocks", "epoch blocks made final", "validators decided",
        ] {
            #expect(names.contains(name), "\(name)")
        }
    }
}

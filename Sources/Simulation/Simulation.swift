import Codec
import Ledger

/// Runs one consortium from one seed: first much goes wrong, then nothing, and the ledger must go on.
package struct Simulation: Sendable {
    /// What became of a run.
    package struct Outcome: Sendable {
        package let seed: UInt64
        package var events = 0
        package var blocks = 0
        package var coverage = Coverage()
        /// The checker that found something, and what.
        package var violation: (checker: String, detail: String)?
    }

    package var events = 1000
    /// Liars above the bound: a checker must find something.
    package var excess = 0
    /// Breaks a rule at every node: a checker must find it.
    package var sabotage: Sabotage?
    package var isCalm = false
    /// Checkers that say nothing, so that a test reaches others.
    package var ignored: [String] = []
    package var validators: Int?
    /// What the runs are about; nil for a bit of everything.
    package var schedule: Schedule?
    /// Every engine shows two faces: the second to the nodes whose bits are set.
    package var split: Int?
    /// The first node is killed before so many of its effects have been performed.
    package var killAt: Int?
    package var log: (@Sendable (String) -> Void)?

    package init() {}

    /// How long the ledger may take to settle once nothing goes wrong any more.
    package var patienceSeconds: Int64 = 240
    /// How long nothing may change before it counts as settled.
    private static let calm = Span.seconds(3)

    package func run(seed: UInt64) -> Outcome {
        var outcome = Outcome(seed: seed)
        var plan = Plan(
            seed: seed, excess: excess, isCalm: isCalm, validators: validators, schedule: schedule)
        plan.split = split.map { split in (0..<plan.nodes).map { split >> $0 & 1 } }
        plan.killAt = killAt
        do {
            let world = try World(seed: seed, plan: plan, sabotage: sabotage, log: log)
            world.watch.ignored = ignored
            defer {
                (outcome.events, outcome.blocks, outcome.coverage) = (
                    world.events, world.reports.count, world.coverage
                )
            }
            while world.events < events { try world.step() }
            try world.heal()
            try settle(world)
            try Replay.check(world)
        } catch let violation as Watch.Violation {
            outcome.violation = (violation.checker, violation.detail)
        } catch {
            outcome.violation = ("no error", "\(error)")
        }
        return outcome
    }

    /// Goes on until everything that clients signed is final or has expired and the epoch stays.
    private func settle(_ world: World) throws {
        let patience = Span.seconds(patienceSeconds)
        let healed = world.now
        var (epoch, epochSince) = (Epoch(0), healed)
        var next = healed
        while world.now - healed < patience {
            try world.step()
            if world.now - healed > .milliseconds(1500) { world.clientsGoOn = false }
            guard world.now >= next else { continue }
            next = world.now + .milliseconds(200)
            let current = world.nodes.compactMap { $0.replica?.inForce.epoch }.max() ?? 0
            if current != epoch { (epoch, epochSince) = (current, world.now) }
            if world.now - epochSince >= Simulation.calm, isSettled(world, epoch) { return }
        }
        let waiting = world.nodes.filter { !$0.isDeadForGood }.map {
            "\($0.index): \($0.disk.outbox.count) waiting, final \($0.replica?.finalHeader.height ?? 0)"
        }
        let checker =
            world.now - epochSince < .seconds(patienceSeconds / 2)
            ? "epochs stop changing" : "what is signed becomes final"
        throw world.watch.fail(checker, "epoch \(epoch); \(waiting.joined(separator: "; "))")
    }

    private func isSettled(_ world: World, _ epoch: Epoch) -> Bool {
        let alive = world.nodes.filter { !$0.isDeadForGood && $0.liar == nil }
        guard let highest = alive.compactMap({ $0.replica?.finalHeader.height }).max() else { return false }
        return alive.allSatisfy { node in
            guard let replica = node.replica else { return false }
            return node.disk.outbox.isEmpty && replica.inForce.epoch == epoch
                && replica.finalHeader.height + 3 >= highest
        }
    }
}

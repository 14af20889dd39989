import Simulation
import Testing

/// Each checker finds what it is there for: a rule is broken on purpose, and the right one says so.
@Suite struct CheckerTests {
    private func found(by simulation: Simulation, seeds: Range<UInt64>, until checker: String) -> [String] {
        var checkers: [String] = []
        for seed in seeds where !checkers.contains(checker) {
            if let violation = simulation.run(seed: seed).violation { checkers.append(violation.checker) }
        }
        return checkers
    }

    @Test(arguments: [
        (Sabotage.turnTimeBack, "time never falls"), (.leafAfterExpiry, "no leaf after expiry"),
        (.changeOutcome, "final keeps its place and outcome"),
        (.skipFinal, "every final block once, in order"), (.spoilRows, "replay agrees"),
        (.expireEarly, "expired stays out"), (.forgetIDs, "one leaf a transaction"),
        (.wrongRows, "no honest node stops"), (.fastClock, "time is some honest clock's"),
        (.tellTooEarly, "final has a certificate"), (.commitAtOnce, "a commit has a lock"),
        (.skipStores, "signed what exists"), (.complainAlways, "epochs stop changing"),
        (.submitNothing, "what is signed becomes final"), (.wrongParent, "parents"),
        (.commitTwice, "one commit an epoch and height"), (.miscodeMessages, "bytes say the same"),
        (.inventLeaf, "leaves are what clients signed"), (.wrongRowsEverywhere, "replay agrees"),
    ])
    func findsWhatIsBrokenInACalmConsortium(sabotage: Sabotage, checker: String) {
        var simulation = Simulation()
        (simulation.sabotage, simulation.isCalm, simulation.validators) = (sabotage, true, 4)
        (simulation.events, simulation.patienceSeconds) = (300, 60)
        #expect(found(by: simulation, seeds: 0..<40, until: checker).contains(checker))
    }

    @Test(arguments: [
        (Sabotage.publishBeforeStore, "the disk explains what is sent"),
        (.changeSignatures, "same bytes again"), (.forgetVotes, "nothing below a stop"),
        (.signEverything, "one vote an epoch and height"), (.hideLocks, "evidence only of liars"),
        (.skipPromises, "the disk explains what is sent"), (.miscodeLog, "bytes say the same"),
        (.dropStops, "an epoch block has its stops"), (.repeatStops, "an epoch block has its stops"),
        (.forgeStops, "an epoch block has its stops"), (.startLow, "an epoch block has its stops"),
        (.outOfTurn, "an epoch block has its stops"),
    ])
    func findsWhatIsBrokenWhereMuchGoesWrong(sabotage: Sabotage, checker: String) {
        var simulation = Simulation()
        simulation.sabotage = sabotage
        #expect(found(by: simulation, seeds: 0..<80, until: checker).contains(checker))
    }

    @Test func findsASnapshotTakenOnTrust() {
        var simulation = Simulation()
        (simulation.sabotage, simulation.schedule) = (.trustSnapshots, .snapshots)
        let checker = "a snapshot is of what is final"
        #expect(found(by: simulation, seeds: 0..<40, until: checker).contains(checker))
    }

    /// Whoever forgets counts as a liar: one beside as many liars as may be is one too many.
    @Test func findsAForgottenDiskBesideTooManyLiars() {
        var simulation = Simulation()
        simulation.schedule = .rollbackTooMany
        let checker = "one certified block an epoch and height"
        #expect(found(by: simulation, seeds: 0..<120, until: checker).contains(checker))
    }

    /// The bound is sharp: with one liar more than 2q − N − 1 the ledger can split, and each of the checkers
    /// that stand behind one another sees it.
    @Test(arguments: ["one certified block an epoch and height", "final blocks are one chain"])
    func findsOneLiarTooMany(checker: String) {
        var simulation = Simulation()
        simulation.excess = 1
        if checker == "final blocks are one chain" {
            simulation.ignored = ["one certified block an epoch and height"]
        }
        #expect(found(by: simulation, seeds: 0..<40, until: checker).contains(checker))
    }

    @Test func findsAnEpochThatForgets() {
        var simulation = Simulation()
        (simulation.excess, simulation.ignored) = (2, ["one certified block an epoch and height"])
        let checker = "an epoch extends what is final"
        #expect(found(by: simulation, seeds: 0..<80, until: checker).contains(checker))
    }
}

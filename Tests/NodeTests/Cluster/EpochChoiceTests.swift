import Ledger
import Testing

@testable import Node

/// Which engine the epoch block names where the member whose turn it is to propose it is away.
@Suite(.serialized, .timeLimit(.minutes(10))) struct EpochChoiceTests {
    private static let engines = ["nats://a:4222", "nats://b:4222", "nats://c:4222", "embedded:"]

    /// The epoch that came to nothing used none of the engines: the next proposer makes the same choice.
    @Test(arguments: [nil, "embedded:n1"])
    func aProposerThatIsAwayChangesNothingOfTheChoice(wish: String?) async throws {
        let cluster = try Cluster(4, engines: EpochChoiceTests.engines)
        let before = try await cluster.perform(0, "before")
        try await cluster[3].waitForFinal(before.height)
        #expect(cluster[0].epoch.engine == "nats://a:4222")
        // Epoch 1 is the second validator's to propose.
        cluster.kill(1)
        for index in [0, 2, 3] { cluster[index].suspectEngine(wish: wish) }
        try await eventually("an epoch begins without it") { cluster[0].epoch.epoch > 0 }
        let after = try await cluster.perform(0, "after")
        #expect(cluster[0].epoch.epoch > 1)
        #expect(cluster[0].epoch.engine == wish ?? "nats://b:4222")
        try cluster.start(1)
        try await cluster.expectEqual(through: after.height)
        try cluster.close()
    }
}

import Codec
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Ordering

/// What NATS servers may do to an engine, and what it makes of it.
@Suite(.enabled(if: NATSTestCluster.isPresent, Comment(rawValue: NATSTestCluster.absence)))
struct NATSFaultTests {
    private func leader(_ world: EngineWorld, _ engine: any OrderingEngine) async throws -> Int {
        let cluster = try #require(world.cluster)
        let nats = try #require(engine as? NATSEngine)
        let placement = try await onThread { try nats.placement() }
        #expect(placement.replicas.count == 2)
        return try #require(placement.leader.flatMap(cluster.index))
    }

    @Test func goesOnWhenTheLeaderIsKilled() async throws {
        let world = try EngineKind.natsCluster.world(alone: true)
        let (first, second) = (Collector(), Collector())
        let engines = try [world.running(0, into: first), world.running(1, into: second)]
        try await eventually("ready") { engines.allSatisfy(\.health.isConnected) }
        try await engines[0].order(batches(0..<5))
        world.cluster?.kill(try await leader(world, engines[0]))
        for engine in engines { try await retry(engine, batches(5..<15)) }
        try await first.wait(for: 15)
        try await second.wait(for: 15)
        #expect(first.list == second.list)
        #expect(first.positions == Array(0..<15), "each once, though both submitted the same")
    }

    /// Servers that were started at the same moment as the nodes have yet to find each other.
    @Test func serversThatWereNeverReachedAreGivenTheirTimeOnce() async throws {
        let world = try EngineKind.natsCluster.world(alone: true)
        let cluster = try #require(world.cluster)
        for index in 0..<cluster.count { try cluster.wipe(index) }
        let collector = Collector()
        let patient = try world.engine { $0.failoverMilliseconds = 600_000 }
        #expect(patient.failover == .seconds(0), "it has not begun")
        patient.start(from: 0, deliver: collector.deliver)
        let hurried = try world.running(1, into: Collector()) { $0.failoverMilliseconds = 300 }
        #expect(patient.failover == .seconds(600))
        try await eventually("the time is over") { hurried.failover == .seconds(0) }
        #expect(!hurried.health.isConnected)
        #expect(patient.failover == .seconds(600))
        // Once it has been reached, what it needs for another leader counts, however late that was.
        for index in 0..<cluster.count { try cluster.start(index) }
        try await eventually("reached") { hurried.health.isConnected && patient.health.isConnected }
        #expect(hurried.failover == .milliseconds(300))
        try await retry(patient, batches(0..<3))
        try await collector.wait(for: 3)
        // What cannot come back is not waited for.
        for index in 0..<cluster.count { try cluster.wipe(index) }
        for index in 0..<cluster.count { try cluster.start(index) }
        try await eventually("lost") { patient.health.state == .lost }
        #expect(patient.failover == .seconds(0))
    }

    @Test func oneServerHasNothingToFallBackOn() async throws {
        let world = try EngineKind.nats.world()
        let engine = try world.running(into: Collector())
        #expect(engine.failover == .seconds(0))
        try await eventually("ready") { engine.health.isConnected }
        #expect(engine.failover == .seconds(0))
    }

    @Test func waitsWhileTheMajorityIsAwayAndGoesOnWhenItIsBack() async throws {
        let world = try EngineKind.natsCluster.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector) { $0.submitTimeoutMilliseconds = 2000 }
        try await eventually("ready") { engine.health.isConnected }
        try await retry(engine, batches(0..<5))
        cluster.kill(0)
        cluster.kill(1)
        #expect(await engine.refusal(of: batches(5..<6)[0]) == .unavailable)
        try cluster.start(0)
        try cluster.start(1)
        try await retry(engine, batches(5..<10))
        try await collector.wait(for: 10)
        #expect(collector.batches == batches(0..<10))
    }

    @Test func leavesAServerThatStandsStill() async throws {
        let world = try EngineKind.natsCluster.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await eventually("ready") { engine.health.isConnected }
        try await retry(engine, batches(0..<3))
        // The first in its list is the one that it is connected to.
        cluster.pause(0)
        defer { cluster.resume(0) }
        try await retry(engine, batches(3..<6, size: 1 << 20))
        try await collector.wait(for: 6)
        #expect(collector.batches == batches(0..<3) + batches(3..<6, size: 1 << 20))
    }

    /// Large batches fill a stalled server's socket, so that one is cut in the middle.
    @Test func aServerThatStoodStillTakesNothingForSomethingElse() async throws {
        let world = try EngineKind.nats.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector) { $0.submitTimeoutMilliseconds = 60_000 }
        try await eventually("ready") { engine.health.isConnected }
        let large = (0..<4 as Range<UInt8>).map { batches(0..<2, by: $0, size: 4_000_000) }
        cluster.pause(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in large { group.addTask { try await engine.order(part) } }
            // Its pings go unanswered for as long as it takes to give up.
            try await eventually("noticed") { engine.health.state == .unavailable }
            cluster.resume(0)
            try await group.waitForAll()
        }
        try await eventually("all delivered") {
            Set(collector.batches).isSuperset(of: large.flatMap { $0 })
        }
        #expect(collector.positions == Array(0..<UInt64(collector.list.count)))
    }

    @Test(arguments: EngineKind.durable.filter { $0 != .hosted })
    func reportsAWipedEngineAsLost(_ kind: EngineKind) async throws {
        let world = try kind.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await eventually("ready") { engine.health.isConnected }
        try await retry(engine, batches(0..<4))
        try await collector.wait(for: 4)
        for index in 0..<cluster.count { try cluster.wipe(index) }
        try world.restart()
        try await eventually("lost") { engine.health.state == .lost }
        #expect(engine.health.lastDelivered == 3)
        #expect(await engine.refusal(of: [1, 2, 3]) == .lost)
        #expect(collector.list.count == 4)
    }

    @Test func reportsAStreamThatWasCreatedAgainAsLost() async throws {
        let world = try EngineKind.nats.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await retry(engine, batches(0..<4))
        try await collector.wait(for: 4)
        // It knows of nothing while the other member, who has nothing yet, makes the stream anew.
        engine.stop()
        try cluster.wipe(0)
        try cluster.start(0)
        let other = Collector()
        let fresh = try world.running(1, into: other)
        try await retry(fresh, batches(100..<102))
        try await other.wait(for: 2)
        engine.start(from: 4, deliver: collector.deliver)
        try await eventually("lost") { engine.health.state == .lost }
        #expect(engine.health.summary.contains("had been delivered"))
        #expect(collector.list.count == 4)
        #expect(fresh.health.state == .following)
    }

    @Test func reportsAnotherStreamUnderTheNameAsLost() async throws {
        let world = try EngineKind.nats.world(alone: true)
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector) { $0.lossConfirmationMilliseconds = 60_000 }
        try await retry(engine, batches(0..<2))
        try await collector.wait(for: 2)
        try cluster.wipe(0)
        try cluster.start(0)
        let other = Collector()
        let fresh = try world.running(1, into: other)
        try await retry(fresh, batches(100..<110))
        try await eventually("lost") { engine.health.state == .lost }
        #expect(engine.health.summary.contains("created again"))
        #expect(collector.batches == batches(0..<2))
    }

    @Test func refusesAStreamWithOtherSettings() async throws {
        let world = try EngineKind.nats.world()
        let cluster = try #require(world.cluster)
        let stream = LedgerStream(chain: cluster.chain, epochBlock: world.epoch)
        let client = try RawClient(cluster, as: cluster.members[1])
        #expect(client.weaken(stream, update: false) == .done)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await eventually("refused") { engine.health.state == .misconfigured }
        #expect(await engine.refusal(of: [1]) == .misconfigured)
        #expect(engine.health.summary.contains(stream.name))
    }

    @Test func saysWhatItNeedsOfItsServers() async throws {
        let small = try NATSTestCluster(adjust: {
            $0 = $0.replacingOccurrences(of: "max_payload: 8MB", with: "max_payload: 1MB")
        })
        let collector = Collector()
        let world = EngineWorld(cluster: small)
        let engine = try world.running(into: collector)
        try await eventually("refused") { engine.health.state == .misconfigured }
        #expect(engine.health.summary.contains("max_payload"))

        let single = try EngineKind.nats.world()
        let greedy = try single.running(into: collector) { $0.replicas = 3 }
        try await eventually("refused") { greedy.health.state == .misconfigured }

        for key in [.generate(), nil] as [Ed25519.SigningKey?] {
            let stranger = try single.running(into: collector) { $0.key = key }
            try await eventually("refused") { stranger.health.state == .misconfigured }
            #expect(await stranger.refusal(of: [1]) == .misconfigured)
        }
    }

    @Test func saysThatItIsFullAndGoesOnDelivering() async throws {
        let world = try EngineKind.nats.world()
        let collector = Collector()
        let engine = try world.running(into: collector) { $0.maximumBytes = 100_000 }
        try await engine.order(batches(0..<2, size: 40_000))
        #expect(await engine.refusal(of: batches(2..<3, size: 40_000)[0]) == .refused)
        try await collector.wait(for: 2)
        #expect(collector.batches == batches(0..<2, size: 40_000), "nothing old gives way")
    }

    @Test func aBlockedDeliveryLeavesTheRestOnTheServer() async throws {
        let permission = "\"$JS.API.STREAM.INFO.*\""
        let cluster = try NATSTestCluster(adjust: {
            $0 = $0.replacingOccurrences(
                of: permission, with: permission + ", \"$JS.API.CONSUMER.INFO.>\"")
        })
        let world = EngineWorld(cluster: cluster)
        let collector = Collector()
        collector.block()
        let engine = try world.running(into: collector)
        try await engine.order(batches(0..<40, size: 1 << 20))
        let client = try RawClient(cluster, as: cluster.members[0])
        let stream = LedgerStream(chain: cluster.chain, epochBlock: world.epoch)
        let window = UInt64(NATSConfiguration.windowBytes >> 20)
        let waiting = try #require(client.pending(stream.name, reader: "alpha"))
        #expect(waiting >= 40 - window - 1, "only a window of them is in this process")
        #expect(waiting < 40)
        collector.release()
        try await collector.wait(for: 40)
    }

    /// A message may have a batch's id and not its content.
    @Test func doesNotTakeAnotherMessageForTheBatch() async throws {
        let world = try EngineKind.nats.world()
        let cluster = try #require(world.cluster)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await engine.order([0])
        let stream = LedgerStream(chain: cluster.chain, epochBlock: world.epoch)
        let client = try RawClient(cluster, as: cluster.members[0])
        let id = SHA256.digest([1, 2, 3]).description
        #expect(client.publish([9], on: stream.subject(of: cluster.members[0]), id: id) == .done)
        try await engine.order([1, 2, 3])
        try await engine.order([1, 2, 3])
        try await engine.order([4])
        try await collector.wait(for: 4)
        #expect(Array(collector.batches.prefix(4)) == [[0], [9], [1, 2, 3], [4]])
    }

    /// Submits until each batch is known to be ordered, as a node does.
    private func retry(_ engine: any OrderingEngine, _ batches: [[UInt8]]) async throws {
        let deadline = Date(timeIntervalSinceNow: 90)
        for batch in batches {
            while let refusal = await engine.refusal(of: batch) {
                try #require(refusal == .unavailable && Date() < deadline, "\(refusal) \(engine.health)")
            }
        }
    }
}

import Foundation
import Ledger
import Ordering
import Testing

/// What a host's followers find out, beyond what every engine promises.
@Suite struct HostedEngineTests {
    @Test func aHostThatLostItsLogIsFoundOut() async throws {
        let world = try EngineWorld.hosted()
        let host = try #require(world.host)
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await engine.order(batches(0..<5))
        try await collector.wait(for: 5)
        world.kill()
        try host.wipe()
        try world.restart()
        try await eventually("lost") { engine.health.state == .lost }
        #expect(await engine.refusal(of: [1]) == .lost)
        #expect(collector.list.count == 5, "nothing of another order is delivered")
    }

    @Test func aHostThatBeganAnotherLogDeliversItToNewRunsOnly() async throws {
        let world = try EngineWorld.hosted()
        let host = try #require(world.host)
        let (collector, late, again) = (Collector(), Collector(), Collector())
        let engine = try world.running(into: collector)
        try await engine.order(batches(0..<5))
        try await collector.wait(for: 5)
        engine.stop()
        world.kill()
        try host.wipe()
        try world.restart()
        let other = try world.running(1, into: late)
        try await other.order(batches(100..<110))
        try await late.wait(for: 10)
        #expect(late.positions == Array(0..<10))
        // A new run has delivered nothing to compare with: what it executes is checked by the quorum.
        engine.start(from: 5, deliver: again.deliver)
        try await again.wait(for: 5)
        #expect(again.positions == Array(5..<10))
    }

    @Test func theSameBatchKeepsItsPlaceAcrossARestart() async throws {
        let world = try EngineWorld.hosted()
        let collector = Collector()
        let engine = try world.running(into: collector)
        let list = batches(0..<3)
        try await engine.order([list[0], list[1], list[0]])
        world.kill()
        try world.restart()
        try await engine.order([list[0], list[2]])
        try await collector.wait(for: 3)
        #expect(collector.batches == list)
    }
}

import Foundation
import Ledger
import Ordering
import Synchronization
import TestSupport
import Testing

/// What every engine promises, whatever orders behind it. `docs/ordering.md` says it in words.
@Suite struct ConformanceTests {
    private static let isRequired = ProcessInfo.processInfo.environment["MILLWRIGHT_REQUIRE_NATS"] == "1"

    @Test(.enabled(if: isRequired || NATSTestCluster.isPresent, Comment(rawValue: NATSTestCluster.absence)))
    func realServersAreTested() {
        #expect(NATSTestCluster.isPresent, Comment(rawValue: NATSTestCluster.absence))
    }

    @Test(arguments: EngineKind.all)
    func ordersEveryBatchOfManySubmittersOnce(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let collector = Collector()
        let engine = try world.running(into: collector)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 as Range<UInt8> {
                group.addTask { try await engine.order(batches(0..<25, by: writer)) }
            }
            try await group.waitForAll()
        }
        try await collector.wait(for: 100)
        #expect(collector.positions == Array(0..<100), "positions from 0, without a gap")
        for writer in 0..<4 as Range<UInt8> {
            // Each submitter waited for its batch before the next.
            #expect(collector.batches.filter { $0[0] == writer } == batches(0..<25, by: writer))
        }
        #expect(engine.health.lastDelivered == 99 && engine.health.lastKnown == 99)
    }

    @Test(arguments: EngineKind.durable)
    func allMembersSeeOneOrder(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let (first, second) = (Collector(), Collector())
        let engines = try [world.running(0, into: first), world.running(1, into: second)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 as Range<UInt8> {
                group.addTask { try await engines[Int(writer % 2)].order(batches(0..<20, by: writer)) }
            }
            try await group.waitForAll()
        }
        try await first.wait(for: 80)
        try await second.wait(for: 80)
        #expect(first.list == second.list)
        #expect(Set(first.batches).count == 80)
    }

    @Test(arguments: EngineKind.durable)
    func resumesFromAnyPositionWithoutGapOrRepeat(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let all = Collector()
        let writer = try world.running(into: all)
        try await writer.order(batches(0..<10))
        try await all.wait(for: 10)
        for (count, position) in zip(11..., [0, 1, 6, 9, 10] as [UInt64]) {
            let rest = Collector()
            let reader = try world.running(1, from: position, into: rest)
            try await writer.order(batches(count..<count + 1))
            try await all.wait(for: count)
            try await rest.wait(for: count - Int(position))
            #expect(rest.list == Array(all.list.dropFirst(Int(position))))
            reader.stop()
        }
    }

    @Test(arguments: EngineKind.all)
    func startsAgainWhereItWasStopped(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let (before, after) = (Collector(), Collector())
        let engine = try world.running(into: before)
        try await engine.order(batches(0..<5))
        try await before.wait(for: 5)
        engine.stop()
        engine.start(from: 5, deliver: after.deliver)
        try await engine.order(batches(5..<8))
        try await after.wait(for: 3)
        #expect(before.batches + after.batches == batches(0..<8))
        #expect(after.positions == [5, 6, 7])
    }

    @Test(arguments: EngineKind.all)
    func takesNothingBeforeStartNorAfterStop(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let collector = Collector()
        let engine = try world.engine()
        #expect(await engine.refusal(of: [1]) == .stopped)
        #expect(engine.health.state == .stopped)
        engine.start(from: 0, deliver: collector.deliver)
        try await engine.order([1])
        try await collector.wait(for: 1)
        engine.stop()
        #expect(await engine.refusal(of: [2]) == .stopped)
        #expect(engine.health.state == .stopped && !engine.health.isConnected)
        engine.stop()
    }

    @Test(arguments: EngineKind.all)
    func takesTheLargestBatchAndRefusesWhatIsNone(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let collector = Collector()
        let engine = try world.running(into: collector)
        #expect(await engine.refusal(of: []) == .empty)
        #expect(
            await engine.refusal(of: [UInt8](repeating: 7, count: Batch.maximumSize + 1)) == .tooLarge)
        let large = batches(0..<3, size: Batch.maximumSize)
        try await engine.order(large)
        try await collector.wait(for: 3)
        #expect(collector.batches == large)
        #expect(OrderingError.empty.description == "ordering.empty")
    }

    @Test(arguments: EngineKind.all)
    func aBlockedDeliveryHoldsItBackAndLosesNothing(_ kind: EngineKind) async throws {
        let world = try kind.world()
        let collector = Collector()
        collector.block()
        let engine = try world.running(into: collector)
        let work = Task { try await engine.order(batches(0..<300)) }
        try await collector.wait(for: 1)
        if kind != .embedded { try await work.value }
        #expect(collector.list.count == 1, "one call after another")
        collector.release()
        try await work.value
        try await collector.wait(for: 300)
        #expect(collector.batches == batches(0..<300))
        #expect(collector.positions == Array(0..<300))
    }

    @Test(arguments: EngineKind.durable)
    func keepsWhatItAcknowledgedWhenItIsKilled(_ kind: EngineKind) async throws {
        let world = try kind.world(alone: true)
        let collector = Collector()
        let engine = try world.running(into: collector, patience: 60_000)
        let acknowledged = Mutex<[[UInt8]]>([])
        let failure = Mutex<(any Error)?>(nil)
        let work = Task {
            do {
                try await onThread {
                    for batch in batches(0..<60) {
                        try engine.submit(batch)
                        acknowledged.withLock { $0.append(batch) }
                    }
                }
            } catch {
                failure.withLock { $0 = error }
                throw error
            }
        }
        try await eventually("some acknowledged, \(engine.health)") {
            acknowledged.withLock { $0.count >= 20 } || failure.withLock { $0 != nil }
        }
        world.kill()
        try world.restart()
        try await work.value
        // Another member, who was not there, finds all of it, and what was delivered has its place.
        let late = Collector()
        let reader = try world.running(1, into: late)
        try await late.wait(for: 60)
        try await collector.wait(for: 60)
        #expect(late.batches == batches(0..<60), "each once: a batch that is sent again is known")
        #expect(collector.list == late.list)
        #expect(reader.health.state == .following)
    }

    @Test(arguments: EngineKind.durable)
    func saysInTimeThatItIsAwayAndComesBackByItself(_ kind: EngineKind) async throws {
        let world = try kind.world(alone: true)
        let collector = Collector()
        let engine = try world.running(into: collector, patience: 1500)
        try await eventually("ready") { engine.health.isConnected }
        try await engine.order(batches(0..<3))
        world.kill()
        let clock = ContinuousClock()
        let start = clock.now
        #expect(await engine.refusal(of: [9, 9, 9]) == .unavailable)
        #expect(clock.now - start < .seconds(6))
        try await eventually("noticed") { engine.health.state == .unavailable }
        #expect(!engine.health.summary.isEmpty)
        try world.restart()
        // It is not known whether the batch was ordered: it is submitted again.
        let deadline = Date(timeIntervalSinceNow: 60)
        while await engine.refusal(of: [9, 9, 9]) != nil { try #require(Date() < deadline) }
        try await collector.wait(for: 4)
        #expect(collector.batches == batches(0..<3) + [[9, 9, 9]])
        #expect(collector.positions == [0, 1, 2, 3])
    }
}

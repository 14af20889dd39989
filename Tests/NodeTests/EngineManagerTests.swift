import Codec
import Cryptography
import Foundation
import Ledger
import Ordering
import Synchronization
import Testing

@testable import Node

/// How long the engine of an epoch is waited for.
@Suite struct EngineManagerTests {
    /// An engine that is as the test says.
    private final class Engine: OrderingEngine {
        let isConnected = Mutex(false)
        let address: String

        init(_ address: String) { self.address = address }

        func submit(_ batch: [UInt8]) throws(OrderingError) { throw .unavailable }
        func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {}
        func stop() {}
        var failover: Span { .seconds(15) }
        var health: EngineHealth {
            EngineHealth(
                state: isConnected.withLock { $0 } ? .following : .unavailable, lastDelivered: nil,
                lastKnown: nil, summary: address)
        }
    }

    /// An engine that the validators gave up is named again by the next epoch, where another's proposer was
    /// away.
    @Test func anEngineThatWasGivenUpIsNotWaitedForAgain() async throws {
        let made = Mutex<[Engine]>([])
        let manager = EngineManager(
            factory: { context in
                let engine = Engine(context.engine)
                made.withLock { $0.append(engine) }
                return engine
            }, desk: OutboxDesk(canHandOver: true), deliveries: Deliveries(), suspect: {})
        let thread = Thread { manager.run() }
        thread.start()
        defer { manager.close() }
        func begin(_ epoch: Epoch, _ engine: String) async throws -> Engine {
            let context = EpochContext(
                epoch: epoch, block: SHA256.hash([UInt8(epoch)]), height: epoch,
                validators: ValidatorSet([], hash: SHA256.hash), leaving: nil, engine: engine)
            manager.follow(.init(context: context, after: nil, generation: epoch))
            try await eventually("epoch \(epoch) has an engine") {
                made.withLock { $0.count } == Int(epoch) && manager.health(of: context)?.summary == engine
            }
            return try #require(made.withLock { $0.last })
        }
        let first = try await begin(1, "nats://a:1")
        #expect(manager.failoverNow() == .seconds(15), "it may have been started a moment ago")
        first.isConnected.withLock { $0 = true }
        #expect(manager.failoverNow() == .seconds(15))
        first.isConnected.withLock { $0 = false }
        #expect(manager.failoverNow() == .seconds(15), "it may find another leader")

        let second = try await begin(2, "nats://a:1")
        #expect(manager.failoverNow() == .seconds(0), "it has had its time")
        second.isConnected.withLock { $0 = true }
        #expect(manager.failoverNow() == .seconds(15), "it is there again")
        second.isConnected.withLock { $0 = false }
        #expect(manager.failoverNow() == .seconds(15))

        let host = try await begin(3, "embedded:a")
        host.isConnected.withLock { $0 = true }
        #expect(manager.failoverNow() == .seconds(15))
        _ = try await begin(4, "nats://a:1")
        #expect(manager.failoverNow() == .seconds(15), "operators have moved back to it")
    }
}

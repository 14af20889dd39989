import Codec
import Ledger
import Ordering
import Synchronization

/// Makes the engine of an epoch: it may take a while, and may fail, and then is asked again.
package typealias EngineFactory = @Sendable (EpochContext) throws -> any OrderingEngine

/// Runs the engine of the epoch in force, and lets go of it when another begins.
final class EngineManager: Sendable {
    struct Request: Sendable {
        let context: EpochContext
        /// From the position after this one, or from the first.
        let after: UInt64?
        /// Deliveries carry it, so that those of an engine that was let go of are told apart.
        let generation: UInt64
    }

    private struct State: Sendable {
        var engine: (any OrderingEngine)?
        var failure: String?
        var context: EpochContext?
        /// The engine that was out of reach when its epoch was given up, until one is followed again.
        var givenUp: String?
    }

    private let requests = Mailbox<Request>()
    private let state = Mutex(State())
    private let factory: EngineFactory
    private let desk: OutboxDesk
    private let deliveries: Deliveries
    /// Told where the engine cannot be made.
    private let suspect: @Sendable () -> Void

    /// Between attempts to make an engine.
    private static let retrySeconds = 0.5

    init(
        factory: @escaping EngineFactory, desk: OutboxDesk, deliveries: Deliveries,
        suspect: @escaping @Sendable () -> Void
    ) {
        (self.factory, self.desk, self.deliveries, self.suspect) = (factory, desk, deliveries, suspect)
    }

    func follow(_ request: Request) { requests.put(request) }

    func close() { requests.close() }

    /// How an epoch's engine is; where it could not be made, why. Nil where it is yet to be made.
    func health(of context: EpochContext) -> EngineHealth? {
        let (engine, failure, own) = state.withLock { ($0.engine, $0.failure, $0.context) }
        guard own?.block == context.block else { return nil }
        if let engine { return engine.health }
        return failure.map {
            EngineHealth(state: .misconfigured, lastDelivered: nil, lastKnown: nil, summary: $0)
        }
    }

    /// Looks at the engine, and says how long it may need to get over a loss of its own.
    ///
    /// The one that an epoch was given up for has had its time: in the next epoch it is there at once or not
    /// waited for, until it has been seen to be there.
    func failoverNow() -> Span {
        let (engine, context, givenUp) = state.withLock { ($0.engine, $0.context, $0.givenUp) }
        guard let engine else { return .seconds(0) }
        if engine.health.isConnected {
            state.withLock { $0.givenUp = nil }
        } else if let givenUp, let context, givenUp.utf8.elementsEqual(context.engine.utf8) {
            return .seconds(0)
        }
        return engine.failover
    }

    /// The manager's thread.
    func run() {
        defer { letGo() }
        while let request = requests.take() {
            letGo()
            begin(request)
        }
    }

    private func letGo() {
        desk.set(engine: nil)
        let old = state.withLock { state in
            if let engine = state.engine, !engine.health.isConnected { state.givenUp = state.context?.engine }
            return state.engine.take()
        }
        old?.stop()
    }

    private func begin(_ request: Request) {
        while !requests.isInterrupted {
            do {
                let engine = try factory(request.context)
                let generation = request.generation
                engine.start(from: request.after.map { $0 + 1 } ?? 0) { [deliveries] in
                    deliveries.push($0, generation: generation)
                }
                state.withLock {
                    ($0.engine, $0.failure, $0.context) = (engine, nil, request.context)
                }
                desk.set(engine: (engine, request.context.block))
                return
            } catch {
                state.withLock {
                    ($0.engine, $0.failure, $0.context) = (nil, "\(error)", request.context)
                }
                suspect()
                guard let next = requests.take(seconds: EngineManager.retrySeconds) else { continue }
                requests.put(next)
                return
            }
        }
    }
}

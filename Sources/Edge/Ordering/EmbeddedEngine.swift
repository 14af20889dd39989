import Synchronization

/// The engine of a consortium that runs in one process: the order is the order of the calls.
///
/// It keeps nothing itself. A batch is durable with the block that it becomes, and nobody is told anything
/// before that, so a log of its own would be the same bytes a second time. Positions go on from the last
/// block's. `submit` lasts as long as `deliver` does.
package final class EmbeddedEngine: OrderingEngine {
    private struct State {
        var next: UInt64 = 0
        var lastDelivered: UInt64?
        var deliver: (@Sendable (OrderedBytes) -> Void)?
    }

    /// Holds deliveries apart; `state` is only ever held for a moment, so that `health` never waits.
    private let turn = Mutex(())
    private let state = Mutex(State())

    package init() {}

    package func submit(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.check(batch)
        let accepted = turn.withLock { _ -> Bool in
            let (deliver, position) = state.withLock { ($0.deliver, $0.next) }
            guard let deliver else { return false }
            deliver(OrderedBytes(position: position, bytes: batch))
            state.withLock {
                $0.next += 1
                $0.lastDelivered = position
            }
            return true
        }
        if !accepted { throw .stopped }
    }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        turn.withLock { _ in
            state.withLock { state in
                guard state.deliver == nil else { return }
                state = State(next: position, lastDelivered: nil, deliver: deliver)
            }
        }
    }

    package func stop() { turn.withLock { _ in state.withLock { $0.deliver = nil } } }

    package var health: EngineHealth {
        state.withLock { state in
            let runs = state.deliver != nil
            return EngineHealth(
                state: runs ? .following : .stopped, lastDelivered: state.lastDelivered,
                lastKnown: state.next == 0 ? nil : state.next - 1,
                summary: runs ? "orders in this process" : "is stopped")
        }
    }
}

import Synchronization

/// The engine of a consortium that runs in one process: the order is the order of the calls.
///
/// It keeps nothing itself. A batch is durable with the block that it becomes, and nobody is told anything
/// before that, so a log of its own would be the same bytes a second time. Positions go on from the last
/// block's.
package final class EmbeddedEngine: OrderingEngine {
    private struct State {
        var next: UInt64 = 0
        var deliver: (@Sendable (OrderedBytes) -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    package func submit(_ batch: [UInt8]) throws(OrderingError) {
        let accepted = state.withLock { state -> Bool in
            guard let deliver = state.deliver else { return false }
            deliver(OrderedBytes(position: state.next, bytes: batch))
            state.next += 1
            return true
        }
        if !accepted { throw .stopped }
    }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        state.withLock { state in
            state.next = position
            state.deliver = deliver
        }
    }

    package func stop() { state.withLock { $0.deliver = nil } }
}

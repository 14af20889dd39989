import CCurl
import Synchronization

/// Ends calls of a client from another thread, at once.
package final class HTTPCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var lanes: [ObjectIdentifier: CurlLane] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var isCancelled: Bool { state.withLock(\.isCancelled) }

    /// Ends every call that was given this value, and every later one before it begins.
    package func cancel() {
        state.withLock { state in
            state.isCancelled = true
            for lane in state.lanes.values { lane.wake() }
        }
    }

    func add(_ lane: CurlLane) { state.withLock { $0.lanes[ObjectIdentifier(lane)] = lane } }

    func remove(_ lane: CurlLane) { state.withLock { $0.lanes[ObjectIdentifier(lane)] = nil } }
}

import Foundation
import Synchronization

/// Tries of a node's own work in the background: one at a time, after a failure not before a minute has
/// passed, and none once the node stops.
final class Attempts: Sendable {
    private struct State {
        var isBusy = false
        var isStopped = false
        var after = Date.distantPast
    }

    private static let pauseSeconds = 60.0
    private static let refusedSeconds = 3600.0

    private let state = Mutex(State())

    /// Whether a try may begin now; it has begun then, and whoever asked ends it.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isBusy, !state.isStopped, Date() >= state.after else { return false }
            state.isBusy = true
            return true
        }
    }

    /// What comes next need not wait after a success.
    func end(succeeded: Bool) {
        state.withLock { state in
            state.isBusy = false
            state.after = succeeded ? .distantPast : Date(timeIntervalSinceNow: Attempts.pauseSeconds)
        }
    }

    /// Ends a try that the ledger has refused: each is a transaction on it.
    func endRefused() {
        state.withLock {
            ($0.isBusy, $0.after) = (false, Date(timeIntervalSinceNow: Attempts.refusedSeconds))
        }
    }

    func stop() { state.withLock { $0.isStopped = true } }

    var isStopped: Bool { state.withLock(\.isStopped) }
}

import Foundation
import HTTP
import Ledger
import Node

/// Tries of a node's own work in the background: one at a time, after a failure not before a while has
/// passed, and none once the node stops.
final class Attempts: Sendable {
    private struct State {
        var isBusy = false
        var isStopped = false
        var after = Date.distantPast
        var backoff: Backoff
    }

    private static let refused = Span.hours(1)

    private let state: ConditionMutex<State>

    /// - Parameter backoff: between tries; a minute unless told.
    init(_ backoff: Backoff = Backoff(first: .minutes(1), longest: .minutes(1))) {
        state = ConditionMutex(State(backoff: backoff))
    }

    /// Whether a try may begin now; it has begun then, and whoever asked ends it.
    func begin() -> Bool {
        state.update { state in
            guard !state.isBusy, !state.isStopped, Date() >= state.after else { return false }
            state.isBusy = true
            return true
        }
    }

    /// What comes next need not wait after a success.
    func end(succeeded: Bool) {
        state.update { state in
            state.isBusy = false
            if succeeded {
                state.after = .distantPast
                state.backoff.succeeded()
            } else {
                state.after = Attempts.date(after: state.backoff.failed())
            }
        }
    }

    /// Ends a try that the ledger has refused: each is a transaction on it.
    func endRefused() {
        state.update { ($0.isBusy, $0.after) = (false, Attempts.date(after: Attempts.refused)) }
    }

    private static func date(after span: Span) -> Date {
        Date(timeIntervalSinceNow: Double(span.nanoseconds) / 1e9)
    }

    func stop() { state.update { $0.isStopped = true } }

    /// Waits until the try that is under way has ended.
    func waitUntilIdle(milliseconds: Int) { state.wait(milliseconds: milliseconds) { !$0.isBusy } }

    var isStopped: Bool { state.read(\.isStopped) }
    /// Tries that have failed since the last success.
    var failures: Int { state.read(\.backoff.failures) }
}

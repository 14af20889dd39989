import Codec
import Cryptography
import HTTP
import Ledger
import Node

/// States that callers read page by page: each stays at its height while it is in use, and for half a minute
/// after.
final class LocalViews: Sendable {
    private struct Kept {
        let view: StateView
        var used: ContinuousClock.Instant
    }

    private struct State {
        var views: [String: Kept] = [:]
    }

    private let state = ConditionMutex(State())

    /// Each holds a reader of the database.
    private static let capacity = 256
    private static let lifetime = Duration.seconds(30)

    /// Keeps a view; the one that was used least recently makes room where there are too many.
    func keep(_ view: StateView) -> String {
        let token = Hex.encode(SecureRandom.bytes(16))
        let now = ContinuousClock.now
        state.update { state in
            state.views = state.views.filter { now - $0.value.used < LocalViews.lifetime }
            if state.views.count >= LocalViews.capacity,
                let oldest = state.views.min(by: { $0.value.used < $1.value.used })
            {
                state.views[oldest.key] = nil
            }
            state.views[token] = Kept(view: view, used: now)
        }
        return token
    }

    /// - Throws: 410 `view.expired`.
    func view(_ token: String) throws -> StateView {
        let now = ContinuousClock.now
        let view = state.update { state -> StateView? in
            guard let kept = state.views[token], now - kept.used < LocalViews.lifetime else { return nil }
            state.views[token]?.used = now
            return kept.view
        }
        guard let view else {
            throw Problem(.gone, "view.expired", "the node no longer keeps this state: ask again")
        }
        return view
    }
}

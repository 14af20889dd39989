import Foundation
import Ledger

/// When to ask for commits that this node lacks: at once, then at longer and longer intervals.
struct EpochMending {
    /// How often the fetch stage looks after this.
    static let lookSeconds = 0.5

    private var backoff = Backoff(first: .seconds(1), longest: .minutes(5))
    private var seen = -1
    private var height: Height?
    private var next = MonotonicClock.now

    /// So many times nobody has had them.
    var failures: Int { backoff.failures }

    /// The height of a block whose commits are to be asked for now.
    mutating func due(_ chain: [EpochRecord], genesis: Genesis, rules: Rules) -> Height? {
        if chain.count != seen {
            (seen, next) = (chain.count, MonotonicClock.now)
            backoff.succeeded()
            height = EpochRecord.lacking(chain, genesis: genesis, rules: rules)
        }
        return next <= MonotonicClock.now ? height : nil
    }

    mutating func note(hasMended: Bool) {
        if hasMended {
            self = EpochMending()
            return
        }
        next = MonotonicClock.now + backoff.failed()
    }
}

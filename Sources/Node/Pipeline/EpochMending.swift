import Foundation
import Ledger

/// When to ask for commits that this node lacks: at once, then at longer and longer intervals.
struct EpochMending {
    /// How often the fetch stage looks after this.
    static let lookSeconds = 0.5
    private static let longestWait = Span.seconds(300)

    /// So many times nobody has had them.
    private(set) var attempts = 0
    private var seen = -1
    private var height: Height?
    private var next = MonotonicClock.now

    /// The height of a block whose commits are to be asked for now.
    mutating func due(_ chain: [EpochRecord], genesis: Genesis, rules: Rules) -> Height? {
        if chain.count != seen {
            (seen, attempts, next) = (chain.count, 0, MonotonicClock.now)
            height = EpochRecord.lacking(chain, genesis: genesis, rules: rules)
        }
        return next <= MonotonicClock.now ? height : nil
    }

    mutating func note(hasMended: Bool) {
        if hasMended {
            self = EpochMending()
            return
        }
        attempts += 1
        let wait = min(EpochMending.longestWait, Span.milliseconds(500 << Int64(min(attempts, 10))))
        next = MonotonicClock.now + wait
    }
}

import Ledger

/// How long to wait before the next attempt: twice as long after each failure, up to a limit.
package struct Backoff: Sendable {
    private let first: Span
    private let longest: Span
    /// Attempts that have failed since the last that succeeded.
    package private(set) var failures = 0

    package init(first: Span, longest: Span) { (self.first, self.longest) = (first, longest) }

    /// - Parameter chance: 0..<1, so much of half the wait is added: many nodes shall not call a peer that
    ///   has come back at the same moment.
    package mutating func failed(chance: Double = 0) -> Span {
        defer { failures += 1 }
        // No limit in use is 2^20 times the first wait, and no first wait so long that this overflows.
        let wait = min(longest.nanoseconds, first.nanoseconds << Int64(min(failures, 20)))
        return Span(nanoseconds: wait + Int64(Double(wait) * chance / 2))
    }

    package mutating func succeeded() { failures = 0 }
}

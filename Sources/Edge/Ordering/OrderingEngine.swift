import Ledger

/// Puts batches in one order. It is not trusted: what it delivers is checked by whoever executes it.
///
/// An instance serves one epoch of one ledger. Positions begin at 0 with each epoch and have no gaps.
/// `docs/ordering.md` says what an engine promises; `Tests/OrderingTests` holds every engine to it.
package protocol OrderingEngine: Sendable {
    /// Hands a batch over and returns when it is durable in the order: it will be delivered at a position.
    ///
    /// May be called from several threads. Blocks for no longer than the engine's stated time.
    /// - Throws: `ordering.unavailable` where it is not known whether the batch was ordered: the caller
    ///   submits the same bytes again or changes the epoch. After every other error it was not ordered by
    ///   this call.
    func submit(_ batch: [UInt8]) throws(OrderingError)

    /// Begins to deliver batches in order, from a position on, one call after another. `deliver` may block,
    /// which holds the engine back. Does nothing where the engine runs already.
    func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void)

    /// Delivers nothing more. When it returns no call of `deliver` is under way, so a caller that has blocked
    /// one lets it go first. Not to be called from `deliver`.
    func stop()

    /// How the engine is, without waiting for anything.
    var health: EngineHealth { get }

    /// How long the engine may now need to get over the loss of a part of it, such as one server of several,
    /// or to be there at all where it has just begun.
    /// Nobody suspects it before: a change of the epoch would cost more. Zero where it has nothing to fall
    /// back on.
    var failover: Span { get }
}

extension OrderingEngine {
    package var failover: Span { .seconds(0) }
}

/// A batch as the engine delivers it.
package struct OrderedBytes: Hashable, Sendable {
    package let position: UInt64
    package let bytes: [UInt8]

    package init(position: UInt64, bytes: [UInt8]) { (self.position, self.bytes) = (position, bytes) }
}

/// Why an engine did not take a batch.
package enum OrderingError: String, Error, Sendable, CustomStringConvertible {
    /// `start` has not been called, or `stop` has.
    case stopped = "ordering.stopped"
    /// No answer in time: the batch may or may not have been ordered.
    case unavailable = "ordering.unavailable"
    /// The engine says no: its limits are reached, or this member may not order.
    case refused = "ordering.refused"
    /// A batch has at least one byte.
    case empty = "ordering.empty"
    /// A batch has at most `Batch.maximumSize` bytes.
    case tooLarge = "ordering.too_large"
    /// The engine's settings are not those of this ledger. `health` names the one that differs.
    case misconfigured = "ordering.misconfigured"
    /// The engine has lost batches that it had delivered. Only a new epoch helps.
    case lost = "ordering.lost"

    package var description: String { rawValue }

    /// What every engine refuses before it does anything else.
    /// - Throws: `ordering.empty`, `ordering.too_large`.
    static func check(_ batch: [UInt8]) throws(OrderingError) {
        if batch.isEmpty { throw .empty }
        if batch.count > Batch.maximumSize { throw .tooLarge }
    }
}

/// How an engine is.
package struct EngineHealth: Hashable, Sendable {
    package enum State: String, Sendable {
        /// Connected, and delivering what is ordered.
        case following
        /// Out of reach for now; it is tried again and again.
        case unavailable
        /// What was delivered is no longer in the order, or another order has its place: nothing more is
        /// delivered.
        case lost
        /// The settings that it found are not those of this ledger; it looks again from time to time.
        case misconfigured
        /// Not started, or stopped.
        case stopped
    }

    package let state: State
    /// The last position that `deliver` was given; nil before the first.
    package let lastDelivered: UInt64?
    /// The last position that the engine is known to have given out; nil where it is not known.
    package let lastKnown: UInt64?
    /// A sentence for people.
    package let summary: String

    package init(state: State, lastDelivered: UInt64?, lastKnown: UInt64?, summary: String) {
        (self.state, self.lastDelivered, self.lastKnown) = (state, lastDelivered, lastKnown)
        self.summary = summary
    }

    /// Whether the engine can be reached.
    package var isConnected: Bool { state == .following }
}

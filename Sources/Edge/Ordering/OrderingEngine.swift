/// Puts batches in one order. It is not trusted: what it delivers is checked by whoever executes it.
package protocol OrderingEngine: Sendable {
    /// Hands a batch over; it will be delivered at one position, or the call throws.
    func submit(_ batch: [UInt8]) throws(OrderingError)

    /// Begins to deliver batches in order, from a position on, one call after another. `deliver` may block,
    /// which holds the engine back.
    func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void)

    /// Delivers nothing more.
    func stop()
}

/// A batch as the engine delivers it.
package struct OrderedBytes: Sendable {
    package let position: UInt64
    package let bytes: [UInt8]

    package init(position: UInt64, bytes: [UInt8]) { (self.position, self.bytes) = (position, bytes) }
}

/// Why an engine did not take a batch.
package enum OrderingError: String, Error, Sendable, CustomStringConvertible {
    /// `start` has not been called, or `stop` has.
    case stopped = "ordering.stopped"

    package var description: String { rawValue }
}

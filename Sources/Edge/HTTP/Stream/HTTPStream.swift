/// A body without an end that is known: a producer that is asked for the next bytes on the connection's own
/// thread.
///
/// The server asks in slices of at most 100 ms, so that it notices a client that has gone and its own end;
/// in between it sends the heartbeat whenever nothing else was sent for `heartbeatMilliseconds`. A client
/// that does not take what is sent keeps the producer from being asked: that is the back pressure.
package struct HTTPStream: Sendable {
    package enum Part: Sendable {
        /// Bytes to send; empty counts as idle.
        case bytes([UInt8])
        /// Nothing came within the time.
        case idle
        /// The body is whole.
        case end
    }

    /// Waits for at most the given milliseconds. An error ends the connection, which the client sees as
    /// `http.interrupted`.
    let next: @Sendable (_ milliseconds: Int) throws -> Part
    let heartbeat: [UInt8]
    let heartbeatMilliseconds: Int
    let onEnd: @Sendable () -> Void

    /// - Parameters:
    ///   - heartbeat: what to send when idle, `Frame.heartbeat` for frames; empty for none.
    ///   - onEnd: called once, when the client or the server or the producer has ended the stream.
    package init(
        heartbeat: [UInt8] = Frame.heartbeat, everyMilliseconds: Int = 2_000,
        onEnd: @escaping @Sendable () -> Void = {},
        next: @escaping @Sendable (_ milliseconds: Int) throws -> Part
    ) {
        self.next = next
        self.heartbeat = heartbeat
        heartbeatMilliseconds = everyMilliseconds
        self.onEnd = onEnd
    }
}

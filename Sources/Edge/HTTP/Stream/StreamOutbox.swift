import Synchronization

/// A bounded queue between the threads that have something to say and one stream that carries it.
///
/// `push` never waits: a client that does not keep up overflows its queue, which ends its stream, and it
/// connects again and asks for what it missed. Memory is bounded, and no slow client holds up the others.
package final class StreamOutbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isFinished = false
        var hasOverflowed = false
    }

    private let state = ConditionMutex(State())
    private let limit: Int

    /// - Parameter limit: how many bytes may wait.
    package init(limit: Int = 4 << 20) { self.limit = limit }

    /// Adds bytes to what is sent; false where the stream is over or the queue is full.
    @discardableResult package func push(_ bytes: [UInt8]) -> Bool {
        state.update { state in
            guard !state.isFinished else { return false }
            guard bytes.count <= limit - state.bytes.count else {
                state.hasOverflowed = true
                state.isFinished = true
                state.bytes = []
                return false
            }
            state.bytes += bytes
            return true
        }
    }

    /// Ends the stream once what was pushed is sent.
    package func finish() { state.update { $0.isFinished = true } }

    /// Whether nothing more can be pushed: finished, overflowed, or the client has gone.
    package var isFinished: Bool { state.read { $0.isFinished } }

    /// The stream that carries this queue.
    package func stream(heartbeat: [UInt8] = Frame.heartbeat, everyMilliseconds: Int = 2_000) -> HTTPStream {
        HTTPStream(
            heartbeat: heartbeat, everyMilliseconds: everyMilliseconds, onEnd: finish,
            next: { try self.next(milliseconds: $0) })
    }

    private func next(milliseconds: Int) throws -> HTTPStream.Part {
        try state.wait(
            milliseconds: milliseconds, until: { !$0.bytes.isEmpty || $0.isFinished },
            then: { state in
                if state.hasOverflowed { throw HTTPError(.tooLarge, "a stream's client does not keep up") }
                guard !state.bytes.isEmpty else { return state.isFinished ? .end : .idle }
                defer { state.bytes = [] }
                return .bytes(state.bytes)
            })
    }
}

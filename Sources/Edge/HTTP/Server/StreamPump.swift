import CMicroHTTPD

/// Carries one stream from its producer into MHD's buffer, on the connection's thread.
final class StreamPump {
    /// How soon a stop or a client that has gone is noticed.
    private static let sliceMilliseconds = 100

    private let stream: HTTPStream
    private let target: HTTPTarget
    private let connection: ServerConnection
    private let core: ServerCore
    private let heartbeatMilliseconds: Int
    private var pending: [UInt8] = []
    private var position = 0
    private var lastSent = MonotonicClock.milliseconds

    init(_ stream: HTTPStream, _ target: HTTPTarget, _ connection: ServerConnection, _ core: ServerCore) {
        (self.stream, self.target, self.connection, self.core) = (stream, target, connection, core)
        // Silence for longer than the stall limit would end the connection.
        heartbeatMilliseconds = max(
            1,
            min(
                stream.heartbeatMilliseconds, core.configuration.stallSeconds * 1_000 / 2))
        core.state.update { $0.metrics.openStreams += 1 }
    }

    deinit {
        stream.onEnd()
        core.state.update { $0.metrics.openStreams -= 1 }
    }

    /// Fills a buffer, waiting for something to fill it with. Returns the count or one of MHD's two ends.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        do {
            while position == pending.count {
                if connection.isAbandoned { return http_end_with_error }
                let due = lastSent + heartbeatMilliseconds - MonotonicClock.milliseconds
                switch try stream.next(max(0, min(StreamPump.sliceMilliseconds, due))) {
                case .bytes(let bytes): (pending, position) = (bytes, 0)
                case .end: return http_end_of_stream
                case .idle:
                    if MonotonicClock.milliseconds - lastSent >= heartbeatMilliseconds {
                        (pending, position) = (stream.heartbeat, 0)
                        lastSent = MonotonicClock.milliseconds
                    }
                }
            }
        } catch {
            if !(error is HTTPError) { core.configuration.onFailure(error, target) }
            return http_end_with_error
        }
        lastSent = MonotonicClock.milliseconds
        let count = min(buffer.count, pending.count - position)
        pending.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[position..<position + count])) }
        position += count
        return count
    }
}

import Foundation

/// What the threads of one engine tell each other: whether it runs, how it is, and what may be published to.
///
/// `@unchecked Sendable`: every stored property but the lock is read and written only under it.
final class EngineStatus: @unchecked Sendable {
    private let condition = NSCondition()
    private var state = EngineHealth.State.stopped
    private var summary = "is stopped"
    private var lastDelivered: UInt64?
    private var lastKnown: UInt64?
    private var stream: NATSStream?
    private var isStopping = true
    private var hasFollowed = false
    private var began = ContinuousClock.now

    var health: EngineHealth {
        condition.withLock {
            EngineHealth(
                state: state, lastDelivered: lastDelivered, lastKnown: lastKnown, summary: summary)
        }
    }

    /// Whether servers may be on their way: they have been there in this run, or it began a short time ago
    /// and they may have just been started.
    /// - Parameter time: how long servers that nobody has seen yet are given.
    func mayCome(within time: Duration) -> Bool {
        condition.withLock {
            guard state == .following || state == .unavailable else { return false }
            return hasFollowed || ContinuousClock.now - began < time
        }
    }

    // MARK: The engine

    /// Begins a run; false where one is under way.
    func begin() -> Bool {
        condition.withLock {
            guard isStopping else { return false }
            (isStopping, hasFollowed, began) = (false, false, .now)
            (state, summary) = (.unavailable, "connects to the servers")
            (lastDelivered, lastKnown, stream) = (nil, nil, nil)
            return true
        }
    }

    /// Ends a run, and what waits in it.
    func end() {
        condition.withLock {
            isStopping = true
            (state, summary) = (.stopped, "is stopped")
            stream?.connection.close()
            stream = nil
            condition.broadcast()
        }
    }

    /// The stream that batches may be published to, as soon as there is one.
    /// - Throws: `ordering.stopped`, `ordering.lost`, `ordering.misconfigured`; `ordering.unavailable` at the
    ///   deadline.
    func stream(until deadline: Date) throws(OrderingError) -> NATSStream {
        condition.lock()
        defer { condition.unlock() }
        while true {
            switch state {
            case .stopped: throw .stopped
            case .lost: throw .lost
            case .misconfigured: throw .misconfigured
            case .following, .unavailable: break
            }
            if let stream, stream.connection.isConnected { return stream }
            // A connection comes back without a word: look again soon.
            let wake = min(deadline, Date(timeIntervalSinceNow: 0.02))
            if !condition.wait(until: wake) && Date() >= deadline { throw .unavailable }
        }
    }

    /// A batch has this position.
    func ordered(at position: UInt64) { condition.withLock { lastKnown = max(lastKnown ?? 0, position) } }

    /// Lets some time pass, less where the engine is stopped.
    func pause(milliseconds: Int) {
        let end = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
        condition.withLock { while !isStopping && condition.wait(until: end) {} }
    }

    // MARK: The follower

    var isEnding: Bool { condition.withLock { isStopping } }

    /// Publishing may begin. False where the engine has been stopped.
    func opened(_ stream: NATSStream) -> Bool {
        condition.withLock {
            guard !isStopping else { return false }
            self.stream = stream
            condition.broadcast()
            return true
        }
    }

    func report(_ state: EngineHealth.State, _ summary: String) {
        condition.withLock {
            guard !isStopping else { return }
            (self.state, self.summary) = (state, summary)
            hasFollowed = hasFollowed || state == .following
            condition.broadcast()
        }
    }

    func delivered(_ position: UInt64?, known: UInt64?) {
        condition.withLock {
            lastDelivered = position
            if let known { lastKnown = max(lastKnown ?? 0, known) }
        }
    }
}

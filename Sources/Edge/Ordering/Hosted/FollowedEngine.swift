import Codec
import Foundation
import HTTP
import Ledger
import Synchronization

/// The embedded engine of another member's node, followed over HTTP.
///
/// A connection that breaks is made again from the last batch that came. That one comes first again, and has
/// to be the same: a host that has lost its log, or has begun another, is found out.
package final class FollowedEngine: OrderingEngine {
    private struct State {
        var health = EngineHealth.State.stopped
        var summary = "is stopped"
        var lastDelivered: UInt64?
        var lastKnown: UInt64?
        var deliver: (@Sendable (OrderedBytes) -> Void)?
        var run = 0
        var cancellation = HTTPCancellation()
    }

    private let client: HTTPClient
    private let target: HTTPTarget
    private let submitMilliseconds: Int
    private let state = Mutex(State())
    private let turn = Mutex(())

    /// - Parameters:
    ///   - client: of the host's node.
    ///   - path: under which the host answers for this epoch, such as `/v1/engine/<epoch block>/batches`.
    ///   - submitMilliseconds: how long `submit` waits for the host.
    package init(client: HTTPClient, path: [String], submitMilliseconds: Int = 5_000) {
        (self.client, self.submitMilliseconds) = (client, submitMilliseconds)
        target = HTTPTarget(path)
    }

    package func submit(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.check(batch)
        switch state.withLock({ $0.health }) {
        case .stopped: throw .stopped
        case .lost: throw .lost
        case .following, .unavailable, .misconfigured: break
        }
        let deadline = Date(timeIntervalSinceNow: Double(submitMilliseconds) / 1000)
        while true {
            let left = Int(deadline.timeIntervalSinceNow * 1000)
            do {
                try client.request(.post, target, body: batch, totalMilliseconds: max(1, left)).successful()
                return
            } catch {
                let reason = FollowedEngine.reason(error)
                // The host knows a batch again that comes a second time.
                guard reason == .unavailable, Date() < deadline else { throw reason }
                guard state.withLock({ $0.deliver != nil }) else { throw .stopped }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    private static func reason(_ error: HTTPError) -> OrderingError {
        if let known = error.problem.flatMap({ OrderingError(rawValue: $0.code) }) { return known }
        switch error.status {
        case 401, 403: return .refused
        case 404: return .misconfigured
        default: return .unavailable
        }
    }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        let run = state.withLock { state -> Int? in
            guard state.deliver == nil else { return nil }
            state = State(
                health: .unavailable, summary: "connects to \(client.endpoint)", deliver: deliver,
                run: state.run + 1)
            return state.run
        }
        guard let run else { return }
        let thread = Thread { [self] in follow(from: position, run: run) }
        thread.name = "follow"
        thread.start()
    }

    package func stop() {
        let cancellation = state.withLock { state in
            state.deliver = nil
            state.run += 1
            (state.health, state.summary) = (.stopped, "is stopped")
            return state.cancellation
        }
        cancellation.cancel()
        // A delivery that is under way ends before this returns.
        turn.withLock { _ in }
    }

    package var health: EngineHealth {
        state.withLock {
            EngineHealth(
                state: $0.health, lastDelivered: $0.lastDelivered, lastKnown: $0.lastKnown,
                summary: $0.summary)
        }
    }

    // MARK: Following

    /// What ends a round of following for good.
    private struct Lost: Error { let text: String }
    private struct Stopped: Error {}

    private func follow(from position: UInt64, run: Int) {
        var next = position
        var last: OrderedBytes?
        while let cancellation = state.withLock({ $0.run == run ? $0.cancellation : nil }) {
            do {
                try round(&next, &last, run, cancellation)
                report(.unavailable, "\(client.endpoint) ended the stream", run)
            } catch let lost as Lost {
                return report(.lost, lost.text, run)
            } catch is Stopped {
                return
            } catch let error as HTTPError {
                let isWrong = error.status == 404 || error.status == 403 || error.status == 401
                report(isWrong ? .misconfigured : .unavailable, "\(client.endpoint): \(error)", run)
            } catch { report(.unavailable, "\(client.endpoint): \(error)", run) }
            pause(milliseconds: 150, run)
        }
    }

    private func round(
        _ next: inout UInt64, _ last: inout OrderedBytes?, _ run: Int, _ cancellation: HTTPCancellation
    ) throws {
        // The last batch once more, to see that it is still the one that was delivered.
        var repeated = last
        let from = HTTPTarget(
            target.components, query: [.init("from", "\(repeated?.position ?? next)")])
        var (position, latest) = (next, last)
        defer { (next, last) = (position, latest) }
        try client.frames(
            .get, from, maximumFrameBytes: HostedEngine.frameBytes, cancellation: cancellation
        ) { message in
            guard message.count > 8 else { return try greet(message, expecting: position, run) }
            let ordered = OrderedBytes(
                position: bigEndianNumber(message.prefix(8)), bytes: Array(message.dropFirst(8)))
            if let known = repeated {
                repeated = nil
                guard ordered == known else {
                    throw Lost(text: "the host has another batch at position \(known.position)")
                }
                return
            }
            guard ordered.position == position else {
                throw Lost(text: "the host leaves out position \(position)")
            }
            try deliver(ordered, run)
            (position, latest) = (position + 1, ordered)
        }
    }

    /// The host has so many batches: at least those that have been delivered.
    private func greet(_ message: [UInt8], expecting position: UInt64, _ run: Int) throws {
        let end = bigEndianNumber(message)
        guard end >= position else {
            throw Lost(text: "the host has \(end) batches, \(position) have been delivered")
        }
        report(.following, "follows \(client.endpoint)", run)
        state.withLock { if $0.run == run, end > 0 { $0.lastKnown = end - 1 } }
    }

    private func deliver(_ ordered: OrderedBytes, _ run: Int) throws {
        try turn.withLock { _ in
            guard let deliver = state.withLock({ $0.run == run ? $0.deliver : nil }) else { throw Stopped() }
            deliver(ordered)
            state.withLock { state in
                guard state.run == run else { return }
                state.lastDelivered = ordered.position
                state.lastKnown = max(state.lastKnown ?? 0, ordered.position)
            }
        }
    }

    private func report(_ health: EngineHealth.State, _ summary: String, _ run: Int) {
        state.withLock { state in
            guard state.run == run, state.deliver != nil else { return }
            (state.health, state.summary) = (health, summary)
        }
    }

    private func pause(milliseconds: Int, _ run: Int) {
        let end = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
        while state.withLock({ $0.run == run }), Date() < end { Thread.sleep(forTimeInterval: 0.02) }
    }
}

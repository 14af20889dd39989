import Codec
import Foundation
import HTTP
import Storage
import Synchronization

/// The embedded engine as its host runs it for a whole consortium: the order is a durable log in the host's
/// data directory, which the other members follow over HTTP (`FollowedEngine`). No server is needed.
package final class HostedEngine: OrderingEngine {
    private struct State {
        var deliver: (@Sendable (OrderedBytes) -> Void)?
        var lastDelivered: UInt64?
        var failure: String?
        /// The run that `stop` ends; a thread of an earlier run ends by itself.
        var run = 0
    }

    private let log: OrderLog
    private let state = Mutex(State())
    /// Held while a batch is delivered.
    private let turn = Mutex(())

    /// Opens or makes the epoch's log.
    /// - Parameters:
    ///   - folder: of this epoch alone.
    ///   - epochBlock: the epoch block's hash.
    /// - Throws: those of the block log.
    package init(
        opening folder: String, epochBlock: Digest, files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        log = try OrderLog(opening: folder, epoch: epochBlock, files: files)
    }

    /// Orders a batch, whether or not the host's own node follows.
    /// - Throws: `ordering.empty`, `ordering.too_large`; `ordering.unavailable` where the disk failed.
    package func order(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.check(batch)
        try log.append(batch)
    }

    package func submit(_ batch: [UInt8]) throws(OrderingError) {
        try OrderingError.check(batch)
        guard state.withLock({ $0.deliver != nil }) else { throw .stopped }
        try log.append(batch)
    }

    package func start(from position: UInt64, deliver: @escaping @Sendable (OrderedBytes) -> Void) {
        let run = state.withLock { state -> Int? in
            guard state.deliver == nil else { return nil }
            state = State(deliver: deliver, run: state.run + 1)
            return state.run
        }
        guard let run else { return }
        let thread = Thread { [self] in follow(from: position, run: run) }
        thread.name = "order"
        thread.start()
    }

    package func stop() {
        state.withLock { state in
            state.deliver = nil
            state.run += 1
        }
        // A delivery that is under way ends before this returns.
        turn.withLock { _ in }
    }

    private func follow(from position: UInt64, run: Int) {
        var next = position
        while state.withLock({ $0.run == run }) {
            guard log.wait(for: next, milliseconds: 100) else { continue }
            do {
                guard let batch = try log.read(next) else { continue }
                turn.withLock { _ in
                    let deliver = state.withLock { $0.run == run ? $0.deliver : nil }
                    guard let deliver else { return }
                    deliver(OrderedBytes(position: next, bytes: batch))
                    state.withLock { $0.lastDelivered = next }
                }
                next += 1
            } catch {
                state.withLock { $0.failure = "the order cannot be read at position \(next): \(error)" }
                return
            }
        }
    }

    package var health: EngineHealth {
        let end = log.end
        return state.withLock { state in
            let known = end == 0 ? nil : end - 1
            if let failure = state.failure {
                return EngineHealth(
                    state: .lost, lastDelivered: state.lastDelivered, lastKnown: known, summary: failure)
            }
            let runs = state.deliver != nil
            return EngineHealth(
                state: runs ? .following : .stopped, lastDelivered: state.lastDelivered, lastKnown: known,
                summary: runs ? "orders in this node, for all members" : "is stopped")
        }
    }

    // MARK: For those who follow

    /// The longest frame: a batch and its position.
    static let frameBytes = (4 << 20) + 8

    /// The order from a position on, as an endless stream of frames: first the number of batches that there
    /// are, then for each its position and the batch. Numbers are 8 bytes, big-endian.
    package func stream(from position: UInt64) -> HTTPResponse {
        let next = Mutex<UInt64?>(nil)
        let log = log
        return HTTPResponse(
            .ok, ["Content-Type": "application/octet-stream"],
            stream: HTTPStream { milliseconds in
                guard let position = next.withLock({ $0 }) else {
                    next.withLock { $0 = position }
                    return .bytes(Frame.encode(HostedEngine.header(log.end)))
                }
                guard log.wait(for: position, milliseconds: milliseconds),
                    let batch = try log.read(position)
                else { return .idle }
                next.withLock { $0 = position + 1 }
                return .bytes(Frame.encode(HostedEngine.header(position) + batch))
            })
    }

    static func header(_ position: UInt64) -> [UInt8] {
        withUnsafeBytes(of: position.bigEndian) { Array($0) }
    }

    /// Answers a follower's batch: 204 once it is durable in the order.
    package func answer(to batch: [UInt8]) -> HTTPResponse {
        do {
            try order(batch)
            return HTTPResponse(.noContent)
        } catch {
            let status: HTTPStatus = error == .tooLarge ? .contentTooLarge : .badRequest
            return Problem(
                error == .unavailable ? .unavailable : status, error.rawValue,
                "the batch was not ordered"
            ).response
        }
    }
}

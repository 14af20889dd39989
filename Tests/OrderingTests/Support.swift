import Codec
import Cryptography
import Foundation
import Ledger
import Ordering
import Synchronization
import TestSupport
import Testing

/// What an engine delivers, in the order in which it does. Can be made to block.
final class Collector: Sendable {
    private let state = Mutex<(list: [OrderedBytes], isBlocked: Bool)>(([], false))
    private let gate = NSCondition()

    var list: [OrderedBytes] { state.withLock { $0.list } }
    var positions: [UInt64] { list.map(\.position) }
    var batches: [[UInt8]] { list.map(\.bytes) }

    var deliver: @Sendable (OrderedBytes) -> Void {
        { [self] ordered in
            state.withLock { $0.list.append(ordered) }
            gate.withLock { while state.withLock({ $0.isBlocked }) { gate.wait() } }
        }
    }

    func block() { state.withLock { $0.isBlocked = true } }

    func release() {
        state.withLock { $0.isBlocked = false }
        gate.withLock { gate.broadcast() }
    }

    /// Waits until so many have come.
    func wait(
        for count: Int, seconds: Double = 90, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually(
            "\(count) delivered", seconds: seconds, sourceLocation: sourceLocation
        ) { self.list.count >= count }
    }
}

/// Waits until a condition holds; a test fails where it does not in time.
func eventually(
    _ what: @autoclosure () -> String, seconds: Double = 90,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: @escaping @Sendable () -> Bool
) async throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !condition() {
        try #require(Date() < deadline, "not in time: \(what())", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Runs something that blocks on a thread of its own: tests share few threads.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { done in
        Thread.detachNewThread { done.resume(with: Swift.Result { try body() }) }
    }
}

extension OrderingEngine {
    /// Submits from a thread of its own.
    func order(_ batch: [UInt8]) async throws { try await onThread { try submit(batch) } }

    /// Submits one after another.
    func order(_ batches: [[UInt8]]) async throws {
        try await onThread { for batch in batches { try submit(batch) } }
    }

    /// The error of a submission, nil where there is none.
    func refusal(of batch: [UInt8]) async -> OrderingError? {
        do {
            try await order(batch)
            return nil
        } catch { return error as? OrderingError }
    }
}

/// Different batches, recognisable by their first bytes.
func batches(_ range: Range<Int>, by writer: UInt8 = 0, size: Int = 100) -> [[UInt8]] {
    range.map { number in
        [writer, UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size - 3)
    }
}

func newEpoch() -> Digest { SHA256.digest(SecureRandom.bytes(32)) }

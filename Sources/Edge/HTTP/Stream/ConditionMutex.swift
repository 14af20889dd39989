import Foundation

/// A value that threads share, with a way to wait until it has changed.
///
/// `@unchecked Sendable` holds because the value is touched only under the lock.
package final class ConditionMutex<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value

    package init(_ value: sending Value) { self.value = value }

    package func read<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(value)
    }

    /// Changes the value and wakes whoever waits.
    @discardableResult package func update<Result>(
        _ body: (inout Value) throws -> Result
    ) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&value)
    }

    /// Waits for a condition, at most for some time; whether it holds.
    @discardableResult package func wait(milliseconds: Int, until isMet: (Value) -> Bool) -> Bool {
        wait(milliseconds: milliseconds, until: isMet, then: { isMet($0) })
    }

    /// Waits for a condition, at most for some time, and then runs `body` whether it holds or not.
    package func wait<Result>(
        milliseconds: Int, until isMet: (Value) -> Bool, then body: (inout Value) throws -> Result
    ) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        let deadline = MonotonicClock.milliseconds + milliseconds
        while !isMet(value) {
            let left = deadline - MonotonicClock.milliseconds
            if left <= 0 { break }
            // The date follows the wall clock; the loop holds the wait to the clock that never jumps.
            _ = condition.wait(until: Date(timeIntervalSinceNow: Double(left) / 1_000))
        }
        return try body(&value)
    }
}

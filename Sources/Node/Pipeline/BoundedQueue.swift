import Foundation

/// A queue between two threads that makes the faster one wait.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`.
final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var elements: [Element] = []
    private var isClosed = false
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// Adds an element, waiting for room. False where the queue is closed.
    @discardableResult
    func push(_ element: Element) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while elements.count >= capacity && !isClosed { condition.wait() }
        guard !isClosed else { return false }
        elements.append(element)
        condition.broadcast()
        return true
    }

    /// Adds an element where there is room, without waiting.
    func offer(_ element: Element) {
        condition.lock()
        defer { condition.unlock() }
        guard elements.count < capacity, !isClosed else { return }
        elements.append(element)
        condition.broadcast()
    }

    var count: Int {
        condition.lock()
        defer { condition.unlock() }
        return elements.count
    }

    /// Takes everything that is there, at most `limit`, waiting for the first. Empty once closed and drained.
    func take(limit: Int) -> [Element] {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty && !isClosed { condition.wait() }
        let taken = Array(elements.prefix(limit))
        elements.removeFirst(taken.count)
        condition.broadcast()
        return taken
    }

    /// Lets nothing more in; what is there can still be taken.
    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

extension NSCondition {
    /// Waits for a signal; false once a time has come. (`wait(until:)` traps on a distant one.)
    func wait(unlessAfter end: Date?) -> Bool {
        guard let end else {
            wait()
            return true
        }
        return wait(until: end)
    }
}

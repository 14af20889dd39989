import Foundation
import Synchronization

/// Named threads that are waited for together.
final class ThreadGroup: Sendable {
    private let group = DispatchGroup()

    /// Runs the body and lets go of it before `join` returns, so that what it held is free by then: the lock
    /// on a data directory that is opened again at once.
    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        let waiting = Mutex<(@Sendable () -> Void)?>(body)
        let thread = Thread { [group] in
            do {
                let body = waiting.withLock { $0.take() }
                body?()
            }
            group.leave()
        }
        // Linux takes fifteen characters or none.
        thread.name = "mw.\(name)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    func join() { group.wait() }
}

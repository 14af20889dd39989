import Foundation
import Synchronization

/// Named threads that are waited for together.
final class ThreadGroup: Sendable {
    /// What a thread does, let go of when it is done and not only when the thread has ended: after `join` nothing that
    /// the body held is held by it, such as the lock of a data directory.
    private final class Job: Sendable {
        private let body: Mutex<(@Sendable () -> Void)?>

        init(_ body: @escaping @Sendable () -> Void) { self.body = Mutex(body) }

        func run() {
            let taken = body.withLock { body -> (@Sendable () -> Void)? in
                defer { body = nil }
                return body
            }
            taken?()
        }
    }

    private let group = DispatchGroup()

    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        let job = Job(body)
        let thread = Thread { [group] in
            job.run()
            group.leave()
        }
        thread.name = "millwright.\(name)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    func join() { group.wait() }
}

import Foundation
import Synchronization

/// Named threads that are waited for together.
final class ThreadGroup: Sendable {
    private let group = DispatchGroup()

    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        let thread = Thread { [group] in
            body()
            group.leave()
        }
        thread.name = "millwright.\(name)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    func join() { group.wait() }
}

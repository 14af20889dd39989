import HTTP
import Node

/// Waits on a connection's thread for what a task comes to, and notices a caller that has gone. The task
/// itself goes on: what was taken in is taken in.
struct LocalWait<Value: Sendable>: Sendable {
    private let result: ConditionMutex<Result<Value, any Error>?>

    init(_ body: @escaping @Sendable () async throws -> Value) {
        let result = ConditionMutex<Result<Value, any Error>?>(nil)
        self.result = result
        Task {
            let value: Result<Value, any Error>
            do { value = .success(try await body()) } catch { value = .failure(error) }
            result.update { $0 = value }
        }
    }

    /// - Returns: nil where it took longer than a request may wait, or nobody waits for the answer.
    func wait(_ request: HTTPRequest) throws -> Value? {
        let deadline = ContinuousClock.now + .milliseconds(LocalAPI.waitMilliseconds)
        while !result.wait(milliseconds: 100, until: { $0 != nil }) {
            if request.isAbandoned || ContinuousClock.now >= deadline { return nil }
        }
        return try result.read { $0 }?.get()
    }
}

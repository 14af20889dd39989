import Foundation
import HTTP
import Synchronization

/// Signals in the place of what the system does with them.
final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter handler: called for one signal after the other, whatever the program's tasks do.
    init(_ numbers: [Int32], _ handler: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "signals")
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handler(number) }
            source.resume()
            return source
        }
    }

    /// For what somebody may ask to end: the first signal asks, and a second one ends the program at once.
    /// Several from one cause, as a closing terminal's or those of `timeout`, are one.
    ///
    /// SIGHUP stays ignored where the program was started so, as by nohup. SIGINT does not: a shell without
    /// job control ignores it for all that it starts in the background, and whoever sends one to such a
    /// program means it.
    /// - Parameters:
    ///   - ask: called on a thread of its own, so that it may take its time.
    ///   - atOnce: what has to be done even then.
    convenience init(
        asking ask: @escaping @Sendable (Int32) -> Void, atOnce: @escaping @Sendable () -> Void = {}
    ) {
        let asked = Mutex<ContinuousClock.Instant?>(nil)
        self.init(Signals.endings.filter { $0 != SIGHUP || !Signals.ignoresHangup }) { number in
            let now = ContinuousClock.now
            let first = asked.withLock { asked in
                defer { asked = asked ?? now }
                return asked
            }
            guard let first else { return Thread.detachNewThread { ask(number) } }
            guard now - first > Signals.oneCause else { return }
            atOnce()
            _exit(Interruption.status(number))
        }
    }

    func end() { for source in sources { source.cancel() } }

    /// Signals that come within this time of the first mean the same.
    private static let oneCause = Duration.milliseconds(300)

    /// What asks a program to end: Ctrl-C, the system, and the terminal's going away.
    static let endings = [SIGINT, SIGTERM, SIGHUP]

    /// Looked at before anything here changes it.
    private static let ignoresHangup: Bool = {
        var action = sigaction()
        guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }()

    /// Runs a body that ends early where somebody asks the program to: the first signal cancels its task, so
    /// that it can take back what it made; a second one ends the program at once.
    /// - Throws: what the body throws; `Interruption` where a signal was the reason.
    static func interrupting<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let first = Mutex<Int32?>(nil)
        let work = Late<Task<Result, any Error>>()
        let signals = Signals { number in
            first.withLock { $0 = number }
            work.value.cancel()
        }
        defer { signals.end() }
        let task = Task { try await body() }
        work.set(task)
        do { return try await task.value } catch {
            throw first.withLock { $0 }.map { Interruption($0, "") } ?? error
        }
    }
}

/// A value that comes later: whoever asks before waits for it.
final class Late<Value: Sendable>: Sendable {
    private let held = ConditionMutex<Value?>(nil)

    func set(_ value: Value) { held.update { $0 = value } }

    /// Nil where it has not come yet.
    var present: Value? { held.read { $0 } }

    var value: Value {
        while true {
            let value = held.wait(milliseconds: 60_000, until: { $0 != nil }, then: { $0 })
            if let value { return value }
        }
    }
}

/// Somebody ended the program before its work was done.
struct Interruption: Error, CustomStringConvertible {
    let signal: Int32
    /// What became of what was made until then.
    let message: String

    init(_ signal: Int32, _ message: String) { (self.signal, self.message) = (signal, message) }

    var description: String { "cli.interrupted: stopped before the end; \(message)" }

    /// As shells tell it.
    static func status(_ signal: Int32) -> Int32 { 128 + signal }
}

import Foundation
import Synchronization

/// A process of this run's own: its output goes to a file, and it does not outlive the run.
final class Child: Sendable {
    private let pid: Mutex<pid_t>

    /// - Parameter log: what it writes is appended here.
    init(_ program: URL, _ arguments: [String], log: URL) throws {
        let script = "exec \"$0\" \"${@:2}\" >>\"$1\" 2>&1"
        let line = ["/bin/bash", "-c", script, program.path, log.path] + arguments
        var words = line.map { strdup($0) } + [nil]
        let environment = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]
        var settings = environment.map { strdup($0) } + [nil]
        defer { for text in words + settings { free(text) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, "/bin/bash", nil, nil, &words, &settings)
        guard failure == 0 else { throw Trouble(String(cString: strerror(failure))) }
        pid = Mutex(process)
        Child.running.withLock { _ = $0.insert(process) }
    }

    deinit { end(SIGKILL) }

    func signal(_ number: Int32) { pid.withLock { if $0 > 0 { kill($0, number) } } }

    /// The exit status, or the signal's number below zero; nil while it runs.
    func status() -> Int32? { pid.withLock { Child.reap(&$0, WNOHANG) } }

    /// Sends a signal and waits for the end.
    /// - Returns: as `status`; nil where it had ended before, or does not end in time and is killed.
    @discardableResult
    func end(_ number: Int32, seconds: Double = 60) -> Int32? {
        signal(number)
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if pid.withLock({ $0 == 0 }) { return nil }
            if let status = status() { return status }
            usleep(5_000)
        }
        signal(SIGKILL)
        _ = pid.withLock { Child.reap(&$0, 0) }
        return nil
    }

    private static func reap(_ pid: inout pid_t, _ options: Int32) -> Int32? {
        guard pid > 0 else { return nil }
        var status: Int32 = 0
        let ended = waitpid(pid, &status, options)
        guard ended == pid else { return nil }
        let process = pid
        running.withLock { _ = $0.remove(process) }
        pid = 0
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    // MARK: The end of the run

    private static let running = Mutex<Set<pid_t>>([])

    static func killAll() {
        for process in running.withLock({ $0 }) { kill(process, SIGKILL) }
    }
}

struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

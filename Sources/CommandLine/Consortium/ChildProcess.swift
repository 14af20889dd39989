import Foundation
import Node
import Synchronization

/// Another program that runs until it is told to end, in a process group of its own: Ctrl-C in a terminal
/// reaches only the one that started it, which then ends the others in order.
///
/// It does not outlive this process, whatever ends that. A shell becomes the program, and leaves a guard in
/// its process group that reads from a pipe whose other end only this process has: at the pipe's end, however
/// it came about, the guard ends the group. While it is there nobody else is given the group's number.
final class ChildProcess: Sendable {
    let name: String
    /// What the program writes.
    let log: URL
    private let program: URL
    private let state: Mutex<State>

    private enum State {
        /// The process, and the end of the pipe that its guard reads from.
        case running(pid_t, pipe: Int32)
        /// The exit status, or the signal's number below zero.
        case ended(Int32)
    }

    /// - Throws: `process.not_started`.
    init(_ name: String, _ program: URL, _ arguments: [String], log: URL) throws(NodeError) {
        (self.name, self.program, self.log) = (name, program, log)
        let (process, pipe) = try ChildProcess.spawn(program, arguments, log)
        state = Mutex(.running(process, pipe: pipe))
    }

    deinit { end(seconds: 0) }

    /// Asks the program to end when the pipe does, waits half a minute, and kills what is left.
    private static let guarding = """
        exec 3<&0 </dev/null
        (trap '' TERM INT HUP; read -r line <&3; kill -TERM 0; n=0
        while [ $n -lt 30 ] && kill -0 $$ 2>/dev/null; do sleep 1; n=$((n + 1)); done; kill -KILL 0) &
        exec 3<&- "$0" "$@"
        """

    /// One at a time: another program must not be given an end of this one's pipe.
    private static let spawning = Mutex(())

    private static func spawn(
        _ program: URL, _ arguments: [String], _ log: URL
    ) throws(NodeError) -> (process: pid_t, pipe: Int32) {
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw NodeError("process.not_started", "\(program.path) is no program")
        }
        return try spawning.withLock { _ throws(NodeError) in
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else {
                throw NodeError("process.not_started", "no pipe: \(String(cString: strerror(errno)))")
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            defer { close(ends[0]) }
            do throws(NodeError) {
                let line = ["/bin/sh", "-c", guarding, program.path] + arguments
                return (try spawn(line, reading: ends[0], log), ends[1])
            } catch {
                close(ends[1])
                throw error
            }
        }
    }

    private static func spawn(_ line: [String], reading input: Int32, _ log: URL) throws(NodeError) -> pid_t {
        #if canImport(Darwin)
            var attributes: posix_spawnattr_t?
            var actions: posix_spawn_file_actions_t?
        #else
            var attributes = posix_spawnattr_t()
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        // What this process ignores the other would ignore too.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var words = line.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, line[0], &actions, &attributes, &words, environ)
        guard failure == 0 else {
            throw NodeError(
                "process.not_started", "\(line[0]) cannot be run: \(String(cString: strerror(failure)))")
        }
        return process
    }

    /// How it ended; nil while it runs.
    var status: Int32? {
        state.withLock { state in
            switch state {
            case .ended(let status): return status
            case .running(let process, let pipe):
                var word: Int32 = 0
                guard waitpid(process, &word, WNOHANG) == process else { return nil }
                // The guard is all that is left of its group.
                _ = kill(-process, SIGKILL)
                close(pipe)
                let status = word & 0x7f == 0 ? word >> 8 & 0xff : -(word & 0x7f)
                state = .ended(status)
                return status
            }
        }
    }

    func send(_ signal: Int32) {
        state.withLock { state in
            if case .running(let process, _) = state { _ = kill(process, signal) }
        }
    }

    /// Ends it and its guard.
    func endAtOnce() {
        state.withLock { state in
            if case .running(let process, _) = state { _ = kill(-process, SIGKILL) }
        }
    }

    /// Asks it to end, and kills it where it has not done so in time.
    /// - Returns: how it ended.
    @discardableResult
    func end(seconds: Double) -> Int32 {
        send(SIGTERM)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let status { return status }
            usleep(5_000)
        }
        send(SIGKILL)
        while true {
            if let status { return status }
            usleep(5_000)
        }
    }

    /// The last line that the program wrote.
    var lastWords: String {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }
}

import API
import Foundation
import HTTP
import Node

/// `millwright node` as a process of its own, in a data directory of a workplace.
final class RunningNode: Sendable {
    private let process: pid_t
    private let log: URL

    /// Starts it and waits until it listens.
    init(_ place: Workplace, home name: String) async throws {
        let folder = place.folder.appendingPathComponent(name)
        log = place.folder.appendingPathComponent("\(name).log")
        let script = "cd \"$0\" && exec \"$1\" node --home \"$2\" --log info >>\"$3\" 2>&1 </dev/null"
        let line = ["/bin/sh", "-c", script, place.folder.path, Binary.url.path, name, log.path]
        var words = line.map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), nil]
        defer { for text in words + settings { free(text) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, "/bin/sh", nil, nil, &words, &settings)
        guard failure == 0 else { throw Trouble(String(cString: strerror(failure))) }
        self.process = process
        let home = Home(folder)
        try await eventually("\(name) listens", note: output) {
            NodeAddress.running(in: home)?.pid == process
        }
    }

    /// What it has logged.
    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// Ends it as an operator would, and waits for its end.
    func stop() { end(SIGTERM) }

    private func end(_ signal: Int32) {
        guard kill(process, signal) == 0 else { return }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    }

    deinit { end(SIGKILL) }
}

/// A port of this machine that nobody listens on.
func freePort() throws -> UInt16 { try LocalPorts.free(1)[0] }

/// Waits for a condition, generously: other programs run on this machine.
func eventually(
    _ what: String, note: @autoclosure () -> String = "", _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(150))
    }
    throw Trouble("not in time: \(what)\n\(note().suffix(3_000))")
}

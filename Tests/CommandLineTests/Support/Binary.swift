import API
import Foundation
import Node
import Synchronization
import TestSupport

/// What one call of the program came to.
struct Run {
    let arguments: [String]
    let status: Int32
    let output: String
    let error: String

    /// The one line on standard error, `millwright: code: sentence`; nil for another number of lines.
    var errorLine: String? {
        let lines = error.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count == 2 && lines[1].isEmpty ? String(lines[0]) : nil
    }

    /// The stable code in that line.
    var code: String? {
        guard let line = errorLine, line.hasPrefix("millwright: ") else { return nil }
        return line.dropFirst("millwright: ".count).split(separator: ":").first.map(String.init)
    }

    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }

    func object() throws -> [String: Any] {
        guard let object = try json() as? [String: Any] else { throw Trouble("not an object: \(output)") }
        return object
    }

    func list() throws -> [[String: Any]] {
        guard let list = try json() as? [[String: Any]] else { throw Trouble("not a list: \(output)") }
        return list
    }
}

struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The built program, run as a person would run it: a process of its own, in a folder of its own.
enum Binary {
    /// `.build/debug/millwright`, or that of the build that runs the tests.
    static let url: URL = {
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("millwright")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return SharedFiles.root.appendingPathComponent(".build/debug/millwright")
    }()

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: url.path) }

    static func run(_ arguments: [String], in folder: URL, input: Data = Data()) async throws -> Run {
        try await launch(url, arguments, in: folder, input: input)
    }

    /// A command line as it stands in the help, read by a shell.
    static func shell(_ line: String, in folder: URL) async throws -> Run {
        try await launch(URL(fileURLWithPath: "/bin/sh"), ["-c", line], in: folder, input: Data())
    }

    /// Output goes through files: a full pipe would stop the process.
    private static func launch(
        _ program: URL, _ arguments: [String], in folder: URL, input: Data
    ) async throws -> Run {
        let streams = folder.appendingPathComponent(".streams-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: streams, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: streams) }
        let files = ["in", "out", "err"].map { streams.appendingPathComponent($0) }
        try input.write(to: files[0])
        for file in files[1...] { try Data().write(to: file) }
        let status = try await spawn(program, arguments, in: folder, files)
        return Run(
            arguments: arguments, status: status,
            output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }
}

extension Binary {
    /// Starts a program and waits for its end, on a thread of its own: Foundation's `Process` crashes with
    /// many at once.
    private static func spawn(
        _ program: URL, _ arguments: [String], in folder: URL, _ files: [URL]
    ) async throws -> Int32 {
        let environment = [
            "PATH=" + url.deletingLastPathComponent().path + ":/usr/bin:/bin", "HOME=" + folder.path,
            "LANG=C.UTF-8",
        ]
        return try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread {
                // A shell goes to the folder, connects the streams, and becomes the program.
                let script =
                    "cd \"$0\" && in=$1 out=$2 err=$3 && shift 3 && exec \"$@\" <\"$in\" >\"$out\" 2>\"$err\""
                let line =
                    ["/bin/sh", "-c", script, folder.path] + files.map(\.path) + [program.path] + arguments
                var words = line.map { strdup($0) } + [nil]
                var settings = environment.map { strdup($0) } + [nil]
                defer { for text in words + settings { free(text) } }
                var process: pid_t = 0
                let failure = posix_spawn(&process, "/bin/sh", nil, nil, &words, &settings)
                guard failure == 0 else {
                    return done.resume(throwing: Trouble(String(cString: strerror(failure))))
                }
                var status: Int32 = 0
                while waitpid(process, &status, 0) < 0 && errno == EINTR {}
                // A signal shows as a status that no verb has.
                done.resume(returning: status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f))
            }
        }
    }
}

/// A folder that is gone when the test is done.
final class Workplace: Sendable {
    let folder: URL
    private let served = Mutex<ServedHome?>(nil)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        served.withLock { $0?.stop() }
        try? FileManager.default.removeItem(at: folder)
    }

    /// From now on a node runs in the data directory, as a process of its own would.
    /// - Parameter mute: holds the ledger and answers nobody.
    func serve(mute: Bool = false) throws {
        let home = Home(folder.appendingPathComponent("millwright-data"))
        let node = try ServedHome(home)
        if mute { node.mute() }
        served.withLock { $0 = node }
    }

    /// As `--node` takes it.
    func location() throws -> String {
        let address = NodeAddress.running(in: Home(folder.appendingPathComponent("millwright-data")))
        guard let address else { throw Trouble("no node runs") }
        return "\(address.endpoint)#\(address.pin)"
    }

    /// Runs a command line whose words are separated by spaces; a word in quotation marks may hold spaces.
    func call(_ line: String) async throws -> Run { try await Binary.run(Workplace.words(line), in: folder) }

    /// The same, for a command that has to succeed.
    @discardableResult
    func succeed(_ line: String) async throws -> Run {
        let run = try await call(line)
        guard run.status == 0, run.error.isEmpty else {
            throw Trouble("«\(line)» ended with \(run.status): \(run.error)\(run.output)")
        }
        return run
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        return name
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
    }

    /// The command lines of all processes that work here. Where there is no /proc there are none, and a
    /// program's own word counts.
    var processes: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard Int(name) != nil, let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return nil }
            let text = String(decoding: line, as: UTF8.self)
            return text.contains(folder.lastPathComponent) ? text : nil
        }
    }

    static func words(_ line: String) -> [String] {
        var words: [String] = []
        for (index, part) in line.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                words.append(String(part))
            } else {
                words += part.split(separator: " ").map(String.init)
            }
        }
        return words
    }
}

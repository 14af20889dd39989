import Foundation

/// Somebody else's implementation in Python that ours is compared with, in the environment that
/// `tools/install-dependencies.sh` makes. `MILLWRIGHT_PYTHON` names another interpreter.
package struct PythonTool: Sendable {
    private static let environment = ProcessInfo.processInfo.environment
    private static let python =
        environment["MILLWRIGHT_PYTHON"].map { URL(fileURLWithPath: $0) }
        ?? SharedFiles.root.appendingPathComponent(".build/venv/bin/python")

    /// Whether tests are to use it: it is there, or `MILLWRIGHT_REQUIRE_PYTHON` makes them fail without.
    package let isWanted: Bool
    /// What to say where it is missing.
    package let comment: String
    private let script: String

    /// - Parameters:
    ///   - modules: what the script imports.
    ///   - script: reads one JSON value from standard input and writes one to standard output.
    package init(modules: [String], script: String) {
        self.script = script
        comment = "no \(modules.joined(separator: ", ")) for \(PythonTool.python.path): run make install"
        // Found, not loaded: of some only a file is used, and what they themselves import is not there.
        let search = """
            import importlib.util, sys
            sys.exit(any(importlib.util.find_spec(name) is None for name in \(modules)))
            """
        isWanted =
            PythonTool.environment["MILLWRIGHT_REQUIRE_PYTHON"] != nil
            || (try? PythonTool.output(of: search, Data())) != nil
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs the script.
    package func ask<Question: Encodable, Answer: Decodable>(
        _ question: Question, for _: Answer.Type = Answer.self
    ) throws -> Answer {
        let output = try PythonTool.output(of: script, try JSONEncoder().encode(question))
        return try JSONDecoder().decode(Answer.self, from: output)
    }

    private static func output(of script: String, _ bytes: Data) throws -> Data {
        guard FileManager.default.isExecutableFile(atPath: python.path) else {
            throw Failure(description: "no \(python.path)")
        }
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = python
        process.arguments = ["-c", script]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: bytes)
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(python.path) ended with status \(process.terminationStatus)")
        }
        return data
    }
}

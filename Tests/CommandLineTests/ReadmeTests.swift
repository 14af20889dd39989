import Foundation
import TestSupport
import Testing

/// What the README tells a person to type, typed.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct ReadmeTests {
    /// The command lines of the code blocks in a section, continued lines joined, comments left out.
    private static func commands(section: String) throws -> [String] {
        let readme = try String(
            contentsOf: SharedFiles.root.appendingPathComponent("README.md"), encoding: .utf8)
        let parts = readme.components(separatedBy: "\n## \(section)\n")
        guard parts.count == 2, let text = parts[1].components(separatedBy: "\n## ").first else {
            throw Trouble("README.md has no section \(section)")
        }
        let blocks = text.components(separatedBy: "\n```\n").enumerated().filter { $0.offset % 2 == 1 }
        return blocks.flatMap { block in
            block.element.replacingOccurrences(of: "\\\n", with: " ").components(separatedBy: "\n")
                .map { ($0.components(separatedBy: "  #").first ?? "").trimmingCharacters(in: .whitespaces) }
                .filter { $0.hasPrefix("millwright ") }
        }
    }

    @Test func whatItTellsAPersonToUseWorks() async throws {
        let place = try Workplace()
        let root = SharedFiles.root
        let examples = place.folder.appendingPathComponent("examples")
        try FileManager.default.copyItem(at: root.appendingPathComponent("examples"), to: examples)
        let commands = try Self.commands(section: "Use it")
        #expect(commands.count >= 9, "\(commands)")
        var id = "ID"
        for command in commands {
            let line = command.replacingOccurrences(of: " ID ", with: " \(id) ")
            let run = try await Binary.shell(
                "export MILLWRIGHT_HOME=$PWD/ring; set -e; \(line)", in: place.folder)
            #expect(run.status == 0 && run.error.isEmpty && !run.output.isEmpty, "\(line): \(run.error)")
            if command.hasPrefix("millwright export") {
                id = try #require(run.object()["transaction"] as? String)
            }
        }
        #expect(id.count == 64)
    }
}

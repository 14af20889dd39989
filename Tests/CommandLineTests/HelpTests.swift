import Foundation
import Testing

/// Help is what people learn the program from: it fits, it is complete, and what it shows works.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct HelpTests {
    /// The verbs' titles, from the overview.
    private static func titles(_ overview: String) -> [String] {
        overview.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("  "), !line.hasPrefix("   ") else { return nil }
            return line.dropFirst(2).components(separatedBy: "  ").first
        }
    }

    @Test func overviewNamesEveryGroup() async throws {
        let place = try Workplace()
        let run = try await place.call("--help")
        #expect(run.status == 0 && run.error.isEmpty)
        let titles = HelpTests.titles(run.output)
        #expect(titles.count > 60)
        for group in [
            "member", "machine", "agreement", "invoice", "ticket", "telemetry", "billing", "receipt",
        ] {
            #expect(titles.contains { $0.hasPrefix(group + " ") }, "\(group)")
            let own = try await place.call("\(group) --help")
            #expect(own.status == 0 && own.output.contains("usage: millwright \(group) VERB"))
        }
        #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func theProgramSaysItsVersion() async throws {
        let place = try Workplace()
        let said = try await place.succeed("--version").output
        #expect(try await place.succeed("version").output == said)
        let report = try await place.succeed("--version --json").object()
        let version = try #require(report["version"] as? String)
        #expect(
            version.split(separator: ".").count == 3 && said.hasPrefix("millwright \(version) (contracts"))
        #expect(report["contracts"] as? [Int] == [1] && report["invoiceRules"] as? Int == 2)
        #expect(said.split(separator: "\n").count == 1)
    }

    @Test func everyVerbExplainsItself() async throws {
        let place = try Workplace()
        for title in HelpTests.titles(try await place.call("--help").output) {
            let run = try await place.call("\(title) --help")
            #expect(run.status == 0 && run.error.isEmpty, "\(title)")
            let help = run.output
            #expect(help.hasPrefix("usage: millwright \(title)"), "\(title)")
            for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(title): \(line)") }
            let parts = help.components(separatedBy: "\noptions:\n")
            #expect(parts.count == 2, "\(title) lists its options")
            let lists = parts.last?.components(separatedBy: "\nexamples:\n") ?? []
            #expect(lists.count == 2, "\(title) has an example")
            let listed = Set(options(lists.first ?? "", onlyLeading: true))
            #expect(listed.isSuperset(of: ["--json", "--help"]), "\(title)")
            let isOffline = [
                "telemetry inspect", "billing compute", "receipt verify", "state verify", "version",
            ].contains(title)
            #expect(listed.isSuperset(of: ["--home", "--node"]) != isOffline, "\(title)")
            let mentioned = Set(options(parts.first ?? "", onlyLeading: false))
            #expect(
                mentioned.subtracting(listed).isEmpty, "\(title) mentions \(mentioned.subtracting(listed))")
        }
    }

    /// Option names in a text; with `onlyLeading` those that an options list describes.
    private func options(_ text: String, onlyLeading: Bool) -> [String] {
        text.split(separator: "\n").flatMap { line -> [String] in
            let words = line.split { " ,.()[];=".contains($0) }.map(String.init)
            let names = words.filter { $0.hasPrefix("--") && $0.count > 2 }
            guard onlyLeading else { return names }
            return line.hasPrefix("  --") ? Array(names.prefix(1)) : []
        }
    }

    /// The command lines in a help text, continued lines joined.
    private func examples(_ help: String) -> [String] {
        guard let text = help.components(separatedBy: "\nexamples:\n").last else { return [] }
        return text.replacingOccurrences(of: "\\\n", with: " ").split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("millwright ") }
    }

    @Test func everyExampleIsACommandThatTheProgramTakes() async throws {
        let place = try Workplace()
        var seen = 0
        for title in HelpTests.titles(try await place.call("--help").output)
        where title != "demo" && title != "consortium" {
            for example in examples(try await place.call("\(title) --help").output) {
                seen += 1
                let hex = String(repeating: "ab", count: 32)
                let line = example.replacingOccurrences(of: "PUBLICKEY", with: hex)
                    .replacingOccurrences(of: " ID", with: " \(hex)")
                let own = try Workplace()
                let run = try await Binary.shell(line, in: own.folder)
                // There is no ledger here, and there are no files: but the words have to be right.
                let wrong = [
                    "cli.unknown_verb", "cli.unknown_option", "cli.missing_option", "cli.bad_value",
                    "cli.missing_value", "cli.unexpected_argument", "cli.repeated_option", "cli.failed",
                ]
                #expect(
                    run.status == 0 || run.code.map { !wrong.contains($0) } ?? false, "\(line): \(run.error)")
            }
        }
        #expect(seen > 60)
    }
}

import Foundation
import Ledger
import Node

/// `millwright demo`: the whole job on one machine, told in the terminal.
enum DemoVerb {
    static let all: [Verb] = [demo]

    static let demo = Verb(
        "demo", "tell the whole story: a machine rented, metered, billed, repaired, proven",
        detail: """
            Founds a consortium of six companies in an empty directory and runs the whole job on one \
            machine with a demonstration's clock. With --telemetry it bills a real machine's own data.
            """,
        options: [
            .value("telemetry", "FILE", "a machine's own data: CSV or MTConnect SHDR"),
            .value("mapping", "FILE", "how to read it (default: the one in examples/mappings that fits)"),
            .flag("quiet", "say only where the files are"),
        ],
        examples: [
            "millwright demo --home demo",
            "millwright demo --home demo2 --telemetry ../shared/data/nist_mazak03_20180416.shdr",
        ]
    ) { invocation in
        let scenario: DemoScenario
        if let path = invocation.string("telemetry") {
            let data = URL(fileURLWithPath: path)
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw UsageError("cli.no_file", "\(path) cannot be read")
            }
            let mapping =
                try invocation.string("mapping").map { URL(fileURLWithPath: $0) }
                ?? DemoScenario.mapping(for: data)
            scenario = try DemoScenario.file(data, mapping: mapping)
        } else {
            scenario = try DemoScenario.simulated()
        }
        let home = Session.home(invocation)
        let story = DemoStory(
            scenario: scenario, home: home, narrator: Narrator(isQuiet: invocation.has("quiet")))
        try await story.tell()
    }
}

/// Says what happens, and how long it took.
struct Narrator: Sendable {
    let isQuiet: Bool
    private let began = ContinuousClock.now

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// A new part of the story.
    func act(_ title: String) {
        guard !isQuiet else { return }
        let elapsed = (ContinuousClock.now - began).components
        let tenths = elapsed.seconds * 10 + elapsed.attoseconds / 100_000_000_000_000_000
        let mark = "\(tenths / 10).\(tenths % 10) s"
        let dots = String(repeating: " ", count: max(1, 78 - title.count - mark.count))
        Terminal.print("\n\(Terminal.bold(title))\(dots)\(Terminal.dim(mark))")
    }

    /// Something that somebody did.
    func say(_ text: String) { print(text, mark: "  ") }

    /// Something that is finding itself right.
    func good(_ text: String) { print(text, mark: Terminal.green("✓ ")) }

    /// Something that is finding itself wrong.
    func bad(_ text: String) { print(text, mark: Terminal.red("✗ ")) }

    private func print(_ text: String, mark: String) {
        guard !isQuiet else { return }
        let lines = text.count <= Help.width - 4 ? [text] : Help.wrapped(text, width: Help.width - 4)
        for (number, line) in lines.enumerated() {
            Terminal.print("  \(number == 0 ? mark : "  ")\(line)")
        }
    }
}

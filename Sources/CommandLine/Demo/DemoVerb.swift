import Contracts
import Foundation
import Ledger
import Node
import Telemetry

/// `millwright demo`: the whole job on one machine, told in the terminal.
enum DemoVerb {
    static let all: [Verb] = [demo]

    static let demo = Verb(
        "demo", "tell the whole story: a machine rented, metered, billed, repaired, proven",
        detail: """
            Founds a consortium of six companies in an empty directory and runs the whole job on one \
            machine with a demonstration's clock. With --telemetry it bills a real machine's own data. \
            Where it fails, and on Ctrl-C, it removes what it made, so that the same command can be given \
            again.
            """,
        options: sourceOptions + [.flag("quiet", "say only where the files are")],
        examples: [
            "millwright demo --home demo",
            "millwright demo --home demo2 --telemetry ../shared/data/nist_mazak03_20180416.shdr",
        ]
    ) { invocation in
        let scenario = try scenario(invocation)
        let home = Session.home(invocation)
        let unfinished = try UnfinishedHome(home)
        let story = DemoStory(
            scenario: scenario, folder: home.folder.appendingPathComponent("documents"),
            narrator: Narrator(invocation))
        let (node, told): (LedgerNode, DemoStory.Told)
        do { (node, told) = try await Signals.interrupting { try await tell(story, in: unfinished) } } catch {
            throw unfinished.cleared("demo", [story.folder.lastPathComponent], after: error)
        }
        // The story is whole: it stays, whatever fails from here on.
        do {
            let cast = DemoCast(home: home, ledger: node)
            if invocation.wantsJSON { try Output.json(DemoReport(story, cast, told)) }
            story.narrator.next(suggestions(home.folder.relativePath, story.scenario.machine, told.first))
        } catch {
            try? node.close()
            throw error
        }
        try node.close()
    }

    /// All acts.
    /// - Returns: also the node that they happened on, still open.
    private static func tell(
        _ story: DemoStory, in unfinished: UnfinishedHome
    ) async throws -> (LedgerNode, DemoStory.Told) {
        let home = unfinished.home
        let chain = try Founding(
            name: DemoCast.consortium, members: DemoCast.members, validator: DemoCast.board,
            created: story.begins, simulated: true
        ).found(in: unfinished)
        story.narrator.act("1. Six companies found a consortium")
        story.introduce(chain)
        let node = try LedgerNode(home: home)
        do { return (node, try await story.tell(DemoCast(home: home, ledger: node))) } catch {
            try? node.close()
            throw error
        }
    }

    private static func suggestions(_ shown: String, _ machine: MachineID, _ invoice: InvoiceID) -> [String] {
        [
            "list invoices --home \(shown)", "history machine \(machine) --home \(shown)",
            "verify --home \(shown)",
            "receipt verify \(shown)/documents/invoice-\(invoice.number).receipt \\\n"
                + "      --genesis \(shown)/genesis.cbor",
        ]
    }

    /// What a story with its own data or a simulated machine needs of the command line.
    static let sourceOptions: [Option] = [
        .value("telemetry", "FILE", "a machine's own data: CSV or MTConnect SHDR"),
        .value("mapping", "FILE", "how to read it (default: the one in examples/mappings that fits)"),
    ]

    /// The machine that the command line asks for.
    /// - Throws: `cli.no_file`, `demo.*`, and what reading the data throws.
    static func scenario(_ invocation: Invocation) throws -> DemoScenario {
        guard let path = invocation.string("telemetry") else { return try DemoScenario.simulated() }
        let data = URL(fileURLWithPath: path)
        try TelemetryInput.requireFile(path)
        if let path = invocation.string("mapping") { try TelemetryInput.requireFile(path) }
        let mapping =
            try invocation.string("mapping").map { URL(fileURLWithPath: $0) }
            ?? DemoScenario.mapping(for: data)
        do { return try DemoScenario.file(data, mapping: mapping) } catch let error as TelemetryError {
            throw UsageError(error)
        }
    }
}

/// Says what happens, and how long it took.
struct Narrator: Sendable {
    /// Says only where the files are.
    let isQuiet: Bool
    /// Says nothing at all: a program reads the report.
    let isSilent: Bool
    private let began = ContinuousClock.now

    init(_ invocation: Invocation) {
        isSilent = invocation.wantsJSON
        isQuiet = isSilent || invocation.has("quiet")
    }

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

    /// One of several things, going on below itself.
    func item(_ text: String) {
        guard !isQuiet else { return }
        for (number, line) in Help.wrapped(text, width: Help.width - 8).enumerated() {
            Terminal.print("      \(number == 0 ? "- " : "  ")\(line)")
        }
    }

    /// Something that is finding itself right.
    func good(_ text: String) { print(text, mark: Terminal.green("✓ ")) }

    /// Something that is finding itself wrong.
    func bad(_ text: String) { print(text, mark: Terminal.red("✗ ")) }

    /// Command lines that work from here on, after the program's name.
    func next(_ lines: [String]) {
        act("What to try next")
        // As the person called it, so that the lines work as they stand.
        let program = CommandLine.arguments.first ?? "millwright"
        for line in lines where !isQuiet { Terminal.print("  \(program) \(line)") }
    }

    private func print(_ text: String, mark: String) {
        guard !isQuiet else { return }
        let lines = text.count <= Help.width - 4 ? [text] : Help.wrapped(text, width: Help.width - 4)
        for (number, line) in lines.enumerated() {
            Terminal.print("  \(number == 0 ? mark : "  ")\(line)")
        }
    }
}

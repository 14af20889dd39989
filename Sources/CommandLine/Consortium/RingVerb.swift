import Contracts
import Foundation
import Ledger
import Node
import Vault

/// `millwright consortium`: the demonstration's job across six companies' nodes.
enum RingVerb {
    static let all: [Verb] = [consortium]

    static let consortium = Verb(
        "consortium", "the demonstration across six companies, each with a node of its own",
        detail: """
            Six companies on this machine, each with a data directory and a node: the board's founds the \
            ledger, the others come in by invite, join and admit. The board's node validates first, then \
            all do; for --engine nats three NATS servers are started and the ledger moves to them while it \
            runs. Then the story of millwright demo is told across them: each \
            company signs with its own keys, acts through its own node, and sees others' documents only \
            where they were sealed to it. All processes end with the story, on Ctrl-C, and where something \
            fails. Where it fails the directory stays, with a log of each node; a story that Ctrl-C stops \
            leaves nothing behind. A second Ctrl-C ends all at once and leaves the directory as it is.
            """,
        options: [.value("engine", "ENGINE", "nats (the default), or embedded: a company's node orders")]
            + DemoVerb.sourceOptions + [
                .flag("keep", "let the nodes run after the story, until Ctrl-C"),
                .flag("quiet", "say only where the files are"),
            ],
        examples: [
            "millwright consortium --home ring",
            "millwright consortium --home ring2 --engine embedded --keep",
        ]
    ) { invocation in
        let engine = try invocation.choice("engine", Ring.Engine.self) ?? .nats
        let folder = Session.home(invocation).folder
        let story = DemoStory(
            scenario: try DemoVerb.scenario(invocation),
            folder: folder.appendingPathComponent("documents"),
            narrator: Narrator(invocation))
        signal(SIGPIPE, SIG_IGN)
        story.narrator.act("1. Six companies make a consortium, each with a node of its own")
        let begun = Late<Ring>()
        let signals = Signals {
            begun.value.stop(for: $0)
        } atOnce: {
            begun.present?.endAtOnce()
        }
        defer { signals.end() }
        let ring = try Ring(in: folder, engine: engine, begins: story.begins)
        begun.set(ring)
        do {
            try await tell(story, ring, wantsJSON: invocation.wantsJSON)
            if invocation.has("keep") {
                story.narrator.say("The nodes go on until Ctrl-C.")
                while (try? ring.check()) != nil { try await Task.sleep(for: .milliseconds(200)) }
            }
        } catch {
            // What a process did comes before what others noticed of it.
            var reason: any Error = error
            do { try ring.check() } catch { reason = error }
            ring.stop()
            throw ring.interrupted() ?? reason
        }
        let failures = ring.stop()
        guard failures.isEmpty else {
            throw NodeError("process.failed", "did not end well: \(failures.joined(separator: ", "))")
        }
        story.narrator.good("All nodes and servers have ended.")
    }

    private static func tell(_ story: DemoStory, _ ring: Ring, wantsJSON: Bool) async throws {
        story.introduce(ring.chain)
        try ring.gather(story.narrator)
        let news = RingNews()
        let cast = try ring.cast(news)
        news.tell(try cast.ledger(DemoCast.board).head().height)
        try await ring.grow(cast, story.narrator)
        news.beginMeasuring()
        let told = try await story.tell(cast)
        try compare(cast, ring, news, story.narrator)
        if wantsJSON { try Output.json(DemoReport(story, cast, told)) }
        story.narrator.act("Where everything is")
        for company in ring.companies {
            let vault = try cast.documents(company.member).vault
            let count = try vault.list().count
            story.narrator.say(
                company.member.text.padding(toLength: 16, withPad: " ", startingAt: 0)
                    + "\(company.home.folder.relativePath), \(Output.count(count, "document")) in its vault")
        }
        let shown = ring.folder.relativePath
        story.narrator.next([
            "receipt verify \(shown)/documents/invoice-\(told.first.number).receipt \\\n"
                + "      --genesis \(shown)/\(DemoCast.board)/genesis.cbor",
            "consortium --home \(shown)-2 --keep",
            "node status --home \(shown)-2/\(DemoCast.oem)    # meanwhile, in another terminal",
        ])
    }

    /// All nodes have the same ledger, and how long it took to be so.
    private static func compare(
        _ cast: DemoCast, _ ring: Ring, _ news: RingNews, _ narrator: Narrator
    ) throws {
        narrator.act("What six nodes make of it")
        let height = try cast.ledger(DemoCast.board).head().height
        news.tell(height)
        var headers: [BlockHeader] = []
        for company in ring.companies {
            let ledger = try cast.ledger(company.member)
            _ = try ledger.head()
            headers.append(try ledger.header(height))
        }
        guard Set(headers.map(\.encoded)).count == 1, let header = headers.first else {
            throw NegativeAnswer("consortium.differs", "the nodes have different blocks \(height)")
        }
        narrator.good(
            "Block \(height) is the same on all \(headers.count) nodes, "
                + "state root \(header.stateRoot.description.prefix(16))….")
        let latencies = news.latencies
        func milliseconds(_ share: Double) -> String {
            let rank = Int((Double(latencies.count) * share).rounded(.up)) - 1
            let value = latencies[max(0, min(latencies.count - 1, rank))]
            let (seconds, rest) = value.components
            return "\(seconds * 1_000 + rest / 1_000_000_000_000_000) ms"
        }
        guard !latencies.isEmpty else { return }
        let engine = try NodeVerbs.report(ring.companies[0].home).engine
        narrator.say("The order comes from \(engine.address).")
        narrator.good(
            "\(latencies.count) transactions, from the company's program to finality by a quorum of nodes: "
                + "median \(milliseconds(0.5)), 99 of 100 within \(milliseconds(0.99)).")
    }
}

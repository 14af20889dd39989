import API
import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Ordering

/// The service that orders transactions: which is in force, which the ledger allows, and the way to another.
enum EngineVerbs {
    static let all: [Verb] = [show, list, set, move, configuration]

    private struct Report: Encodable {
        let engine: String
        let state: String
        let summary: String
        let epoch: Epoch
        let listed: [String]
    }

    private struct Moved: Encodable {
        let engine: String
        let epoch: Epoch
    }

    private struct Written: Encodable {
        let file: String
        let members: [String]
    }

    // MARK: show

    static let show = Verb(
        "engine show", "show the engine in force, how it is, and which others there are",
        examples: ["millwright engine show --home chamber"]
    ) { invocation in
        let report = try await status(invocation)
        if invocation.wantsJSON { return try Output.json(report) }
        Terminal.print("engine    \(Terminal.bold(report.engine))")
        Terminal.print("          \(report.state): \(report.summary.prefix(60))")
        Terminal.print("epoch     \(report.epoch)")
        for (index, engine) in report.listed.enumerated() {
            Terminal.print((index == 0 ? "listed    " : "          ") + engine)
        }
    }

    private static func status(_ invocation: Invocation) async throws -> Report {
        let node = try NodeVerbs.report(Session.home(invocation))
        return Report(
            engine: node.engine.address, state: node.engine.state, summary: node.engine.summary,
            epoch: node.epoch, listed: try await listed(invocation))
    }

    private static func listed(_ invocation: Invocation) async throws -> [String] {
        let listed = ConditionMutex<[String]>([])
        try await Session.with(invocation) { session in
            let parameters = try session.node.view().existing(ParametersRecord.self, ParametersRecord.Key())
            listed.update { $0 = parameters.engines }
        }
        return listed.read { $0 }
    }

    // MARK: list

    static let list = Verb(
        "engine list", "show the engines that the ledger may use, the preferred first",
        examples: ["millwright engine list", "millwright engine list --json"]
    ) { invocation in
        let engines = try await listed(invocation)
        if invocation.wantsJSON { return try Output.json(engines) }
        for engine in engines { Terminal.print(engine) }
    }

    static let set = Verb(
        "engine list set", "propose the engines that the ledger may use (board)",
        detail: """
            The preferred first. embedded:, which needs no server, is always the last, and need not be \
            given. The list changes nothing at once: an epoch that begins later takes its engine from \
            it.
            """,
        options: [
            .positional("engine", "embedded:MEMBER, nats://HOST:PORT or nats-tls://…", repeated: true),
            .value("reason", "TEXT", "for the record"),
        ] + OnboardingVerbs.signing,
        examples: ["millwright engine list set nats-tls://a.example:4222,b.example:4222 --as chamber"]
    ) { invocation in
        let named = try invocation.engines().filter { $0 != "embedded:" }
        try await Session.with(invocation) { session in
            let now = try session.node.view().existing(ParametersRecord.self, ParametersRecord.Key())
            let change = ParametersChange(
                transactionsPerSecond: now.transactionsPerSecond, bytesPerSecond: now.bytesPerSecond,
                invitationDays: now.invitationDays, auctionGraceSeconds: now.auctionGraceSeconds,
                engines: named + ["embedded:"])
            try await ProposalVerbs.propose(
                session, .setParameters(change), saying: "proposed \(Output.count(named.count + 1, "engine"))"
            )
        }
    }

    // MARK: move

    private static let patienceSeconds = 30.0

    static let move = Verb(
        "engine move", "ask the validators to go on with another engine, in a new epoch",
        detail: """
            This node says that it will no longer wait for the engine in force. The epoch changes once more \
            than a third of the validators' operators have said so, or at once where there is one validator. \
            With the engine in force it begins the same engine anew, as after its data were lost; a node \
            that waits in vain does so by itself.
            """,
        options: [
            .positional("engine", "one of the ledger's engines (see millwright engine list)"),
            .flag("no-wait", "do not wait for the new epoch"),
        ],
        examples: ["millwright engine move embedded: --home chamber"]
    ) { invocation in
        let wish = try invocation.required("engine")
        guard EngineAddress(wish) != nil else {
            throw UsageError("cli.bad_value", "«\(wish)» is no engine")
        }
        let before = try await status(invocation)
        guard before.listed.contains(wish) else {
            throw NegativeAnswer(
                "engine.not_listed",
                "the board has to put \(wish) on the list first: millwright engine list set")
        }
        try await Session.with(invocation) { session in
            guard let remote = session.node as? RemoteLedger else {
                throw NegativeAnswer("node.not_running", "no node runs on \(session.home.folder.path)")
            }
            try remote.suspectEngine(wish: wish)
        }
        if invocation.has("no-wait") { return Terminal.print("the node has told the other validators") }
        let deadline = Date(timeIntervalSinceNow: patienceSeconds)
        var after = try NodeVerbs.report(Session.home(invocation))
        while after.epoch == before.epoch || after.engine.state != EngineHealth.State.following.rawValue {
            guard Date() < deadline else {
                throw NegativeAnswer(
                    "engine.not_moved",
                    "epoch \(after.epoch) goes on with \(after.engine.address): more than a third of the "
                        + "validators have to ask for another")
            }
            try await Task.sleep(for: .milliseconds(200))
            after = try NodeVerbs.report(Session.home(invocation))
        }
        guard after.engine.address == wish || wish == "embedded:" && after.engine.address.hasPrefix(wish)
        else {
            throw NegativeAnswer(
                "engine.not_moved",
                "epoch \(after.epoch) has begun with \(after.engine.address) instead: \(wish) brought "
                    + "nothing, or too few asked for it before the epoch changed. Ask again")
        }
        if invocation.wantsJSON {
            return try Output.json(Moved(engine: after.engine.address, epoch: after.epoch))
        }
        Terminal.print("\(Terminal.green("done")) epoch \(after.epoch) with \(after.engine.address)")
    }

    // MARK: nats-config

    static let configuration = Verb(
        "engine nats-config", "write the configuration of this company's nats-server",
        detail: """
            It lets in the members whose nodes have run since they were admitted, each by its NATS key \
            on the ledger: write it again, and reload the server, when a member comes or goes. \
            Certificates are files in PEM of an authority that the companies agree on.
            """,
        options: [
            .value("out", "DIR", "where to write nats-server.conf", required: true),
            .value("name", "TEXT", "the server's name, its own in the cluster (default: the member)"),
            .value("listen", "HOST:PORT", "for nodes (default: 0.0.0.0:4222)"),
            .value("cluster", "HOST:PORT", "for the other servers (default with --route: 0.0.0.0:6222)"),
            .value("route", "HOST:PORT", "another server of the cluster", repeated: true),
            .value("store", "DIR", "the server's data (default: /var/lib/nats)"),
            .value("gigabytes", "N", "the most that it keeps (default: 20)"),
            .value("tls-certificate", "FILE", "the server's certificate"),
            .value("tls-key", "FILE", "its key"),
            .value("tls-authorities", "FILE", "who signs the servers' and nodes' certificates"),
        ],
        examples: [
            "millwright engine nats-config --out nats --route b.example:6222 --route c.example:6222"
        ]
    ) { invocation in
        let folder = URL(fileURLWithPath: try invocation.required("out"))
        guard let gigabytes = Int64(invocation.string("gigabytes") ?? "20"),
            (1...1_000_000).contains(gigabytes)
        else { throw UsageError("cli.bad_value", "--gigabytes takes 1 to 1000000") }
        let tls = try tls(invocation)
        try await Session.with(invocation) { session in
            let members = try NATSMembers.all(try session.node.view(), at: try session.node.head().time)
            guard !members.isEmpty else {
                throw NegativeAnswer(
                    "engine.no_nats_keys", "no member's NATS key is on the ledger: run millwright node first")
            }
            var server = NATSServerConfiguration(
                name: try invocation.string("name") ?? session.actingMember().text,
                chain: session.node.rules.chain, members: members,
                listen: invocation.string("listen") ?? "0.0.0.0:4222",
                directory: invocation.string("store") ?? "/var/lib/nats",
                maximumBytes: gigabytes << 30)
            server.tls = tls
            let routes = invocation.strings("route")
            if !routes.isEmpty || invocation.has("cluster") {
                server.cluster = .init(
                    listen: invocation.string("cluster") ?? "0.0.0.0:6222", routes: routes, tls: tls)
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let file = folder.appendingPathComponent("nats-server.conf")
            try Data(server.text.utf8).write(to: file, options: .atomic)
            if invocation.wantsJSON {
                return try session.json(Written(file: file.path, members: members.map(\.id.text)))
            }
            Terminal.print(
                "\(Terminal.green("done")) \(file.path) lets in "
                    + members.map(\.id.text).joined(separator: ", "))
        }
    }

    private static func tls(_ invocation: Invocation) throws -> NATSServerConfiguration.TLS? {
        let names = ["tls-certificate", "tls-key", "tls-authorities"]
        let files = names.compactMap { invocation.string($0) }
        guard files.count == 3 || files.isEmpty else {
            throw UsageError(
                "cli.missing_option", "--tls-certificate, --tls-key and --tls-authorities go together")
        }
        return files.isEmpty ? nil : .init(certificate: files[0], key: files[1], authorities: files[2])
    }
}

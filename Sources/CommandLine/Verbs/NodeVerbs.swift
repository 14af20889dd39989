import API
import Cryptography
import Foundation
import HTTP
import Ledger
import Node

/// Running a node, and looking at one that runs.
enum NodeVerbs {
    static let all: [Verb] = [node, status]

    static let node = Verb(
        "node", "run this company's node until it is stopped",
        detail: """
            Reads node.json in the data directory, which is written with defaults where it is missing, \
            connects to the other members' nodes and serves them. SIGTERM and SIGINT stop it cleanly, \
            SIGHUP reads the configuration again. Logs go to standard error.
            """,
        options: [
            .value("config", "FILE", "the configuration (default: node.json in the data directory)"),
            .value("log", "LEVEL", "debug, info, warning or error, instead of the configuration's"),
        ],
        examples: ["millwright node --home chamber --log warning"]
    ) { invocation in
        let home = Session.home(invocation)
        let file =
            invocation.string("config").map { URL(fileURLWithPath: $0) } ?? home.configurationFile
        let level = try logLevel(invocation)
        let configuration = try configured {
            if invocation.string("config") == nil { try writeDefaults(home) }
            return try NodeConfiguration.read(file)
        }
        let log = NodeLog(level ?? configuration.level)
        // A peer that goes away in the middle of an answer must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let signals = Signals(Signals.endings) { continuation.yield($0) }
        defer { signals.end() }
        let service = try NodeService(home: home, configuration: configuration, log: log) {
            continuation.finish()
        }
        for await number in stream {
            guard number == SIGHUP else { break }
            reload(service, file, level: level, log: log)
        }
        try service.stop()
    }

    private static func logLevel(_ invocation: Invocation) throws -> NodeLog.Level? {
        guard let text = invocation.string("log") else { return nil }
        guard let level = NodeLog.Level(rawValue: text) else {
            throw UsageError("cli.bad_value", "--log takes debug, info, warning or error, not «\(text)»")
        }
        return level
    }

    /// What is wrong with a configuration is the person's to put right.
    private static func configured<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as NodeError {
            throw UsageError(error.code, error.message)
        }
    }

    /// Writes `node.json` on the first run: the node is that of the only member with keys here.
    private static func writeDefaults(_ home: Home) throws {
        guard !FileManager.default.fileExists(atPath: home.configurationFile.path) else { return }
        let members = home.membersWithKeys()
        guard home.isFounded, let member = members.first else {
            throw NodeError(
                "config.missing",
                "\(home.configurationFile.path) is missing: write one, or begin with millwright found")
        }
        guard members.count == 1 else {
            let names = members.map(\.text).joined(separator: ", ")
            throw NodeError(
                "config.which_member",
                "\(home.folder.path) holds keys of \(names): name the node's member in node.json")
        }
        try NodeConfiguration.defaults(member: member, endpoint: "").write(to: home)
    }

    private static func reload(
        _ service: NodeService, _ file: URL, level: NodeLog.Level?, log: NodeLog
    ) {
        do {
            var configuration = try NodeConfiguration.read(file)
            if let level { configuration.logLevel = level.rawValue }
            let later = try service.reload(configuration)
            log.info("configuration is read again", ["afterRestart": later.joined(separator: ",")])
        } catch { log.error("the configuration stays as it was", ["reason": error]) }
    }

    // MARK: Status

    static let status = Verb(
        "node status", "how the node that runs on a data directory is",
        examples: ["millwright node status --home chamber"]
    ) { invocation in
        let (answer, address) = try ask(Session.home(invocation))
        let report = try JSONDecoder().decode(NodeReport.self, from: Data(answer))
        if invocation.wantsJSON { return try Output.json(report) }
        Terminal.print(text(report, address))
    }

    /// What the node that runs on a data directory says of itself.
    /// - Throws: `node.not_running`.
    static func report(_ home: Home) throws -> NodeReport {
        try JSONDecoder().decode(NodeReport.self, from: Data(try ask(home).answer))
    }

    private static func ask(_ home: Home) throws -> (answer: [UInt8], address: NodeAddress) {
        guard let address = NodeAddress.running(in: home), let pin = address.tlsPin,
            let identity = try TLSFiles(home).read(.current)?.identity
        else { throw NegativeAnswer("node.not_running", "no node runs on \(home.folder.path)") }
        let client = try HTTPClient(address.endpoint, trust: .pins([pin]), identity: identity)
        defer { client.close() }
        let answer = try client.request(.get, "/v1/node/status", totalMilliseconds: 30_000).successful()
        return (answer.body, address)
    }

    private static func text(_ report: NodeReport, _ address: NodeAddress) -> String {
        let state = report.isReady ? Terminal.green("ready") : Terminal.red("not ready")
        var lines = ["\(Terminal.bold(report.member))  \(state)  process \(address.pid), \(address.endpoint)"]
        lines += report.reasons.map { "          " + $0.prefix(70) }
        let time = Output.time(Timestamp(milliseconds: report.finalTimeMilliseconds))
        let role = report.isValidator ? "validates" : "follows"
        let validators = Output.count(report.validators.count, "validator")
        lines += [
            "ledger    \(report.chain)",
            "final     block \(report.finalHeight), \(time)",
            "head      block \(report.headHeight), \(report.pending) not final; outbox \(report.outbox)",
            "log       from block \(report.firstHeight)"
                + (report.firstHeight == 0 ? "" : "; millwright fetch-history brings those before it"),
            "epoch     \(report.epoch), \(validators), this node \(role)",
            "engine    \(report.engine.address)", "          \(report.engine.summary.prefix(68))",
            "TLS key   \(report.pin)" + (report.pinIsOnLedger ? "" : " (not on the ledger)"),
        ]
        for (name, days) in report.certificateDaysLeft.sorted(by: { $0.key < $1.key }) {
            lines.append("          certificate «\(name)» ends in \(days) days")
        }
        for (name, days) in report.keyDaysLeft.sorted(by: { $0.key < $1.key }) {
            lines.append("          key «\(name)» ends in \(days) days")
        }
        guard !report.peers.isEmpty else { return lines.joined(separator: "\n") }
        lines.append("")
        let rows = report.peers.map { peer in
            [
                peer.member, peer.isConnected ? "connected" : "away", peer.finalHeight.map { "\($0)" } ?? "-",
                String((peer.reason ?? "").prefix(40)),
            ]
        }
        lines.append(Terminal.table(["peer", "state", "final", "why"], rows))
        return lines.joined(separator: "\n")
    }
}

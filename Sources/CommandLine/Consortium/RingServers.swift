import Foundation
import Ledger
import Node
import Ordering

/// Three NATS servers on this machine, as three of the companies would run them.
struct RingServers {
    static let count = 3
    /// Where clients connect, `HOST:PORT`.
    let addresses: [String]
    private let routes: [String]
    private let program: URL

    /// - Throws: `nats.not_installed`.
    init(ports: [UInt16]) throws(NodeError) {
        program = try RingServers.find()
        addresses = ports.prefix(RingServers.count).map { "127.0.0.1:\($0)" }
        routes = ports.suffix(RingServers.count).map { "127.0.0.1:\($0)" }
    }

    /// As the ledger names the engine.
    var engine: String { "nats://" + addresses.joined(separator: ",") }

    /// The server that `tools/install-dependencies.sh` installs, else one on `PATH`. It has to be 2.10 or later,
    /// which can sync before it acknowledges.
    private static func find() throws(NodeError) -> URL {
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath()
        // .build/<platform>/<configuration>/millwright
        let build = program.map {
            $0.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        }
        let folders =
            [build?.appendingPathComponent("venv/bin").path, ".build/venv/bin"].compactMap { $0 }
            + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let found = folders.map { URL(fileURLWithPath: $0).appendingPathComponent("nats-server") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        guard let found else {
            throw NodeError(
                "nats.not_installed",
                "there is no nats-server: run tools/install-dependencies.sh, or choose --engine embedded")
        }
        return found
    }

    /// Writes each server's configuration and starts it.
    /// - Throws: `home.io`, `process.not_started`.
    func start(
        in folder: URL, chain: ChainID, members: [NATSServerConfiguration.Member]
    ) throws(NodeError) -> [ChildProcess] {
        var processes: [ChildProcess] = []
        for (index, address) in addresses.enumerated() {
            let name = "nats-\(index + 1)"
            var configuration = NATSServerConfiguration(
                name: name, chain: chain, members: members, listen: address,
                directory: folder.appendingPathComponent(name).path, maximumBytes: 1 << 30)
            configuration.cluster = .init(listen: routes[index], routes: routes)
            let file = folder.appendingPathComponent("\(name).conf")
            try Home(folder).replace(file, with: Array(configuration.text.utf8), mode: 0o600)
            processes.append(
                try ChildProcess(
                    name, program, ["-c", file.path], log: folder.appendingPathComponent("\(name).log")))
        }
        return processes
    }

    /// Whether a server knows its cluster's leader, as it says itself: before that it keeps no streams.
    static func hasLeader(_ server: ChildProcess) -> Bool {
        let log = (try? String(contentsOf: server.log, encoding: .utf8)) ?? ""
        return log.contains("metadata leader")
    }
}

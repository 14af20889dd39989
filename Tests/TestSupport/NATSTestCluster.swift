import Codec
import Cryptography
import Foundation
import HTTP
import Ledger
import Ordering
import Synchronization

/// One or three real NATS servers as child processes, with directories and ports of their own, which can be
/// killed, stopped for a while, started again and emptied.
///
/// `@unchecked Sendable`: `processes` is read and written only under `lock`, all else never changes.
package final class NATSTestCluster: @unchecked Sendable {
    /// The server that `tools/install-dependencies.sh` installs, else one on `PATH`: 2.10 or later, which can
    /// sync before it acknowledges.
    package static let program: URL? = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders =
            [SharedFiles.root.appendingPathComponent(".build/venv/bin").path]
            + path.split(separator: ":").map(String.init)
        return folders.map { URL(fileURLWithPath: $0).appendingPathComponent("nats-server") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) && isRecent($0) }
    }()

    private static func isRecent(_ program: URL) -> Bool {
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = ["--version"]
        process.standardOutput = output
        guard (try? process.run()) != nil else { return false }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // nats-server: v2.15.1
        let numbers = text.split(separator: "v").last?.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard let numbers, numbers.count == 2 else { return false }
        return (numbers[0], numbers[1]) >= (2, 10)
    }

    package static var isPresent: Bool { program != nil }
    package static let absence: String = "no nats-server of 2.10 or later: run tools/install-dependencies.sh"

    package let chain: ChainID
    package let members: [MemberID]
    package let folder: URL
    /// `host:port` of each server, for clients.
    package let addresses: [String]
    private let keys: [MemberID: Ed25519.SigningKey]
    private let scheme: String
    private let lock = NSLock()
    private var processes: [pid_t?]

    /// Starts servers for a ledger that does not exist. `adjust` may change each one's configuration.
    package convenience init(
        servers: Int = 1,
        members: [MemberID] = [MemberID(unchecked: "alpha"), MemberID(unchecked: "beta.works")],
        tls: NATSServerConfiguration.TLS? = nil, adjust: (inout String) -> Void = { _ in }
    ) throws {
        try self.init(
            ports: LocalPorts.free(2 * servers), chain: SHA256.digest(SecureRandom.bytes(32)),
            keys: members.map { ($0, Ed25519.SigningKey.generate()) }, tls: tls, adjust: adjust)
    }

    /// Starts servers for a ledger whose genesis names their addresses.
    /// - Parameters:
    ///   - ports: one a server for clients, then one a server for the other servers.
    ///   - keys: what each member connects with.
    ///   - reach: where the servers reach each other, `host:port` of each; nil for where they listen. Each
    ///     calls only the next then: over a long way two that call each other refuse each other's
    ///     connections again and again.
    package init(
        ports: [UInt16], chain: ChainID, keys: [(MemberID, Ed25519.SigningKey)], reach: [String]? = nil,
        tls: NATSServerConfiguration.TLS? = nil, adjust: (inout String) -> Void = { _ in }
    ) throws {
        (self.chain, members) = (chain, keys.map(\.0))
        self.keys = Dictionary(uniqueKeysWithValues: keys)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-nats-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let servers = ports.count / 2
        addresses = ports.prefix(servers).map { "127.0.0.1:\($0)" }
        let routes = ports.suffix(servers).map { "127.0.0.1:\($0)" }
        processes = Array(repeating: nil, count: servers)
        scheme = tls == nil ? "nats" : "tls"
        for index in 0..<servers {
            var configuration = NATSServerConfiguration(
                name: "s\(index)", chain: chain,
                members: keys.map { NATSServerConfiguration.Member(id: $0.0, key: $0.1.publicKey) },
                listen: addresses[index], directory: store(index).path, maximumBytes: 1 << 30)
            configuration.tls = tls
            if servers > 1 {
                configuration.cluster = NATSServerConfiguration.Cluster(
                    listen: routes[index], routes: reach.map { [$0[(index + 1) % servers]] } ?? routes,
                    tls: tls)
                configuration.cluster?.advertise = reach?[index]
            }
            var text = configuration.text
            adjust(&text)
            try Data(text.utf8).write(to: folder.appendingPathComponent("s\(index).conf"))
        }
        Survivors.add(folder)
        for index in 0..<servers { try start(index) }
        for port in ports.prefix(servers) { try NATSTestCluster.wait(for: port) }
    }

    deinit {
        for index in processes.indices { kill(index) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Waits until somebody listens.
    private static func wait(for port: UInt16) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        while !LocalPorts.isOpen(port) {
            if Date() > deadline { throw POSIXError(.ETIMEDOUT) }
            usleep(5000)
        }
    }

    private func store(_ index: Int) -> URL { folder.appendingPathComponent("s\(index)") }

    package var count: Int { addresses.count }

    /// The key that a member connects with.
    package func key(of member: MemberID) throws -> Ed25519.SigningKey {
        guard let key = keys[member] else { throw Missing(name: member.text) }
        return key
    }

    /// An engine's configuration, with times fit for tests.
    package func configuration(_ member: MemberID, epochBlock: Digest) throws -> NATSConfiguration {
        var configuration = NATSConfiguration(
            servers: addresses.map { "\(scheme)://\($0)" },
            stream: LedgerStream(chain: chain, epochBlock: epochBlock), member: member,
            key: try key(of: member))
        configuration.replicas = count
        configuration.heartbeatMilliseconds = 500
        return configuration
    }

    /// Which server has a name, such as the leader's.
    package func index(named name: String) -> Int? { (0..<count).first { name == "s\($0)" } }

    /// What a server has written about itself.
    package func log(_ index: Int) -> String {
        (try? String(contentsOf: folder.appendingPathComponent("s\(index).log"), encoding: .utf8)) ?? ""
    }

    /// The server that became a stream's leader last, as the servers tell it.
    package var streamLeader: Int? {
        let elections = (0..<count).flatMap { server in
            log(server).split(separator: "\n").filter { $0.contains("new stream leader") }
                .map { (time: $0.drop { $0 != "]" }.prefix(30), server: server) }
        }
        return elections.max { $0.time < $1.time }?.server
    }

    /// Waits until the servers have found each other; before that they keep no streams.
    package func waitForMetadataLeader(seconds: Double = 60) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while !(0..<count).contains(where: { log($0).contains("metadata leader") }) {
            if Date() > deadline { throw POSIXError(.ETIMEDOUT) }
            usleep(20_000)
        }
    }

    // MARK: What can happen to a server

    /// Starts a server that does not run.
    package func start(_ index: Int) throws {
        guard let program = NATSTestCluster.program else { throw Missing(name: "nats-server") }
        try lock.withLock {
            guard processes[index] == nil else { return }
            let words = [
                program.path, "-c", folder.appendingPathComponent("s\(index).conf").path, "-l",
                folder.appendingPathComponent("s\(index).log").path,
            ]
            var arguments = words.map { strdup($0) } + [nil]
            var environment: [UnsafeMutablePointer<CChar>?] = [strdup("HOME=\(folder.path)"), nil]
            defer { for text in arguments + environment { free(text) } }
            var process: pid_t = 0
            let failure = posix_spawn(&process, program.path, nil, nil, &arguments, &environment)
            guard failure == 0 else { throw Missing(name: String(cString: strerror(failure))) }
            processes[index] = process
            Survivors.add(process)
        }
    }

    /// Ends a server as a power failure would, but for what the operating system still writes.
    package func kill(_ index: Int) {
        lock.withLock {
            guard let process = processes[index] else { return }
            Survivors.end(process)
            processes[index] = nil
        }
    }

    /// Stops a server without its noticing, until `resume`.
    package func pause(_ index: Int) { signal(index, SIGSTOP) }
    package func resume(_ index: Int) { signal(index, SIGCONT) }

    private func signal(_ index: Int, _ number: Int32) {
        lock.withLock { if let process = processes[index] { _ = Foundation.kill(process, number) } }
    }

    /// Removes all that a server has stored. It is killed first.
    package func wipe(_ index: Int) throws {
        kill(index)
        try FileManager.default.removeItem(at: store(index))
    }

    private struct Missing: Error { let name: String }
}

/// What has to go when the tests end, also where a cluster is kept for all of them.
private enum Survivors {
    private static let state = Mutex<(processes: Set<pid_t>, folders: [URL], isSet: Bool)>(([], [], false))

    static func add(_ process: pid_t) {
        state.withLock {
            $0.processes.insert(process)
            if !$0.isSet { atexit { Survivors.sweep() } }
            $0.isSet = true
        }
    }

    static func add(_ folder: URL) { state.withLock { $0.folders.append(folder) } }

    static func end(_ process: pid_t) {
        state.withLock { state in
            guard state.processes.remove(process) != nil else { return }
            _ = kill(process, SIGKILL)
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        }
    }

    private static func sweep() {
        let (processes, folders) = state.withLock { ($0.processes, $0.folders) }
        for process in processes { end(process) }
        for folder in folders { try? FileManager.default.removeItem(at: folder) }
    }
}

import Codec
import Contracts
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import TestSupport

@testable import API

struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A consortium whose founders each have a data directory, as on as many machines.
final class NodeWorld: Sendable {
    let folder: URL
    let chain: ChainID
    let members: [MemberID]
    private let ports: [UInt16]

    /// - Parameter engines: the ledger's list; nil for the embedded one.
    init(_ names: [String], validators: [String]? = nil, engines: [String]? = nil) throws {
        Cryptography.initialise()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millwright-api-\(UUID().uuidString)")
        members = names.map { MemberID(unchecked: $0) }
        ports = try LocalPorts.free(names.count)
        var founding = Founding(
            name: "Ring",
            members: zip(members, ports).map { member, port in
                .init(
                    id: member, name: member.text, roles: [.board],
                    profile: MemberProfile(registrationName: member.text, country: "DE"),
                    endpoint: "https://127.0.0.1:\(port)")
            }, validator: members[0], created: NodeProcess.now, simulated: false)
        founding.engines = engines
        let folder = folder
        let homes = Dictionary(
            uniqueKeysWithValues: members.map { ($0, Home(folder.appendingPathComponent($0.text))) })
        chain = try founding.found(
            in: homes, validators: (validators ?? names).map { MemberID(unchecked: $0) })
        for (member, port) in zip(members, ports) {
            let home = Home(folder.appendingPathComponent(member.text))
            var configuration = NodeConfiguration.defaults(
                member: member, endpoint: "https://127.0.0.1:\(port)")
            configuration.listen = "127.0.0.1:\(port)"
            configuration.logLevel = "debug"
            try configuration.write(to: home)
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func home(_ index: Int) -> Home { Home(folder.appendingPathComponent(members[index].text)) }
    func endpoint(_ index: Int) -> String { "https://127.0.0.1:\(ports[index])" }

    func identity(_ index: Int) throws -> TLSIdentity {
        guard let entry = try TLSFiles(home(index)).read(.current) else { throw Trouble("no TLS key") }
        return entry.identity
    }

    /// A client of one node, as another or, by default, the same node's member.
    func client(of index: Int, as identity: TLSIdentity? = nil) throws -> HTTPClient {
        let own = try self.identity(index)
        return try HTTPClient(endpoint(index), trust: .pins([own.pin]), identity: identity ?? own)
    }

    func report(_ index: Int) throws -> NodeReport {
        let client = try client(of: index)
        defer { client.close() }
        let answer = try client.request(.get, "/v1/node/status", totalMilliseconds: 5_000).successful()
        return try JSONDecoder().decode(NodeReport.self, from: Data(answer.body))
    }

    /// A signed transaction of a member's that any ledger accepts: a new city.
    func transaction(_ index: Int, city: String) throws -> (bytes: [UInt8], id: TransactionID) {
        let signer = try home(index).keystore(of: members[index]).signingKey().signer
        let payload = try TransactionPayload(
            chain: chain, expires: NodeProcess.now + .minutes(10), nonce: SecureRandom.bytes(16),
            contract: ConsortiumContract.self,
            action: .updateProfile(
                .init(
                    name: members[index].text,
                    profile: MemberProfile(registrationName: members[index].text, city: city, country: "DE"),
                    endpoint: endpoint(index))))
        let bytes = signer.sign(payload, hash: SHA256.hash)
        return (bytes, try UnverifiedTransaction(decoding: bytes, hash: SHA256.hash).id)
    }

    /// Hands a transaction to one node.
    func submit(_ bytes: [UInt8], to index: Int) throws {
        let client = try client(of: index)
        defer { client.close() }
        try client.request(.post, "/v1/peer/transactions", body: PeerFrames.body([bytes])).successful()
    }

    /// The final block of a node that holds a transaction.
    func finalHeight(of bytes: [UInt8], at index: Int) throws -> Height? {
        let client = try client(of: index)
        defer { client.close() }
        let final = try report(index).finalHeight
        var above: Height = 0
        while above < final {
            let target = HTTPTarget(["v1", "peer", "blocks"], query: [.init("above", "\(above)")])
            let blocks = try PeerFrames.messages(
                try client.request(.get, target).successful().body, limit: HTTPPeers.maximumBlockBytes)
            for block in blocks {
                let record = try BlockRecord(decoding: block)
                guard record.header.height <= final else { return nil }
                above = record.header.height
                guard let batch = try? Batch(decoding: record.content, chain: chain) else { continue }
                if batch.transactions.contains(bytes) { return above }
            }
            if blocks.isEmpty { return nil }
        }
        return nil
    }
}

/// Waits for a condition that another process or thread brings about.
func wait(
    seconds: Double = 180, _ what: String, _ condition: () throws -> Bool,
    file: String = #fileID, line: Int = #line
) async throws {
    let end = Date(timeIntervalSinceNow: seconds)
    var reason = ""
    while Date() < end {
        do { if try condition() { return } } catch { reason = ": \(error)" }
        try await Task.sleep(nanoseconds: 50_000_000)
    }
    throw Trouble("waited in vain for \(what)\(reason) (\(file):\(line))")
}

/// `millwright node` as a process of its own.
final class NodeProgram {
    private(set) var pid: pid_t = 0
    let log: URL

    static let url: URL = {
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("millwright")
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return SharedFiles.root.appendingPathComponent(".build/debug/millwright")
    }()

    init(_ home: Home, arguments: [String] = []) throws {
        log = home.folder.appendingPathComponent("log")
        let script = "exec \"$0\" node --home \"$1\" \"${@:3}\" >>\"$2\" 2>&1"
        let line = ["/bin/bash", "-c", script, NodeProgram.url.path, home.folder.path, log.path] + arguments
        var words = line.map { strdup($0) } + [nil]
        let environment = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]
        var settings = environment.map { strdup($0) } + [nil]
        defer { for text in words + settings { free(text) } }
        let failure = posix_spawn(&pid, "/bin/bash", nil, nil, &words, &settings)
        guard failure == 0 else { throw Trouble(String(cString: strerror(failure))) }
    }

    deinit { end(SIGKILL) }

    var words: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// Sends a signal and waits for the end: the exit status, or the signal's number below zero.
    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        guard pid > 0 else { return 0 }
        kill(pid, signal)
        return wait()
    }

    @discardableResult
    func wait() -> Int32 {
        guard pid > 0 else { return 0 }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        pid = 0
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }
}

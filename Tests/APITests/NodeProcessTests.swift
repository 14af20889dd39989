import Codec
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Synchronization
import Testing

@testable import API

/// One node in this process, and who may ask it what.
@Suite(.serialized) struct NodeProcessTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        var log: NodeLog { NodeLog(.debug) { line in self.text.withLock { $0 += line } } }
        func contains(_ part: String) -> Bool { text.withLock { $0.contains(part) } }
    }

    private func run(
        _ world: NodeWorld, _ index: Int = 0, lines: Lines = Lines(),
        _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) throws -> NodeProcess {
        var configuration = try NodeConfiguration.read(world.home(index).configurationFile)
        change(&configuration)
        return try NodeProcess(home: world.home(index), configuration: configuration, log: lines.log)
    }

    private func stranger(expired: Bool = false) throws -> TLSIdentity {
        try TLSIdentity.generate(
            commonName: "stranger", hosts: ["localhost"], notBeforeSeconds: 0,
            notAfterSeconds: expired ? 86_400 : 4_000_000_000)
    }

    @Test func knowsWhoCallsByTheirKey() throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let process = try run(world)
        defer { process.stop() }
        func status(_ method: HTTPMethod, _ path: HTTPTarget, as identity: TLSIdentity?) throws -> Int {
            let client = try HTTPClient(
                world.endpoint(0), trust: .pins([world.identity(0).pin]), identity: identity)
            defer { client.close() }
            return try client.request(method, path).status.code
        }
        let (member, stranger) = (try world.identity(1), try stranger())
        #expect(try status(.get, "/v1/peer/status", as: member) == 200)
        #expect(try status(.get, "/v1/peer/genesis", as: member) == 200)
        #expect(try status(.get, "/v1/node/status", as: member) == 403)
        #expect(try status(.get, "/v1/node/status", as: world.identity(0)) == 200)
        #expect(try status(.get, "/v1/nothing", as: member) == 404)
        #expect(try status(.post, "/v1/peer/status", as: member) == 405)
        #expect(try status(.get, "/v1/peer/blocks", as: member) == 400)
        for path: HTTPTarget in [
            "/v1/peer/messages", "/v1/peer/blocks", "/v1/peer/genesis", "/v1/peer/status", "/v1/node/status",
        ] {
            #expect(try status(.get, path, as: stranger) == 401)
            #expect(try status(.get, path, as: nil) == 401)
        }
        #expect(try status(.post, "/v1/peer/transactions", as: stranger) == 401)
        for path: HTTPTarget in ["/healthz", "/readyz", "/metrics"] {
            #expect(try status(.get, path, as: nil) == 200)
        }
        // Who is pinned to another key talks to nobody.
        let client = try HTTPClient(world.endpoint(0), trust: .pins([stranger.pin]), identity: member)
        #expect(throws: HTTPError.self) { try client.request(.get, "/v1/peer/status") }
    }

    @Test func expiredCertificatesGoOnWorking() async throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        var expired: [TLSIdentity] = []
        for index in 0..<2 {
            let identity = try world.identity(index).renewed(
                hosts: ["localhost"], notBeforeSeconds: 1_000_000, notAfterSeconds: 2_000_000)
            expired.append(identity)
            try TLSFiles(world.home(index)).write(
                .init(identity: identity, sinceSeconds: NodeProcess.now.milliseconds / 1_000), to: .current)
        }
        let lines = Lines()
        let process = try run(world, lines: lines)
        defer { process.stop() }
        // The peer's expired certificate counts, and is told of.
        let client = try world.client(of: 0, as: expired[1])
        try client.request(.get, "/v1/peer/status").successful()
        #expect(lines.contains("certificate=\"of bench\""))
        // Its own is made again, of the same key.
        try await wait("another certificate") {
            try !world.identity(0).certificate.isExpired(atSeconds: NodeProcess.now.milliseconds / 1_000)
        }
        #expect(try world.identity(0).pin == expired[0].pin)
        try client.request(.get, "/v1/peer/status").successful()
    }

    @Test func replacesItsTLSKeyByWayOfTheLedger() async throws {
        let world = try NodeWorld(["anvil"])
        let old = try world.identity(0)
        // A year and a day old.
        let now = NodeProcess.now.milliseconds / 1_000
        try TLSFiles(world.home(0)).write(
            .init(identity: old, sinceSeconds: now - 366 * 86_400), to: .current)
        let process = try run(world)
        defer { process.stop() }
        try await wait("another key") { try world.identity(0).pin != old.pin }
        let new = try world.identity(0)
        try await wait("both pins in the book") {
            process.peers.book.ledgerPins == [old.pin, new.pin].sorted()
        }
        #expect(try TLSFiles(world.home(0)).read(.previous)?.identity.pin == old.pin)
        try await wait("the server's new key") {
            let client = try HTTPClient(world.endpoint(0), trust: .pins([new.pin]), identity: new)
            defer { client.close() }
            return try client.request(.get, "/v1/node/status").status == .ok
        }
        try await wait("the new address") { NodeAddress.running(in: world.home(0))?.tlsPin == new.pin }
    }

    @Test func aNodeWithoutALedgerTakesItFromAPeerThatItIsTold() async throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let process = try run(world)
        defer { process.stop() }
        let transaction = try world.transaction(1, city: "Jena")
        try world.submit(transaction.bytes, to: 0)
        let home = world.home(1)
        try FileManager.default.removeItem(at: home.genesisFile)
        let peers = [
            NodeConfiguration.Peer(
                member: "anvil", endpoint: world.endpoint(0),
                pins: [try world.identity(0).pin.description])
        ]
        #expect(throws: NodeError.self, "another ledger than the one that is asked for") {
            try run(world, 1) {
                $0.peers = peers
                $0.chain = String(repeating: "0", count: 64)
            }
        }
        let other = try run(world, 1) {
            $0.peers = peers
            $0.chain = world.chain.description
        }
        defer { other.stop() }
        try await wait("the follower to have the transaction") {
            try world.finalHeight(of: transaction.bytes, at: 1) != nil && world.report(1).isReady
        }
        // And what the follower takes in, the validator makes final.
        let back = try world.transaction(1, city: "Ulm")
        try world.submit(back.bytes, to: 1)
        try await wait("the follower's transaction") {
            try world.finalHeight(of: back.bytes, at: 1) != nil
        }
    }

    @Test func metricsAreWhatPrometheusReads() throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let process = try run(world)
        defer { process.stop() }
        let client = try world.client(of: 0)
        let text = String(
            decoding: try client.request(.get, "/metrics").successful().body, as: UTF8.self)
        let families = try PrometheusText.parse(text)
        for name in [
            "millwright_final_height", "millwright_head_height", "millwright_epoch",
            "millwright_finality_lag_seconds", "millwright_finality_seconds", "millwright_peers_connected",
            "millwright_queue_length", "millwright_engine_state", "process_resident_memory_bytes",
            "millwright_ledger_bytes", "millwright_http_requests_total",
        ] { #expect(families[name] != nil, "\(name)") }
        #expect((families["process_resident_memory_bytes"]?.first?.value ?? 0) > 1_000_000)
        let buckets = (families["millwright_finality_seconds"] ?? []).filter { $0.labels["le"] != nil }
        #expect(buckets.map(\.value) == buckets.map(\.value).sorted(), "buckets are cumulative")
        #expect(buckets.last?.labels["le"] == "+Inf")
    }

    @Test func readsItsConfigurationAgain() throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let process = try run(world)
        defer { process.stop() }
        var configuration = try NodeConfiguration.read(world.home(0).configurationFile)
        let stranger = try stranger()
        #expect(process.peers.book.caller(stranger.pin) == .stranger)
        configuration.peers = [.init(member: "newcomer", endpoint: nil, pins: [stranger.pin.description])]
        configuration.listen = "127.0.0.1:1"
        #expect(try process.reload(configuration) == ["listen"])
        #expect(process.peers.book.caller(stranger.pin) == .guest(.init(unchecked: "newcomer")))
    }
}

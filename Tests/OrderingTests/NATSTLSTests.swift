import Foundation
import Ordering
import TestSupport
import Testing

/// TLS between a node and its servers, and among those, with certificates of an authority of one's own.
@Suite(.enabled(if: NATSTestCluster.isPresent && Authority.isPossible, "nats-server or openssl is missing"))
struct NATSTLSTests {
    @Test func ordersOverTLSWithCertificatesOnBothSides() async throws {
        let authority = try Authority()
        let server = try authority.certificate("server", for: "localhost")
        let own = try authority.certificate("client", for: "alpha")
        let tls = NATSServerConfiguration.TLS(
            certificate: server.certificate, key: server.key, authorities: authority.path)
        let world = EngineWorld(cluster: try NATSTestCluster(servers: 3, tls: tls))
        let collector = Collector()
        let engine = try world.running(into: collector) { $0.trust(authority.path, own: own) }
        try await eventually("connected") { engine.health.isConnected }
        try await engine.order(batches(0..<3, size: 1 << 20))
        try await collector.wait(for: 3)
        #expect(collector.batches == batches(0..<3, size: 1 << 20))
        // Without a certificate, or trusting another authority, there is no connection.
        let other = try Authority()
        let refused = try [
            world.running(1, into: Collector()) { $0.trust(authority.path, own: nil) },
            world.running(1, into: Collector()) { $0.trust(other.path, own: own) },
        ]
        for engine in refused {
            try await eventually("refused") { engine.health.summary.contains("no connection") }
            #expect(engine.health.state != .following)
        }
    }

    @Test func refusesAServerWithAnothersCertificate() async throws {
        let authority = try Authority()
        let server = try authority.certificate("server", for: "elsewhere.example")
        let own = try authority.certificate("client", for: "alpha")
        let tls = NATSServerConfiguration.TLS(
            certificate: server.certificate, key: server.key, authorities: authority.path)
        let world = EngineWorld(cluster: try NATSTestCluster(tls: tls))
        let engine = try world.running(into: Collector()) { $0.trust(authority.path, own: own) }
        try await eventually("refused") { engine.health.state == .misconfigured }
    }
}

extension NATSConfiguration {
    fileprivate mutating func trust(_ authority: String, own: (certificate: String, key: String)?) {
        // A certificate names a host.
        servers = servers.map { $0.replacingOccurrences(of: "127.0.0.1", with: "localhost") }
        tls = TLS(authorities: authority, own: own)
    }
}

/// A certificate authority in a folder of its own.
private final class Authority {
    static let program = URL(fileURLWithPath: "/usr/bin/openssl")
    static var isPossible: Bool { FileManager.default.isExecutableFile(atPath: program.path) }

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    var path: String { file("authority.pem") }

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try call([
            "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj",
            "/CN=\(folder.lastPathComponent)",
            "-keyout", file("authority.key"), "-out", path,
        ])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func certificate(_ name: String, for host: String) throws -> (certificate: String, key: String) {
        let (certificate, key) = (file(name + ".pem"), file(name + ".key"))
        let names = "subjectAltName=DNS:\(host),IP:127.0.0.1"
        try call([
            "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=\(host)",
            "-addext", host == "elsewhere.example" ? "subjectAltName=DNS:\(host)" : names,
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", path, "-CAkey", file("authority.key"),
            "-keyout", key, "-out", certificate,
        ])
        return (certificate, key)
    }

    private func call(_ words: [String]) throws {
        let process = Process()
        process.executableURL = Authority.program
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(words)")
    }
}

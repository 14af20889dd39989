import API
import Foundation
import Ledger
import Testing

/// What a node's operator says about its way to the NATS servers that the ledger names.
@Suite struct NATSWayTests {
    private static let listed: [EngineAddress.Server] = [
        .init(host: "a.example", port: 4222), .init(host: "b.example", port: 4222),
        .init(host: "c.example", port: 4222),
    ]

    private func ways(_ servers: [NodeConfiguration.NATS.Server]?) -> [String] {
        NodeConfiguration.NATS(servers: servers).ways(to: Self.listed).map { "\($0.host):\($0.port)" }
    }

    @Test func theLedgersOrderCountsWhereNothingIsSaid() {
        #expect(ways(nil) == ["a.example:4222", "b.example:4222", "c.example:4222"])
    }

    @Test func theOwnServerComesFirstAndTheOthersStay() {
        #expect(
            ways([.init(server: "c.example:4222"), .init(server: "b.example:4222", address: "10.0.0.7:5222")])
                == ["c.example:4222", "10.0.0.7:5222", "a.example:4222"])
    }

    /// The ledger may have moved to other servers since.
    @Test func aServerThatTheLedgerDoesNotNameIsNotAsked() {
        #expect(
            ways([.init(server: "d.example:4222", address: "10.0.0.7:5222"), .init(server: "c.example:4222")])
                == ["c.example:4222", "a.example:4222", "b.example:4222"])
    }

    @Test func whatIsNoServerIsRefused() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).json")
        defer { try? FileManager.default.removeItem(at: file) }
        func read(_ servers: String) throws -> NodeConfiguration {
            try Data(#"{"member": "press", "nats": {"servers": [\#(servers)]}}"#.utf8).write(to: file)
            return try NodeConfiguration.read(file)
        }
        let good = try read(#"{"server": "a.example:4222"}"#)
        #expect(good.nats?.servers == [.init(server: "a.example:4222")])
        for bad in [
            #"{"server": "a.example"}"#, #"{"server": "a.example:4222", "address": "nats://b:1"}"#,
            #"{"address": "a.example:4222"}"#,
        ] { #expect(throws: (any Error).self) { try read(bad) } }
    }
}

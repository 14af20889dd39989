import Codec
import Cryptography
import Foundation
import HTTP
import Ledger
import Node
import Storage
import Synchronization
import Testing

@testable import API

/// Snapshots between nodes over HTTPS: what is served, and what a node does that lacks blocks nobody keeps.
@Suite(.serialized, .timeLimit(.minutes(10))) struct SnapshotServiceTests {
    private final class Lines: Sendable {
        let text = Mutex("")
        var log: NodeLog { NodeLog(.debug) { line in self.text.withLock { $0 += line } } }
        func contains(_ part: String) -> Bool { text.withLock { $0.contains(part) } }
    }

    /// Small segments and many checkpoints, so that a few blocks can be removed.
    private static var options: LedgerNode.Options {
        var options = NodeProcess.defaultOptions
        (options.store.log.segmentBytes, options.store.log.preallocationBytes) = (4_096, 4_096)
        options.blocksPerCheckpoint = 4
        return options
    }

    private func configuration(_ world: NodeWorld, _ index: Int) throws -> NodeConfiguration {
        try NodeConfiguration.read(world.home(index).configurationFile)
    }

    private func process(_ world: NodeWorld, _ index: Int, _ log: NodeLog) throws -> NodeProcess {
        try NodeProcess(
            home: world.home(index), configuration: configuration(world, index), log: log,
            options: SnapshotServiceTests.options)
    }

    /// Brings blocks through at the first node, and removes its old ones.
    private func advance(_ world: NodeWorld, _ process: NodeProcess, _ count: Int, _ name: String)
        async throws
    {
        for number in 0..<count {
            let before = process.node.height
            try world.submit(try world.transaction(0, city: "\(name) \(number)").bytes, to: 0)
            try await wait("block \(number) of \(name)") { process.node.height > before }
        }
    }

    private func prune(_ node: LedgerNode, above height: Height) async throws {
        try await wait("old blocks to go") {
            _ = try node.prune(keeping: 2)
            return node.firstBlock > height + 1
        }
    }

    /// Has the second node take what there is, and stops it.
    private func followBriefly(_ world: NodeWorld, _ lines: Lines) async throws -> Height {
        let process = try process(world, 1, lines.log)
        defer { process.stop() }
        try await wait("the follower to follow") { process.node.height >= 3 }
        return process.node.height
    }

    /// - Parameter lie: what is done to the first peer's snapshot, which is asked for first.
    private func catchUp(
        pruning: Bool = false, lie: ((SnapshotFolder, URL) throws -> Void)? = nil
    ) async throws -> Lines {
        let world = try NodeWorld(["anvil", "bench", "crane"], validators: ["anvil"])
        let lines = Lines()
        let (anvil, crane) = (try process(world, 0, lines.log), try process(world, 2, lines.log))
        defer {
            anvil.stop()
            crane.stop()
        }
        try await advance(world, anvil, 3, "Before")
        let height = try await followBriefly(world, lines)
        try await advance(world, anvil, 40, "Without it")
        try await wait("the other follower") { crane.node.height >= height + 40 }
        for node in [anvil.node, crane.node] { try await prune(node, above: height) }
        if let lie {
            let folder = world.home(0).folder.appendingPathComponent("snapshot")
            let client = try world.client(of: 0)
            defer { client.close() }
            try client.request(.get, "/v1/peer/snapshot").successful()
            try lie(SnapshotFolder(folder.path), folder)
        }
        var configuration = try configuration(world, 1)
        if pruning { configuration.keepBlocks = 1_000 }
        let service = try NodeService(
            home: world.home(1), configuration: configuration, log: lines.log,
            options: SnapshotServiceTests.options)
        do {
            try await wait(seconds: 60, "a snapshot in the ledger's place") {
                service.process.map { $0.node.firstBlock > height } ?? false
            }
            // And it follows again.
            try await advance(world, anvil, 3, "After")
            let last = anvil.node.height
            try await wait("the newest block") { service.process.map { $0.node.height >= last } ?? false }
            let node = try #require(service.process?.node)
            #expect(try node.header(last) == anvil.node.header(last))
            let proof = try node.stateProof(of: AccountRecord.rowKey(world.members[0]))
            #expect(proof.value != nil)
            try proof.verify(
                genesis: node.genesis, chain: world.chain, hash: SHA256.hash, verifier: node.rules.verify)
            let kept = try FileManager.default.contentsOfDirectory(atPath: world.home(1).folder.path).filter {
                $0.hasPrefix("ledger.before-")
            }
            #expect(kept.count == (pruning ? 0 : 1))
        } catch {
            try? service.stop()
            throw Trouble("\(error)\n\(lines.text.withLock { $0.suffix(6_000) })")
        }
        try service.stop()
        // What it has now opens again.
        let again = try process(world, 1, lines.log)
        #expect(again.node.firstBlock > height)
        #expect(again.stop() == nil)
        return lines
    }

    @Test func aRunningNodeTakesASnapshotWhereNobodyKeepsWhatItLacks() async throws {
        let lines = try await catchUp()
        #expect(lines.contains("a snapshot has taken the ledger's place"))
    }

    @Test func whoKeepsOnlyRecentBlocksKeepsNothingOfWhatWasThere() async throws {
        _ = try await catchUp(pruning: true)
    }

    @Test func aPeerWhoseChunkIsNotTheOneItNamesIsPassedOver() async throws {
        let lines = try await catchUp { _, folder in
            let chunk = folder.appendingPathComponent("0.chunk")
            var bytes = [UInt8](try Data(contentsOf: chunk))
            bytes[bytes.count - 1] ^= 1
            try Data(bytes).write(to: chunk)
        }
        #expect(lines.contains("snapshot.other_chunk"))
    }

    /// Rows that the peer made up, and a manifest that fits them.
    @Test func aPeerWhoseRowsAreNotTheBlocksIsPassedOver() async throws {
        let lines = try await catchUp { _, folder in
            let (chunk, file) = (
                folder.appendingPathComponent("0.chunk"), folder.appendingPathComponent("manifest")
            )
            var bytes = [UInt8](try Data(contentsOf: chunk))
            bytes[bytes.count - 1] ^= 1
            try Data(bytes).write(to: chunk)
            var manifest = try SnapshotManifest(decoding: [UInt8](try Data(contentsOf: file)))
            manifest.chunks[0] = .init(digest: SHA256.digest(bytes), byteCount: bytes.count)
            try Data(manifest.encoded).write(to: file)
        }
        #expect(lines.contains("snapshot.other_state"))
    }

    /// A manifest of a block that there is not.
    @Test func aPeerWhoseBlockIsNotFinalIsPassedOver() async throws {
        let lines = try await catchUp { _, folder in
            let file = folder.appendingPathComponent("manifest")
            var manifest = try SnapshotManifest(decoding: [UInt8](try Data(contentsOf: file)))
            manifest.block = SHA256.digest([1])
            try Data(manifest.encoded).write(to: file)
        }
        #expect(lines.contains("snapshot.unproven"))
    }

    @Test func servesASnapshotToMembersOnly() async throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let anvil = try process(world, 0, Lines().log)
        defer { anvil.stop() }
        try await advance(world, anvil, 12, "Served")
        let client = try world.client(of: 0, as: world.identity(1))
        defer { client.close() }
        var offer: SnapshotOffer?
        try await wait("a checkpoint") {
            offer = try SnapshotOffer(
                decoding: client.request(.get, "/v1/peer/snapshot").successful().body)
            return true
        }
        let found = try #require(offer)
        try found.verify(anvil.node.genesis, rules: anvil.node.rules)
        for (index, chunk) in found.manifest.chunks.enumerated() {
            let bytes = try client.request(.get, HTTPTarget(["v1", "peer", "snapshot", "\(index)"]))
                .successful()
                .body
            #expect(SHA256.digest(bytes) == chunk.digest && bytes.count == chunk.byteCount)
        }
        let beyond = HTTPTarget(["v1", "peer", "snapshot", "\(found.manifest.chunks.count)"])
        #expect(try client.request(.get, beyond).status.code == 404)
        let stranger = try TLSIdentity.generate(
            commonName: "stranger", hosts: ["localhost"], notBeforeSeconds: 0,
            notAfterSeconds: 4_000_000_000)
        let other = try world.client(of: 0, as: stranger)
        defer { other.close() }
        #expect(try other.request(.get, "/v1/peer/snapshot").status.code == 401)
    }
}

import Codec
import Foundation
import HTTP
import Ledger
import Node
import Synchronization
import Testing

@testable import API

/// A running node fetches older blocks over HTTPS when its operator asks.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HistoryServiceTests {
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

    private func process(_ world: NodeWorld, _ index: Int, _ log: NodeLog = Lines().log) throws -> NodeProcess
    {
        try NodeProcess(
            home: world.home(index),
            configuration: try NodeConfiguration.read(world.home(index).configurationFile), log: log,
            options: HistoryServiceTests.options)
    }

    /// A ledger of three nodes of which the first two have removed old blocks.
    private func pruned(_ world: NodeWorld, _ nodes: [NodeProcess]) async throws {
        for number in 0..<24 {
            let before = nodes[0].node.height
            try world.submit(try world.transaction(0, city: "City \(number)").bytes, to: 0)
            try await wait("block \(number)") { nodes[0].node.height > before }
        }
        for process in nodes {
            try await wait("all blocks") { process.node.height >= nodes[0].node.height }
        }
        for process in nodes[..<2] {
            try await wait("old blocks to go") {
                _ = try process.node.prune(keeping: 2)
                return process.node.firstBlock > 8
            }
        }
    }

    /// - Returns: how the fetch ended, or the problem in its place.
    private func fetch(_ world: NodeWorld, _ index: Int) throws -> (messages: [LocalHistory], code: String?) {
        let client = try world.client(of: index)
        defer { client.close() }
        var messages: [LocalHistory] = []
        do {
            try client.frames(
                .post, HTTPTarget(["v1", "local", "history"]), maximumFrameBytes: 1 << 16,
                silenceMilliseconds: LocalAPI.fetchSilenceMilliseconds
            ) { messages.append(try CBOR.decode(LocalHistory.self, from: $0)) }
        } catch let error as HTTPError { return (messages, error.problem?.code ?? "\(error)") }
        // A reason that took its time comes in the stream.
        if case .stopped(let code, _)? = messages.last { return (messages, code) }
        return (messages, nil)
    }

    @Test func theBlocksComeFromWhoeverKeepsThem() async throws {
        let world = try NodeWorld(["anvil", "bench", "crane"], validators: ["anvil"])
        let lines = Lines()
        let (anvil, bench) = (try process(world, 0), try process(world, 1, lines.log))
        var crane: NodeProcess? = try process(world, 2)
        defer {
            anvil.stop()
            bench.stop()
            crane?.stop()
        }
        try await pruned(world, [anvil, bench] + [crane].compactMap { $0 })
        let first = bench.node.firstBlock
        #expect(try world.report(1).firstHeight == first)

        // Settings that would remove them again stand in the way.
        var configuration = try NodeConfiguration.read(world.home(1).configurationFile)
        configuration.keepDays = 30
        _ = try bench.reload(configuration)
        #expect(try fetch(world, 1).code == "history.pruning")
        configuration.keepDays = 0
        _ = try bench.reload(configuration)

        // Nobody that is there keeps them.
        crane?.stop()
        crane = nil
        let none = try fetch(world, 1)
        #expect(none.code == "history.no_peer")
        #expect(bench.node.firstBlock == first)

        crane = try process(world, 2)
        try await wait("the one that keeps them") {
            let answer = try fetch(world, 1)
            guard case .done(let report)? = answer.messages.last else { return false }
            return report.first == 0 && report.fetched == first - 1
        }
        #expect(lines.contains("block.pruned"))
        #expect(bench.node.firstBlock == 0)
        #expect(try bench.node.verify(width: 1) { _ in }.first == 0)
        #expect(try world.report(1).firstHeight == 0)
        let nothing = try fetch(world, 1)
        guard case .done(let report)? = nothing.messages.last else {
            throw Trouble("\(nothing)\n\(lines.text.withLock { $0.suffix(3_000) })")
        }
        #expect(report.fetched == 0 && report.first == 0)

        // The first node has them back from the one that has just fetched them.
        crane?.stop()
        guard case .done? = try fetch(world, 0).messages.last else { throw Trouble("no end") }
        #expect(anvil.node.firstBlock == 0)
        #expect(try anvil.node.verify(width: 1) { _ in }.first == 0)
    }

    @Test func onlyTheOwnOperatorMayAsk() async throws {
        let world = try NodeWorld(["anvil", "bench"], validators: ["anvil"])
        let anvil = try process(world, 0)
        defer { anvil.stop() }
        let client = try world.client(of: 0, as: world.identity(1))
        defer { client.close() }
        #expect(try client.request(.post, "/v1/local/history").status.code == 403)
        // Nothing is missing: nobody is asked.
        guard case .done(let report)? = try fetch(world, 0).messages.last else { throw Trouble("no end") }
        #expect(report.fetched == 0)
    }
}

import Foundation
import HTTP
import Ledger
import Node

/// One company's node for as long as it is to run: a `NodeProcess`, and another each time that a snapshot has
/// taken the ledger's place.
package final class NodeService: Sendable {
    private struct State {
        var process: NodeProcess?
        var configuration: NodeConfiguration
        var isStopping = false
        var hasEnded = false
        var failure: (any Error)?
    }

    private let home: Home
    private let log: NodeLog
    private let options: LedgerNode.Options
    private let state: ConditionMutex<State>
    /// Called once, on any thread, where the node could not go on by itself.
    private let onEnd: @Sendable () -> Void

    private static let lookMilliseconds = 500
    /// So often the ledger may not open after a snapshot before none is taken any more.
    private static let attempts = 3
    private static let openingAttempts = 20
    private static let openingMilliseconds = 1_000

    /// - Throws: as `NodeProcess`.
    package init(
        home: Home, configuration: NodeConfiguration, log: NodeLog,
        options: LedgerNode.Options = NodeProcess.defaultOptions, onEnd: @escaping @Sendable () -> Void = {}
    ) throws {
        (self.home, self.log, self.options, self.onEnd) = (home, log, options, onEnd)
        let process = try NodeProcess(home: home, configuration: configuration, log: log, options: options)
        state = ConditionMutex(State(process: process, configuration: configuration))
        let thread = Thread { [self] in keepRunning() }
        thread.name = "service"
        thread.start()
    }

    /// The node as it runs; nil at the end, and while a snapshot is put in place.
    package var process: NodeProcess? { state.read(\.process) }

    /// Takes from a configuration what can change while the node runs.
    /// - Returns: the settings that count only after a restart.
    package func reload(_ configuration: NodeConfiguration) throws -> [String] {
        let process = state.update { state in
            state.configuration = configuration
            return state.process
        }
        return try process?.reload(configuration) ?? []
    }

    /// Stops the node. A second call does nothing.
    /// - Throws: why it had halted, or could not go on.
    package func stop() throws {
        state.update { $0.isStopping = true }
        while !state.wait(milliseconds: NodeService.openingMilliseconds, until: \.hasEnded) {}
        let (process, failure) = state.update { state in
            defer { (state.process, state.failure) = (nil, nil) }
            return (state.process, state.failure)
        }
        if let failure { throw failure }
        if let failure = process?.stop() { throw failure }
    }

    private var isStopping: Bool { state.read(\.isStopping) }

    private func keepRunning() {
        var failures = 0
        do {
            while !isStopping {
                guard failures < NodeService.attempts else {
                    // One that nobody takes is kept by its keeper, which fetches no other.
                    state.wait(milliseconds: NodeService.lookMilliseconds, until: \.isStopping)
                    continue
                }
                guard let snapshot = process?.nextSnapshot(milliseconds: NodeService.lookMilliseconds) else {
                    continue
                }
                if try replace(with: snapshot) { failures = 0 } else { failures += 1 }
            }
            state.update { $0.hasEnded = true }
        } catch {
            log.error("the node cannot go on", ["reason": error])
            state.update { ($0.hasEnded, $0.failure) = (true, error) }
            onEnd()
        }
    }

    /// Closes the ledger, puts a snapshot in its place and opens it.
    ///
    /// Where the new ledger does not open the node ends, and what there was stays beside it: going back by
    /// itself could forget what this node has signed since.
    /// - Returns: false where the node goes on with what it had.
    /// - Throws: why nothing can be opened.
    private func replace(with snapshot: SnapshotTaking) throws -> Bool {
        let height = snapshot.height
        // Peers may have come back with the blocks while it was fetched.
        guard process?.node.needsSnapshot ?? false else { return true }
        if let failure = stopProcess() { throw failure }
        let replacement = LedgerReplacement(home)
        let old: URL
        do { old = try patiently { try replacement.install(snapshot) } } catch {
            log.error("the snapshot is not taken", ["height": height, "reason": error])
            try open()
            return false
        }
        try open()
        let keeps = state.read { $0.configuration.pruning == nil }
        log.info(
            "a snapshot has taken the ledger's place",
            ["height": height, "before": keeps ? old.lastPathComponent : "removed"])
        // Whoever keeps only recent blocks keeps nothing of what was there.
        if !keeps { try? FileManager.default.removeItem(at: old) }
        return true
    }

    /// - Returns: why it had halted.
    private func stopProcess() -> NodeError? {
        let process = state.update { state in
            defer { state.process = nil }
            return state.process
        }
        return process?.stop()
    }

    private func open() throws {
        let configuration = state.read(\.configuration)
        let process = try patiently {
            try NodeProcess(home: home, configuration: configuration, log: log, options: options)
        }
        state.update { $0.process = process }
    }

    /// Tries again while threads of the node that was stopped still hold what is needed.
    private func patiently<Result>(_ body: () throws -> Result) throws -> Result {
        for _ in 0..<NodeService.openingAttempts {
            do { return try body() } catch let error as NodeError where error.code == "storage.locked" {
                state.wait(milliseconds: NodeService.openingMilliseconds, until: \.isStopping)
            }
        }
        return try body()
    }
}

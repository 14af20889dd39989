import Codec
import Foundation
import HTTP
import Ledger
import Node
import Synchronization

/// Fetches the blocks below this node's first one while its operator asks for it: `POST /v1/local/history`.
///
/// The answer is a stream of frames, each a `LocalHistory`. There is one fetch at a time, which whoever asks
/// looks on at; when nobody does any more it ends, and the next call goes on with what it has brought. It
/// works at the lowest priority, and what comes of it counts only when all of it is proven.
final class HistoryKeeper: Sendable {
    private struct State {
        var isBusy = false
        var isStopped = false
        /// Who looks on.
        var callers = 0
        /// Fetches that were begun.
        var run = 0
        var progress: [HistoryProgress] = []
        var end: LocalHistory?
    }

    private let home: Home
    private let log: NodeLog
    private let cancellation = HTTPCancellation()
    private let state = ConditionMutex(State())

    init(home: Home, log: NodeLog) { (self.home, self.log) = (home, log) }

    /// - Parameter isPruning: whether the node's settings remove old blocks.
    func route(node: LedgerNode, peers: HTTPPeers, isPruning: @escaping @Sendable () -> Bool) -> Route {
        Route(.post, "/v1/local/history", for: .own) { [self] call in
            try Problem.translating {
                guard node.firstBlock == 0 || !isPruning() else {
                    throw NodeError(
                        "history.pruning",
                        "keepBlocks or keepDays in node.json removes old blocks, and would remove these "
                            + "again: set both to 0 and have the node read it (SIGHUP)")
                }
                let run = try begin { [self] in work(node, peers, isPruning) }
                do {
                    try awaitBegin(run, call.request)
                    return response(run)
                } catch {
                    leave()
                    throw error
                }
            }
        }
    }

    /// Ends the fetch; what it has brought stays.
    func stop() {
        state.update { $0.isStopped = true }
        cancellation.cancel()
        state.wait(milliseconds: LocalAPI.fetchEndMilliseconds) { !$0.isBusy }
    }

    // MARK: Callers

    /// Looks on at the fetch under way, or begins one.
    private func begin(_ work: @escaping @Sendable () -> Void) throws -> Int {
        // One that nobody looks on at any more is ending.
        let ready: (State) -> Bool = { !$0.isBusy || $0.callers > 0 || $0.isStopped }
        func join(_ state: inout State) throws -> (run: Int, isNew: Bool) {
            guard !state.isStopped, ready(state) else {
                throw NodeError("history.stopped", "the last fetch has not ended yet, or the node stops")
            }
            state.callers += 1
            if state.isBusy { return (state.run, false) }
            (state.isBusy, state.run, state.end, state.progress) = (true, state.run + 1, nil, [])
            return (state.run, true)
        }
        let (run, isNew) = try state.wait(
            milliseconds: LocalAPI.fetchEndMilliseconds, until: ready, then: join)
        if isNew {
            let thread = Thread(block: work)
            thread.name = "history"
            thread.stackSize = 8 << 20
            thread.start()
        }
        return run
    }

    private func leave() { state.update { $0.callers -= 1 } }

    /// Waits until it is seen to work.
    /// - Throws: why it does not.
    private func awaitBegin(_ run: Int, _ request: HTTPRequest) throws {
        let deadline = ContinuousClock.now + .milliseconds(LocalAPI.fetchBeginMilliseconds)
        let isSeen: (State) -> Bool = { $0.run != run || $0.end != nil || $0.progress.count > 1 }
        while !state.wait(milliseconds: 100, until: isSeen) {
            if request.isAbandoned || ContinuousClock.now >= deadline { return }
        }
        if case .stopped(let code, let detail) = state.read({ $0.run == run ? $0.end : nil }) {
            throw NodeError(code, detail)
        }
    }

    /// What a caller was told last.
    private enum Told: Equatable {
        case nothing
        case progress(HistoryProgress)
        case end
    }

    private func response(_ run: Int) -> HTTPResponse {
        let told = Mutex(Told.nothing)
        let stream = HTTPStream(
            onEnd: { self.leave() },
            next: { [state] milliseconds in
                let last = told.withLock { $0 }
                if last == .end { return .end }
                let news = state.wait(
                    milliseconds: milliseconds,
                    until: { HistoryKeeper.news($0, of: run, after: last) != nil },
                    then: { HistoryKeeper.news($0, of: run, after: last) })
                guard let news else { return .idle }
                told.withLock { $0 = news.told }
                return .bytes(Frame.encode(try CBOR.encode(news.message)))
            })
        return HTTPResponse(.ok, ["Content-Type": PeerRoutes.bytesType], stream: stream)
    }

    private static func news(
        _ state: State, of run: Int, after last: Told
    ) -> (message: LocalHistory, told: Told)? {
        if state.run != run { return (.stopped(code: "history.stopped", detail: "another was begun"), .end) }
        if let end = state.end { return (end, .end) }
        guard let progress = state.progress.last, last != .progress(progress) else { return nil }
        return (.fetching(progress), .progress(progress))
    }

    // MARK: The fetch

    private func work(_ node: LedgerNode, _ peers: HTTPPeers, _ isPruning: @Sendable @escaping () -> Bool) {
        yieldToOthers()
        if node.firstBlock > 0 { log.info("older blocks are fetched", ["below": node.firstBlock]) }
        let conduct = HistoryFetch.Conduct(
            isWanted: { [state] in state.read { !$0.isStopped && $0.callers > 0 } && !isPruning() },
            pause: { [state] milliseconds in
                state.wait(milliseconds: milliseconds) { $0.isStopped || $0.callers == 0 }
            },
            progress: { [state] progress in state.update { $0.progress = $0.progress.suffix(1) + [progress] }
            },
            onRefusal: { [log] peer, reason in
                log.warning("a peer gave no older blocks", ["peer": peer, "reason": reason])
            })
        let end: LocalHistory
        do throws(NodeError) {
            let source = HistoryPeers(peers, cancellation: cancellation)
            let report = try HistoryFetch(node, home: home, from: source, conduct: conduct).run()
            if report.fetched > 0 {
                log.info("older blocks are here", ["fetched": report.fetched, "first": report.first])
            }
            end = .done(report)
        } catch {
            log.warning("older blocks are not here yet", ["code": error.code, "reason": error])
            let problem = Problem(error)
            end = .stopped(code: problem.code, detail: problem.detail)
        }
        state.update { ($0.isBusy, $0.end) = (false, end) }
    }

    /// Whatever else the process does goes before this thread's work. Linux keeps a priority for each
    /// thread.
    private func yieldToOthers() {
        if setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) != 0 {
            log.debug("the fetch of older blocks keeps its priority", ["errno": errno])
        }
    }
}

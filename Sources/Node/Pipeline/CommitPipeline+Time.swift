import Codec
import Foundation
import Ledger

/// What happens because time has passed.
extension CommitPipeline {
    /// Milliseconds between the replica's ticks.
    private static let tickMilliseconds = 20
    /// How long a batch may take to be seen at a position before others are given what it holds. The engine
    /// is suspected then too, unless it may need longer to get over a loss; doubled each time.
    private static let lateAfter = Span.seconds(2)

    func tickerStage() {
        let isQuiet = network == nil
        let interval = isQuiet ? 100 : CommitPipeline.tickMilliseconds
        var count = 0
        // Nothing is ever put into this box: it only ends the wait early.
        while !ticker.hasClosed {
            _ = ticker.take(seconds: Double(interval) / 1000)
            if ticker.hasClosed { return }
            events.pushTick()
            count += 1
            desk.with { $0.wake(MonotonicClock.now) }
            if shared.withLock({ shared in
                defer { shared.wantsEpochTick = false }
                return shared.wantsEpochTick
            }) {
                tickLedger()
            }
            if count % max(1, 500 / interval) == 0 { keepHouse() }
        }
    }

    private func keepHouse() {
        let now = MonotonicClock.now
        let finalTime = feed.last.time
        desk.tell { $0.expire(through: finalTime) }
        let context = shared.withLock(\.view.context)
        if !isAlone || engines.health(of: context)?.state != .following { hurry(now) }
        if options.ticks { tickWhereDue(finalTime) }
        let durable = desk.look { $0.durable }
        do { try file.compact(durable, isClosing: false) } catch {
            halt(NodeError("node.storage", "the outbox could not be written", cause: error))
        }
    }

    /// Sends again what was not seen in time, by way of others too, and suspects the engine.
    private func hurry(_ now: Timestamp) {
        // Who has others order waits for them, and asks the next; only who orders waits for the engine.
        let failover = shared.withLock({ $0.view.isValidator }) ? engines.failoverNow() : .seconds(0)
        let patience = max(CommitPipeline.lateAfter, failover)
        if patience > CommitPipeline.lateAfter {
            let overdue = desk.with { $0.overdue(now, after: CommitPipeline.lateAfter) }
            if !overdue.isEmpty { network?.submit(overdue, to: nil) }
        }
        let before = desk.look { $0.failures }
        let late = desk.with { $0.late(now, after: patience) }
        guard desk.look({ $0.failures }) > before else { return }
        counters.withLock {
            $0.batchesLate += 1
            $0.suspicions += 1
        }
        if !late.isEmpty { network?.submit(late, to: nil) }
        refuseEnded(late)
        events.push(.suspect(wish: nil))
    }

    /// What a key signed that has ended meanwhile no block takes, and no validator answers for it: whoever
    /// has others order lets go of it.
    private func refuseEnded(_ late: [[UInt8]]) {
        guard !shared.withLock(\.view.isValidator) else { return }
        let finalTime = feed.last.time
        do {
            for bytes in late {
                guard let transaction = try? UnverifiedTransaction(decoding: bytes, hash: rules.hash),
                    let reason = try store.refusal(of: transaction.key, at: finalTime),
                    try !store.hasSeen(transaction.id)
                else { continue }
                desk.tell { $0.refuse([transaction.id], reason) }
            }
        } catch { halt(NodeError("node.storage", "the node could not read its state", cause: error)) }
    }

    /// A batch brings this node's clock to the ledger: where a deadline has passed that consensus time has
    /// not reached, and hourly.
    private func tickWhereDue(_ finalTime: Timestamp) {
        let clock = clock()
        guard clock > finalTime else { return }
        let isDue: Bool
        do { isDue = try store.firstDeadline().map { $0 <= clock } ?? false } catch {
            return halt(NodeError("node.storage", "the node could not read its state", cause: error))
        }
        if isDue || clock - finalTime >= .hours(1) { tickLedger() }
    }

    /// Orders a batch, where this node may and none is on its way.
    private func tickLedger() {
        guard shared.withLock({ $0.view.isValidator && $0.view.isOrdering }) else { return }
        desk.with { outbox in
            if !outbox.hasWork, outbox.batchesOnTheirWay == 0 { outbox.addTick(nil) }
        }
    }
}

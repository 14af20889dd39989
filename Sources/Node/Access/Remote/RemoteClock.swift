import Ledger
import Synchronization

/// The clock of a node that runs, as far as one program sees it.
///
/// A demonstration's clock that was moved here moves there with the next transaction, so that a call that is
/// refused before it reaches the ledger leaves the clock where it was.
package final class RemoteClock: LedgerClock {
    private struct Simulated {
        var now: Timestamp
        var isAhead = false
    }

    private let link: NodeLink
    /// Nil where time is real.
    private let simulated: Mutex<Simulated?>

    init(_ link: NodeLink) throws(NodeError) {
        self.link = link
        let clock: LocalClock = try link.call(.get, ["clock"])
        simulated = Mutex(clock.isSimulated ? Simulated(now: clock.now) : nil)
    }

    package var isSimulated: Bool { simulated.withLock { $0 != nil } }
    package var now: Timestamp { simulated.withLock { $0?.now } ?? NodeClock.realTime }

    package func set(_ time: Timestamp) throws(NodeError) {
        try tell(time, atLeast: false)
        simulated.withLock { $0 = Simulated(now: time) }
    }

    package func move(to time: Timestamp) throws(NodeError) {
        guard isSimulated else { throw NodeClock.notSimulated }
        let isForward = simulated.withLock { clock -> Bool in
            guard let before = clock?.now, time >= before else { return false }
            clock = Simulated(now: time, isAhead: true)
            return true
        }
        guard isForward else { throw NodeClock.backward }
    }

    package func keep() throws(NodeError) {
        guard let time = simulated.withLock({ $0?.now }) else { return }
        try tell(time, atLeast: true)
        reached(time)
    }

    private func tell(_ time: Timestamp, atLeast: Bool) throws(NodeError) {
        let body = try NodeLink.encode(LocalClockSetting(time, atLeast: atLeast))
        try link.call(.put, ["clock"], body: body)
    }

    /// Where the node's clock is to move with what is submitted; nil where it stands there already.
    var ahead: Timestamp? {
        simulated.withLock { clock in clock.flatMap { $0.isAhead ? $0.now : nil } }
    }

    /// The node's clock has moved.
    func reached(_ time: Timestamp) {
        simulated.withLock { clock in
            if let now = clock?.now, now <= time { clock?.isAhead = false }
        }
    }
}

import Foundation
import Ledger
import Synchronization

/// Where a node's consensus time comes from: the system's clock, or for a simulated genesis the
/// demonstration's, which stands still until it is set.
package final class NodeClock: Sendable {
    /// The demonstration's time; nil where time is real.
    private let simulated: Mutex<Timestamp?>
    private let file: URL

    /// The clock that the genesis asks for. A demonstration's goes on from where it last stood.
    /// - Throws: `clock.damaged`.
    package init(genesis: Genesis, head: Timestamp, home: Home) throws(NodeError) {
        file = home.clockFile
        guard genesis.simulated else {
            simulated = Mutex(nil)
            return
        }
        var time = head
        if let text = try? String(contentsOf: home.clockFile, encoding: .utf8) {
            guard let nanoseconds = Int64(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw NodeError("clock.damaged", "\(home.clockFile.path) does not hold a time")
            }
            time = max(time, Timestamp(nanoseconds: nanoseconds))
        }
        simulated = Mutex(time)
    }

    package var isSimulated: Bool { simulated.withLock { $0 != nil } }

    package var now: Timestamp {
        simulated.withLock({ $0 }) ?? NodeClock.realTime
    }

    /// The system's clock.
    static var realTime: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Moves a demonstration's clock forward, and keeps it there.
    /// - Throws: `clock.not_simulated`, `clock.backward`, `clock.io`.
    package func set(_ time: Timestamp) throws(NodeError) {
        try move(to: time)
        try keep()
    }

    /// Moves a demonstration's clock forward while this process runs. A later one finds it there once a block
    /// has taken the time to the ledger, or after `keep()`.
    /// - Throws: `clock.not_simulated`, `clock.backward`.
    package func move(to time: Timestamp) throws(NodeError) {
        guard isSimulated else { throw NodeClock.notSimulated }
        let isForward = simulated.withLock { now -> Bool in
            guard let before = now, time >= before else { return false }
            now = time
            return true
        }
        guard isForward else { throw NodeClock.backward }
    }

    static let notSimulated = NodeError(
        "clock.not_simulated", "this ledger's time is real: only a demonstration's can be set")
    static let backward = NodeError("clock.backward", "consensus time never goes back")

    /// Keeps a demonstration's clock where it stands; real time needs no keeping.
    /// - Throws: `clock.io`.
    package func keep() throws(NodeError) {
        guard let time = simulated.withLock({ $0 }) else { return }
        do { try "\(time.nanoseconds)\n".write(to: file, atomically: true, encoding: .utf8) } catch {
            throw NodeError("clock.io", "\(file.path) could not be written", cause: error)
        }
    }
}

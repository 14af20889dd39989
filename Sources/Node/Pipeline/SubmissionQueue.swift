import Foundation
import Ledger

/// Transactions that wait to be checked: a lane for this node's own callers and one for every member whose
/// node hands some over, which take turns. Whoever floods the node fills its own lane; what there is no room
/// for is let go, and sent again by whoever means it.
///
/// `@unchecked Sendable`: every stored property is read and written only under `condition`.
final class SubmissionQueue: @unchecked Sendable {
    private struct Lane {
        /// Nil for this node's own.
        let member: MemberID?
        var waiting = FIFO<Submission>()
    }

    private let condition = NSCondition()
    /// None is empty; the first has the next turn.
    private var lanes: [Lane] = []
    private var total = 0
    private var isClosed = false
    private let ownCapacity: Int
    private let memberCapacity: Int

    /// - Parameters:
    ///   - ownCapacity: of this node's own; callers wait for room.
    ///   - memberCapacity: of each other member's.
    init(ownCapacity: Int, memberCapacity: Int) {
        (self.ownCapacity, self.memberCapacity) = (ownCapacity, memberCapacity)
    }

    /// Adds a caller's, waiting for room. False where the queue is closed.
    func push(_ submission: Submission) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while count(of: nil) >= ownCapacity, !isClosed { condition.wait() }
        guard !isClosed else { return false }
        add(submission, nil)
        return true
    }

    /// Adds one where there is room, without waiting.
    func offer(_ submission: Submission, from member: MemberID? = nil) {
        condition.lock()
        defer { condition.unlock() }
        let capacity = member == nil ? ownCapacity : memberCapacity
        guard count(of: member) < capacity, !isClosed else { return }
        add(submission, member)
    }

    private func count(of member: MemberID?) -> Int {
        lanes.first { $0.member == member }?.waiting.count ?? 0
    }

    private func add(_ submission: Submission, _ member: MemberID?) {
        let place = lanes.firstIndex { $0.member == member } ?? lanes.count
        if place == lanes.count { lanes.append(Lane(member: member)) }
        lanes[place].waiting.append(submission)
        total += 1
        condition.broadcast()
    }

    var count: Int {
        condition.lock()
        defer { condition.unlock() }
        return total
    }

    /// Takes at most `limit`, of every lane about as many, waiting for the first. Empty once closed and
    /// drained.
    func take(limit: Int) -> [Submission] {
        condition.lock()
        defer { condition.unlock() }
        while total == 0, !isClosed { condition.wait() }
        var taken: [Submission] = []
        while total > 0, taken.count < limit {
            var lane = lanes.removeFirst()
            // The others' turns are in what is left.
            var turn = max(1, (limit - taken.count) / (lanes.count + 1))
            while turn > 0, let submission = lane.waiting.takeFirst() {
                taken.append(submission)
                (turn, total) = (turn - 1, total - 1)
            }
            if !lane.waiting.isEmpty { lanes.append(lane) }
        }
        condition.broadcast()
        return taken
    }

    /// Lets nothing more in; what is there can still be taken.
    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

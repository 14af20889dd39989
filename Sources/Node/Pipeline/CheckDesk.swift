import Ledger
import Synchronization

/// Submissions while they are checked. What waited together is a group; its parts are checked by whichever
/// core is free, and groups are let in whole and in the order in which they were taken. The next group begins
/// before the last one is done, so that no core waits for another.
final class CheckDesk: Sendable {
    /// A few submissions that one core checks.
    struct Part: Sendable {
        let submissions: ArraySlice<Submission>
        fileprivate let group: UInt64
        fileprivate let place: Int
    }

    fileprivate struct Group: Sendable {
        let submissions: [Submission]
        /// What the submissions of each part are; empty until it is checked.
        var checked: [[Candidate]]
        var waiting: Int
    }

    fileprivate struct Groups: Sendable {
        /// Those that are not let in.
        var waiting = FIFO<Group>()
        /// The number of the first of them.
        var first: UInt64 = 0
        var isLettingIn = false
    }

    private let parts = Mutex(FIFO<Part>())
    private let groups = Mutex(Groups())

    /// Submissions of a part: a few milliseconds of one core.
    static let partCount = 64

    /// What a core checks next; nil at the end.
    /// - Parameter refill: takes what waits, waiting for it; nothing at the end. Other cores wait meanwhile.
    func next(refill: () -> [Submission]) -> Part? {
        parts.withLock { parts in
            if parts.isEmpty { for part in divide(refill()) { parts.append(part) } }
            return parts.takeFirst()
        }
    }

    /// Adds a group before any core asks for one.
    func add(_ submissions: [Submission]) {
        parts.withLock { parts in for part in divide(submissions) { parts.append(part) } }
    }

    private func divide(_ submissions: [Submission]) -> [Part] {
        guard !submissions.isEmpty else { return [] }
        let starts = Array(stride(from: 0, to: submissions.count, by: CheckDesk.partCount))
        let group = groups.withLock { groups in
            groups.waiting.append(
                Group(
                    submissions: submissions, checked: Array(repeating: [], count: starts.count),
                    waiting: starts.count))
            return groups.first + UInt64(groups.waiting.count - 1)
        }
        return starts.enumerated().map { place, start in
            let end = min(start + CheckDesk.partCount, submissions.count)
            return Part(submissions: submissions[start..<end], group: group, place: place)
        }
    }

    /// Takes what a part's submissions are, and lets in the groups whose turn has come.
    /// - Parameter letIn: gets a group's submissions and what they are; called for one group after the other,
    ///   on one thread at a time.
    func finish(
        _ part: Part, _ candidates: [Candidate], letIn: ([Submission], [Candidate]) throws -> Void
    ) rethrows {
        var next = groups.withLock { groups in
            groups.note(candidates, of: part)
            return groups.isLettingIn ? nil : groups.take()
        }
        while let group = next {
            do { try letIn(group.submissions, Array(group.checked.joined())) } catch {
                groups.withLock { $0.isLettingIn = false }
                throw error
            }
            next = groups.withLock { $0.take() }
        }
    }

    /// Lets go of the groups that are not let in: of nobody who waits in them is known what became of it.
    func abandon() -> [Submission] { groups.withLock { $0.takeAll() } }
}

extension CheckDesk.Groups {
    fileprivate mutating func note(_ candidates: [Candidate], of part: CheckDesk.Part) {
        guard part.group >= first else { return }
        waiting.change(at: Int(part.group - first)) { group in
            group.checked[part.place] = candidates
            group.waiting -= 1
        }
    }

    fileprivate mutating func takeAll() -> [Submission] {
        var submissions: [Submission] = []
        while let group = waiting.takeFirst() {
            submissions += group.submissions
            first += 1
        }
        return submissions
    }

    /// The group whose turn it is, where it is checked.
    fileprivate mutating func take() -> CheckDesk.Group? {
        isLettingIn = waiting.first?.waiting == 0
        guard isLettingIn, let group = waiting.takeFirst() else { return nil }
        first += 1
        return group
    }
}

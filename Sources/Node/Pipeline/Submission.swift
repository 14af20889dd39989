import Codec
import Ledger

/// How far a transaction is to have come before its caller is told.
package enum SubmissionLevel: Int, Comparable, Sendable {
    /// In this node's durable outbox: the node sends it again until it is final or expired.
    case accepted
    /// Seen at a position of the order and executed; it may still move.
    case ordered
    case final

    package static func < (left: SubmissionLevel, right: SubmissionLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// How far a transaction has come.
package enum SubmissionState: Hashable, Sendable {
    case accepted(TransactionID)
    case ordered(TransactionID)
    case final(FinalTransaction)
}

/// What became of a submitted transaction. Only what is final is told.
package enum SubmissionResult: Sendable {
    /// On the ledger for good, accepted or rejected.
    case final(FinalTransaction)
    /// Not on the ledger, and why: it may be mended and sent again.
    case refused(Skip.Reason)
    /// The node stopped; the transaction may or may not be on the ledger. Send the identical bytes again.
    case failed(NodeError)
}

/// A transaction's final place and outcome.
package struct FinalTransaction: Hashable, Sendable {
    package let id: TransactionID
    package let height: Height
    /// Its place in the log tree.
    package let leaf: UInt64
    package let time: Timestamp
    package let outcome: Outcome
    /// For a rejection a sentence for the caller.
    package let message: String
}

/// What a caller is told.
enum SubmissionNews: Sendable {
    case state(SubmissionState)
    case refused(Skip.Reason)
    case failed(NodeError)
}

/// Who waits for a transaction, and until when.
struct Waiter: Sendable {
    let level: SubmissionLevel
    let tell: @Sendable (SubmissionNews) -> Void
}

/// What callers are to be told once no lock is held.
struct Answer: Sendable {
    let waiters: [Waiter]
    let news: SubmissionNews

    func tell() { for waiter in waiters { waiter.tell(news) } }
}

/// A transaction on its way in, or a tick where it has no bytes.
struct Submission: Sendable {
    enum Origin: Sendable, Equatable {
        case caller
        /// From the outbox file, where it stays.
        case outbox
        /// A member's node has handed it over; nil for another one of this node's own member.
        case peer(MemberID?)
        /// Bytes that other nodes had ordered and that were undone.
        case undone

        /// The other member whose it is.
        var giver: MemberID? {
            if case .peer(let member) = self { member } else { nil }
        }
    }

    let bytes: [UInt8]
    let origin: Origin
    let waiter: Waiter?
}

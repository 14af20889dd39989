import Codec
import Ledger

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

/// A transaction on its way, and whom to tell.
struct Submission: Sendable {
    let bytes: [UInt8]
    let tell: @Sendable (SubmissionResult) -> Void
}

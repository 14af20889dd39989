import Codec
import Contracts
import Ledger
import Storage

/// What a node and its own member's programs say to one another: deterministic CBOR under `/v1/local/`.
package enum LocalAPI {
    package static let contentType = "application/cbor"
    /// Before all paths.
    package static let prefix = ["v1", "local"]
    /// The largest answer: a page of rows, or a block.
    package static let maximumAnswerBytes = 64 << 20
    /// The largest body: a document with its keys.
    package static let maximumDocumentBytes = 80 << 20
    /// How long one request for a transaction waits before it is answered with what is known.
    package static let waitMilliseconds = 20_000
    /// How long a request for older blocks waits for the last fetch to end.
    package static let fetchEndMilliseconds = 120_000
    /// And then for the first of them, or for why there are none.
    package static let fetchBeginMilliseconds = 15_000
    /// How long whoever asks for older blocks hears nothing before it gives up: longer than the node may be
    /// silent, and as much again as a busy machine takes to run either of them.
    package static let fetchSilenceMilliseconds = fetchEndMilliseconds + fetchBeginMilliseconds + 45_000
}

/// A state that the node keeps at one height for some time.
package struct LocalView: Codable, Sendable {
    package let token: String
    package let height: Height?

    package init(token: String, height: Height?) { (self.token, self.height) = (token, height) }
}

package struct LocalKeys: Codable, Sendable {
    package let keys: [Bytes]

    package init(_ keys: [[UInt8]]) { self.keys = keys.map { Bytes($0) } }
}

package struct LocalRows: Codable, Sendable {
    package struct Item: Codable, Sendable {
        let key: Bytes
        let value: Bytes
    }

    private let items: [Item]

    package init(_ rows: [Row]) {
        items = rows.map { Item(key: Bytes($0.key), value: Bytes($0.value)) }
    }

    package var rows: [Row] { items.map { Row(key: $0.key.array, value: $0.value.array) } }
}

package struct LocalClock: Codable, Sendable {
    package let isSimulated: Bool
    package let now: Timestamp

    package init(isSimulated: Bool, now: Timestamp) { (self.isSimulated, self.now) = (isSimulated, now) }
}

/// The time that a demonstration's clock is to stand at.
package struct LocalClockSetting: Codable, Sendable {
    package let time: Timestamp
    /// A clock that is past the time already stays where it is.
    package let atLeast: Bool

    package init(_ time: Timestamp, atLeast: Bool) { (self.time, self.atLeast) = (time, atLeast) }
}

/// A transaction's final place and outcome.
package struct LocalFinal: Codable, Sendable {
    private let id: TransactionID
    private let height: Height
    private let leaf: UInt64
    private let time: Timestamp
    /// Nil where it was accepted.
    private let rejection: String?
    private let message: String

    package init(_ final: FinalTransaction) {
        (id, height, leaf, time) = (final.id, final.height, final.leaf, final.time)
        rejection = if case .rejected(let code) = final.outcome { code } else { nil }
        message = final.message
    }

    package var transaction: FinalTransaction {
        FinalTransaction(
            id: id, height: height, leaf: leaf, time: time,
            outcome: rejection.map { .rejected($0) } ?? .accepted, message: message)
    }
}

/// How far a submitted transaction has come.
package struct LocalSubmission: Codable, Sendable {
    private let state: String
    private let id: TransactionID
    private let final: LocalFinal?

    package init(_ state: SubmissionState) {
        (self.state, id, final) =
            switch state {
            case .accepted(let id): ("accepted", id, nil)
            case .ordered(let id): ("ordered", id, nil)
            case .final(let transaction): ("final", transaction.id, LocalFinal(transaction))
            }
    }

    /// Nil for what this version does not know.
    package var submission: SubmissionState? {
        switch (state, final) {
        case ("accepted", nil): .accepted(id)
        case ("ordered", nil): .ordered(id)
        case ("final", let final?): .final(final.transaction)
        default: nil
        }
    }
}

extension SubmissionLevel {
    /// As a request's `until` names it.
    package var name: String {
        switch self {
        case .accepted: "accepted"
        case .ordered: "ordered"
        case .final: "final"
        }
    }

    package init?(name: String) {
        guard let level = [Self.accepted, .ordered, .final].first(where: { $0.name == name }) else {
            return nil
        }
        self = level
    }
}

/// One step of a record's history.
package struct LocalStep: Codable, Sendable {
    private let change: ChangeReference
    private let time: Timestamp
    private let transaction: Bytes?
    private let signer: MemberID?

    package init(_ step: HistoryStep) {
        (change, time, signer) = (step.change, step.time, step.signer)
        transaction = step.transaction.map { Bytes($0.bytes) }
    }

    package func step(hash: HashFunction) throws(CodecError) -> HistoryStep {
        var parsed: UnverifiedTransaction?
        if let transaction { parsed = try UnverifiedTransaction(decoding: transaction.array, hash: hash) }
        return HistoryStep(change: change, time: time, transaction: parsed, signer: signer)
    }
}

/// One message of a verification: a block's header, or how it ended.
package enum LocalVerification: Codable, Sendable {
    package struct Summary: Codable, Sendable {
        let first: Height
        let blocks: UInt64
        let transactions: UInt64
        let rejected: UInt64
        let head: Digest
        let stateRoot: Digest
    }

    package struct Failure: Codable, Sendable {
        let code: String
        let height: Height
        let transaction: Int?
        let detail: String
    }

    case checked(Bytes)
    case verified(Summary)
    case failed(Failure)
    /// The node could not go on; `code: sentence` are those of a problem.
    case stopped(code: String, detail: String)

    package init(_ summary: LedgerVerification.Summary) {
        self = .verified(
            Summary(
                first: summary.first, blocks: summary.blocks, transactions: summary.transactions,
                rejected: summary.rejected,
                head: summary.head, stateRoot: summary.stateRoot))
    }

    package init(_ failure: LedgerVerification.Failure) {
        self = .failed(
            Failure(
                code: failure.code, height: failure.height, transaction: failure.transaction,
                detail: failure.detail))
    }
}

/// One message of a fetch of older blocks: how far it is, or how it ended.
package enum LocalHistory: Codable, Sendable {
    case fetching(HistoryProgress)
    case done(HistoryReport)
    /// The node could not go on; `code: sentence` are those of a problem.
    case stopped(code: String, detail: String)
}

extension SubmissionState {
    package var level: SubmissionLevel {
        switch self {
        case .accepted: .accepted
        case .ordered: .ordered
        case .final: .final
        }
    }
}

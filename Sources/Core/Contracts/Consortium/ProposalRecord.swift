import Codec
import Ledger

/// What the board decides on.
package enum ProposalSubject: Codable, Hashable, Sendable {
    case admit(member: MemberID)
    case suspend(member: MemberID)
    case reinstate(member: MemberID)
    case remove(member: MemberID)
    /// The validators from the next epoch block on, each member once.
    case setValidators(validators: [ValidatorsRecord.Validator])
    case setParameters(ParametersChange)
    case announceContracts(ParametersRecord.Announcement)
    /// A delegated or device key of a member that does not end it itself.
    case revokeKey(key: KeyID)

    /// Finds open proposals on the same matter; equality then decides.
    var indexKey: [UInt8] {
        let text =
            switch self {
            case .admit(let member): "admit:\(member)"
            case .suspend(let member): "suspend:\(member)"
            case .reinstate(let member): "reinstate:\(member)"
            case .remove(let member): "remove:\(member)"
            case .setValidators: "setValidators"
            case .setParameters: "setParameters"
            case .announceContracts: "announceContracts"
            case .revokeKey(let key): "revokeKey:\(key)"
            }
        return Array(text.utf8)
    }
}

/// The parameters that the board sets, all at once. The ranges keep any decision from stopping the ledger.
package struct ParametersChange: Codable, Hashable, Sendable {
    /// 10 to 1 000 000.
    package var transactionsPerSecond: Int64
    /// 65 536 to 1 000 000 000.
    package var bytesPerSecond: Int64
    /// 1 to 365.
    package var invitationDays: Int64
    /// 0 to 3600.
    package var auctionGraceSeconds: Int64
    /// 1 to 16 of `EngineAddress`, each once; the last is `embedded:`.
    package var engines: [String]

    package init(
        transactionsPerSecond: Int64, bytesPerSecond: Int64, invitationDays: Int64,
        auctionGraceSeconds: Int64,
        engines: [String]
    ) {
        (self.transactionsPerSecond, self.bytesPerSecond) = (transactionsPerSecond, bytesPerSecond)
        (self.invitationDays, self.auctionGraceSeconds) = (invitationDays, auctionGraceSeconds)
        self.engines = engines
    }
}

/// A board decision: open until more than half of the active board approves, until that can no longer
/// happen, or until its end.
package struct ProposalRecord: Record {
    package enum State: String, Codable, Hashable, Sendable { case open, passed, rejected, expired }

    package struct Vote: Codable, Hashable, Sendable {
        package var member: MemberID
        package var approve: Bool
        package var time: Timestamp

        package init(member: MemberID, approve: Bool, time: Timestamp) {
            (self.member, self.approve, self.time) = (member, approve, time)
        }
    }

    package static let table = "proposal"
    package static let indexes = [
        Index<ProposalRecord>("open") { $0.state == .open ? $0.subject.indexKey : nil },
        Index<ProposalRecord>("openBy") { $0.state == .open ? $0.proposer.keyBytes : nil },
    ]

    /// The transaction that opened it.
    package var id: TransactionID
    package var subject: ProposalSubject
    /// At most 1000 bytes.
    package var reason: String
    package var proposer: MemberID
    /// Sorted by member, each once: its latest vote.
    package var votes: [Vote]
    package var state: State
    package var opened: Timestamp
    /// The first moment at which nobody can vote any more.
    package var expires: Timestamp
    package var closed: Timestamp?

    package init(
        id: TransactionID, subject: ProposalSubject, reason: String, proposer: MemberID, votes: [Vote] = [],
        state: State = .open, opened: Timestamp, expires: Timestamp, closed: Timestamp? = nil
    ) {
        (self.id, self.subject, self.reason, self.proposer) = (id, subject, reason, proposer)
        (self.votes, self.state, self.opened) = (votes, state, opened)
        (self.expires, self.closed) = (expires, closed)
    }
}

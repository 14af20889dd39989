import Codec
import Ledger

/// Who belongs to the consortium, with which roles and keys, and what its board decides.
///
/// A company is invited by a board member, joins with a one-use key and is admitted by the board. Board
/// decisions are proposals and votes: more than half of the active board approves. A member acts while it
/// is active; its account on the ledger follows its status, so that a suspended member's keys stop at once
/// and need no revoking.
package enum ConsortiumContract: Contract {
    package static let name = "consortium"

    /// How long the board can vote on a proposal.
    package static let proposalLifetime = Span.days(14)
    /// How far ahead a delegated key may end: five years.
    package static let longestDelegation = Span.days(5 * 366)
    /// Open proposals that one board member may have.
    static let openProposalsPerMember = 16
    /// Members that may be on the board.
    static let largestBoard = 100

    package static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .invite(let body): try invite(body, context)
        case .join(let body): try join(body, context)
        case .propose(let body): try propose(body, context)
        case .vote(let body): try vote(body, context)
        case .admit(let body): try propose(.admit(member: body.member), body, context)
        case .suspend(let body): try propose(.suspend(member: body.member), body, context)
        case .reinstate(let body): try propose(.reinstate(member: body.member), body, context)
        case .remove(let body): try propose(.remove(member: body.member), body, context)
        case .updateProfile(let body): try updateProfile(body, context)
        case .rotateKeys(let body): try rotateKeys(body, context)
        case .delegateKey(let body): try delegateKey(body, context)
        case .revokeKey(let body): try revokeKey(body, context)
        case .accredit(let body): try accredit(body, context)
        case .revokeAccreditation(let body): try revokeAccreditation(body, context)
        case .setNode(let body): try setNode(body, context)
        case .rotateVotingKey(let body): try rotateVotingKey(body, context)
        case .reportEvidence(let body): try reportEvidence(body, context)
        }
    }

    package static func due(_ timer: Timer, in context: Context) throws(Rejection) {
        switch timer.kind {
        case invitationTimer: try expireInvitation(timer.subject, context)
        case proposalTimer: try expireProposal(timer.subject, context)
        default: break
        }
    }

    static let invitationTimer = "invitationExpires"
    static let proposalTimer = "proposalExpires"

    /// - Throws: `parameters.unknown` before genesis.
    static func parameters(_ context: Context) throws(Rejection) -> ParametersRecord {
        try context.existing(ParametersRecord.self, ParametersRecord.Key())
    }
}

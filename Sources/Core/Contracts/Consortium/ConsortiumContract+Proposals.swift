import Codec
import Ledger

extension ConsortiumContract {
    static func propose(
        _ subject: ProposalSubject, _ body: Decision, _ context: Context
    ) throws(Rejection) {
        try propose(Propose(subject: subject, reason: body.reason), context)
    }

    /// Opens a decision with the proposer's approval, or approves the open one on the same subject.
    static func propose(_ body: Propose, _ context: Context) throws(Rejection) {
        let proposer = try context.requireRole(.board)
        try context.requireProse(body.reason, "reason", bytes: 0...1000)
        let subject = try checked(body.subject, context)
        let open = try context.records(ProposalRecord.self, where: "open", equals: subject.indexKey)
        if let same = open.first(where: { $0.subject == subject && context.time < $0.expires }) {
            return try count(true, of: proposer.id, on: same, context)
        }
        let own = try context.records(
            ProposalRecord.self, where: "openBy", equals: proposer.id.keyBytes, limit: openProposalsPerMember)
        try context.require(
            own.count < openProposalsPerMember, else: "consortium.too_many_proposals",
            "\(proposer.id) has \(openProposalsPerMember) open proposals")
        guard let id = context.transactionID else { throw Rejection("context.no_signer") }
        let proposal = ProposalRecord(
            id: id, subject: subject, reason: body.reason, proposer: proposer.id, opened: context.time,
            expires: context.time + proposalLifetime)
        try context.schedule(proposalTimer, at: proposal.expires, subject: id.keyBytes)
        context.emit("proposed", id)
        try count(true, of: proposer.id, on: proposal, context)
    }

    static func vote(_ body: Vote, _ context: Context) throws(Rejection) {
        let voter = try context.requireRole(.board)
        let proposal = try context.existing(ProposalRecord.self, body.proposal)
        try context.require(
            proposal.state == .open && context.time < proposal.expires, else: "consortium.proposal_closed",
            "the proposal is \(proposal.state.rawValue)")
        try count(body.approve, of: voter.id, on: proposal, context)
    }

    /// Records a vote, counts those of the members that are on the active board now, and decides.
    ///
    /// A repeated vote replaces the earlier one and counts anew, so that a proposal which a change of the
    /// board has decided is never stuck.
    private static func count(
        _ approve: Bool, of voter: MemberID, on proposal: ProposalRecord, _ context: Context
    ) throws(Rejection) {
        var proposal = proposal
        let vote = ProposalRecord.Vote(member: voter, approve: approve, time: context.time)
        proposal.votes.removeAll { $0.member == voter }
        proposal.votes.append(vote)
        proposal.votes.sort { $0.member < $1.member }
        let board = try activeBoard(context)
        let counted = proposal.votes.filter { vote in board.contains { $0.id == vote.member } }
        let approvals = counted.filter(\.approve).count
        let refusals = counted.count - approvals
        if 2 * approvals > board.count {
            try close(&proposal, as: .passed, context)
            try carryOut(proposal.subject, context)
        } else if 2 * refusals >= board.count {
            try close(&proposal, as: .rejected, context)
        }
        try context.put(proposal)
        context.emit(proposal.state == .open ? "voted" : proposal.state.rawValue, proposal.id)
    }

    private static func close(
        _ proposal: inout ProposalRecord, as state: ProposalRecord.State, _ context: Context
    ) throws(Rejection) {
        proposal.state = state
        proposal.closed = context.time
        try context.cancel(proposalTimer, at: proposal.expires, subject: proposal.id.keyBytes)
    }

    static func expireProposal(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = Digest(subject), var proposal = try context.get(ProposalRecord.self, id),
            proposal.state == .open
        else { return }
        proposal.state = .expired
        proposal.closed = context.time
        try context.put(proposal)
        context.emit("expired", id)
    }

    static func activeBoard(_ context: Context) throws(Rejection) -> [MemberRecord] {
        try context.records(MemberRecord.self, where: "board", equals: [1])
    }
}

import Billing
import Codec
import Ledger

/// Comparing bids and awarding. The order of bids within the grace window changes nothing.
///
/// Where no valid bid stands at the deadline, or an award is given back, bidding begins again with the same
/// length, three times at most; then the ticket is cancelled as unawarded, so that nothing runs for ever.
extension MaintenanceContract {
    static let maximumExtensions: Int64 = 3

    /// The client's choice, or its consent to one of the bids that the standing order does not cover.
    static func award(_ body: AwardBid, _ context: Context) throws(Rejection) {
        let ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.client)
        try requireState(of: ticket, [.openForBids], context)
        try context.require(
            ticket.request.tender.policy == .customersChoice || ticket.waitsForConsent,
            else: "maintenance.not_your_choice", "the policy awards this ticket")
        let bid = try context.existing(
            BidRecord.self, .init(ticket: ticket.id, maintainer: body.maintainer))
        // All sealed bids get their time to be opened: otherwise a quick one could be taken alone.
        try context.require(
            ticket.bidding.revealUntil.map { $0 <= context.time } ?? true, else: "maintenance.still_sealed",
            "bids are still being opened")
        guard let offer = bid.offer else {
            throw Rejection("maintenance.still_sealed", "the bid was not opened")
        }
        try context.require(
            context.time < offer.expires, else: "maintenance.bid_expired", "the bid has expired")
        try requireAccredited(
            body.maintainer, try context.existing(MachineRecord.self, ticket.machine), context)
        let candidates = try candidates(for: ticket, context)
        try award(ticket, to: body.maintainer, offer, of: candidates.count, context)
    }

    /// What the decision's moment brings.
    static func decide(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        var ticket = ticket
        let candidates = try candidates(for: ticket, context)
        guard candidates.isEmpty else {
            guard let weights = ticket.request.tender.policy.weights else {
                return try leaveToClient(ticket, "biddingClosed", context)
            }
            return try decide(ticket, among: candidates, weights, context)
        }
        if context.time < ticket.bidding.closes { return try waitForMore(ticket, context) }
        guard ticket.bidding.extensions < maximumExtensions else {
            return try endUnawarded(ticket, context)
        }
        try restartBidding(&ticket, extensions: ticket.bidding.extensions + 1, context)
        try context.put(ticket)
        context.emit("biddingExtended", ticket.id)
    }

    /// The policy's choice, where the standing order covers one.
    private static func decide(
        _ ticket: TicketRecord, among all: [Selection.Candidate], _ weights: ScoreWeights, _ context: Context
    ) throws(Rejection) {
        var candidates = all
        var standing: StandingOrderRecord?
        if ticket.isReported {
            standing = try context.get(StandingOrderRecord.self, ticket.machine)
            candidates = all.filter { standing?.awarded(with: $0.offer) != nil }
        }
        guard !candidates.isEmpty else {
            if context.time < ticket.bidding.closes { return try waitForMore(ticket, context) }
            return try leaveToClient(ticket, "consentWanted", context)
        }
        let ranking: [Selection.Ranked]
        do throws(CodecError) {
            ranking = try Selection.ranking(
                candidates, weights: weights, reported: ticket.reported, hash: context.hash)
        } catch { throw Rejection("maintenance.offer_invalid", error.description) }
        let winner = ranking[0].candidate
        if var standing, let awarded = standing.awarded(with: winner.offer) {
            standing.awarded = awarded
            try context.put(standing)
        }
        try award(ticket, to: winner.bid.maintainer, winner.offer, of: candidates.count, context)
    }

    /// The decisive bids were withdrawn, have expired or are too dear: the next one opens a new grace window.
    private static func waitForMore(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        var ticket = ticket
        ticket.bidding.decides = ticket.bidding.closes
        try scheduleDecision(of: ticket, context)
        try context.put(ticket)
    }

    private static func leaveToClient(
        _ ticket: TicketRecord, _ event: String, _ context: Context
    ) throws(Rejection) {
        var ticket = ticket
        ticket.bidding.decides = nil
        try context.put(ticket)
        context.emit(event, ticket.id)
    }

    static func endUnawarded(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        var ticket = ticket
        ticket.state = .cancelled
        ticket.reason = "no valid bid"
        try context.put(ticket)
        context.emit("unawarded", ticket.id)
    }

    /// Bids that can be awarded now: open, not expired, by an active maintainer whose accreditation holds.
    private static func candidates(
        for ticket: TicketRecord, _ context: Context
    ) throws(Rejection) -> [Selection.Candidate] {
        let machine = try context.existing(MachineRecord.self, ticket.machine)
        var candidates: [Selection.Candidate] = []
        for bid in try context.records(BidRecord.self, where: "ticket", equals: ticket.id.keyBytes) {
            guard let offer = bid.offer, context.time < offer.expires,
                try context.isAccredited(bid.id.maintainer, for: machine)
            else { continue }
            let reputation = try statistics(of: bid.id.maintainer, context).reputation
            candidates.append(.init(bid: bid.id, offer: offer, reputation: reputation))
        }
        return candidates
    }

    private static func award(
        _ ticket: TicketRecord, to maintainer: MemberID, _ offer: Offer, of candidates: Int,
        _ context: Context
    ) throws(Rejection) {
        var ticket = ticket
        try cancelDecision(of: &ticket, context)
        ticket.award = .init(
            maintainer: maintainer, offer: offer, time: context.time, candidates: Int64(candidates))
        ticket.state = .awarded
        try context.put(ticket)
        context.emit("awarded", ticket.id)
    }

    // MARK: The decision's deadline

    static func scheduleDecision(of ticket: TicketRecord, _ context: Context) throws(Rejection) {
        guard let decides = ticket.bidding.decides else { return }
        try context.schedule(decision, at: decides, subject: ticket.id.keyBytes)
    }

    static func cancelDecision(of ticket: inout TicketRecord, _ context: Context) throws(Rejection) {
        guard let decides = ticket.bidding.decides else { return }
        try context.cancel(decision, at: decides, subject: ticket.id.keyBytes)
        ticket.bidding.decides = nil
    }

    /// Brings the decision forward; it is never put off.
    private static func decide(
        ticket: inout TicketRecord, noLaterThan time: Timestamp, _ context: Context
    ) throws(Rejection) {
        guard let decides = ticket.bidding.decides, time < decides else { return }
        try cancelDecision(of: &ticket, context)
        ticket.bidding.decides = time
        try scheduleDecision(of: ticket, context)
    }

    /// Takes bids for as long as at first. Those that stand are kept where one is named that goes and bids
    /// are open; else all go: none was valid, or what was sealed is known by now.
    static func restartBidding(
        _ ticket: inout TicketRecord, extensions: Int64, without leaving: BidRecord.ID? = nil,
        _ context: Context
    ) throws(Rejection) {
        let keepsOthers = leaving != nil && ticket.request.revealWindow == nil
        var kept: Int64 = 0
        for bid in try context.records(BidRecord.self, where: "ticket", equals: ticket.id.keyBytes) {
            if keepsOthers && bid.id != leaving {
                kept += 1
            } else {
                try context.delete(BidRecord.self, bid.id)
            }
        }
        ticket.bidding = TicketRecord.Bidding(
            opened: context.time, span: ticket.bidding.span, grace: try grace(context),
            revealWindow: ticket.request.revealWindow, extensions: extensions)
        ticket.bidding.bids = kept
        try scheduleDecision(of: ticket, context)
        try noteDecisiveBid(&ticket, context)
    }

    /// Opens the grace window once there are as many bids as the policy waits for.
    static func noteDecisiveBid(_ ticket: inout TicketRecord, _ context: Context) throws(Rejection) {
        guard let count = ticket.request.tender.policy.decisiveCount, ticket.bidding.bids >= count else {
            return
        }
        try decide(ticket: &ticket, noLaterThan: context.time + grace(context), context)
    }
}

extension TicketRecord {
    /// Whether bids have been compared, and none of those that stand is covered by the standing order.
    package var waitsForConsent: Bool { isReported && state == .openForBids && bidding.decides == nil }
}

import Billing
import Codec
import Ledger

extension MaintenanceContract {
    /// The most bids that a ticket keeps.
    static let maximumBids: Int64 = 64
    /// The longest that sealed bids can be opened.
    static let longestRevealWindow = Span.days(7)
    /// The highest price, in minor units.
    static let maximumPrice: Int64 = 1_000_000_000_000_000

    static func open(_ body: Open, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        let client = try requireClient(of: machine, kind: body.kind, context)
        try context.requireTender(body.tender)
        if let window = body.revealWindow {
            try context.requireNumber(window, "revealWindow", in: Span.minutes(1)...longestRevealWindow)
        }
        // Sealed bids are compared after all of them are open, so nothing may decide before the deadline.
        try context.require(
            body.revealWindow == nil || body.tender.policy.decisiveCount == nil,
            else: "maintenance.sealed_needs_deadline", "sealed bids wait for the deadline")
        try open(body, of: machine, for: client, isReported: false, context)
    }

    /// A fault, told by the customer or the machine's device. All that could bind the customer to a price is
    /// its standing order's.
    static func report(_ body: Report, _ context: Context) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        let client = try context.requireOperator(of: machine).id
        let order: StandingOrder
        if let given = try context.get(StandingOrderRecord.self, machine.id) {
            order = given.order
        } else {
            order = .none(in: try currency(of: machine.id, context))
        }
        let request = Open(
            ticket: body.ticket, machine: body.machine, kind: body.kind, priority: body.priority,
            faultCode: body.faultCode, failureMode: body.failureMode, description: body.description,
            documents: body.documents, tender: order.tender)
        try open(request, of: machine, for: client, isReported: true, context)
    }

    /// What the machine's use is paid in, or euros.
    private static func currency(
        of machine: MachineID, _ context: Context
    ) throws(Rejection) -> CurrencyCode {
        let agreements = try context.records(
            AgreementRecord.self, where: "inForce", equals: machine.keyBytes, limit: 1)
        return agreements.first?.versions.last?.currency ?? .euro
    }

    private static func open(
        _ body: Open, of machine: MachineRecord, for client: MemberID, isReported: Bool, _ context: Context
    ) throws(Rejection) {
        try context.require(
            machine.state != .registered && machine.state != .terminated,
            else: "maintenance.machine_not_in_use", "the machine is \(machine.state.rawValue)")
        try context.require(
            try context.get(TicketRecord.self, body.ticket) == nil, else: "maintenance.exists",
            "a ticket of that name exists")
        try context.requireNumber(body.priority, "priority", in: 1...4)
        try context.requireText(body.faultCode, "faultCode", bytes: 1...64)
        try context.requireProse(body.description, "description", bytes: 0...2000)
        try context.requireDocuments(body.documents)
        let bidding = TicketRecord.Bidding(
            opened: context.time, span: body.tender.biddingSpan, grace: try grace(context),
            revealWindow: body.revealWindow)
        let ticket = TicketRecord(
            body, machine: machine, client: client, openedBy: try context.signer.key,
            isReported: isReported, reported: context.time, bidding: bidding)
        try scheduleDecision(of: ticket, context)
        try context.put(ticket)
        context.emit("opened", ticket.id)
    }

    /// The customer; the OEM for preventive work.
    private static func requireClient(
        of machine: MachineRecord, kind: TicketRecord.Kind, _ context: Context
    ) throws(Rejection) -> MemberID {
        let client = try context.requireParty(oneOf: [machine.customer, machine.oem]).id
        try context.require(
            client == machine.customer || kind.isPreventive, else: "maintenance.not_preventive",
            "an OEM opens tickets for preventive work")
        return client
    }

    static func bid(_ body: Bid, _ context: Context) throws(Rejection) {
        let maintainer = try context.requireRole(.maintainer)
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try requireState(of: ticket, [.openForBids], context)
        try context.require(
            context.time < ticket.bidding.closes, else: "maintenance.bidding_closed", "bidding has closed")
        try context.require(
            ticket.withdrawn?.contains(maintainer.id) != true, else: "maintenance.gave_award_back",
            "\(maintainer.id) has given the award back")
        let machine = try context.existing(MachineRecord.self, ticket.machine)
        try requireAccredited(maintainer.id, machine, context)
        let id = BidRecord.ID(ticket: ticket.id, maintainer: maintainer.id)
        try context.require(
            try context.get(BidRecord.self, id) == nil, else: "maintenance.already_bid",
            "a maintainer has one bid on a ticket")
        try context.require(
            ticket.bidding.bids < maximumBids, else: "maintenance.too_many_bids",
            "a ticket takes at most \(maximumBids) bids")
        var record = BidRecord(id: id, placed: context.time)
        switch body.content {
        case .offer(let offer):
            try context.require(
                ticket.request.revealWindow == nil, else: "maintenance.sealed_bids_only", "bids are sealed")
            try requireOffer(offer, for: ticket, context)
            record.offer = offer
        case .sealed(let commitment):
            try context.require(
                ticket.request.revealWindow != nil, else: "maintenance.open_bids_only", "bids are open")
            record.commitment = commitment
        }
        ticket.bidding.bids += 1
        try noteDecisiveBid(&ticket, context)
        try context.put(record)
        try context.put(ticket)
        context.emit("bidPlaced", ticket.id)
    }

    static func reveal(_ body: Reveal, _ context: Context) throws(Rejection) {
        let maintainer = try context.requireRole(.maintainer).id
        let ticket = try context.existing(TicketRecord.self, body.ticket)
        try requireState(of: ticket, [.openForBids], context)
        guard let revealUntil = ticket.bidding.revealUntil else {
            throw Rejection("maintenance.open_bids_only", "bids are open")
        }
        try context.require(
            ticket.bidding.closes <= context.time, else: "maintenance.reveal_too_early",
            "bids are opened once bidding has closed")
        try context.require(
            context.time < revealUntil, else: "maintenance.reveal_too_late",
            "the window for opening has closed")
        var bid = try context.existing(
            BidRecord.self, .init(ticket: ticket.id, maintainer: maintainer))
        try context.require(bid.offer == nil, else: "maintenance.already_revealed", "the bid is open")
        try context.require(
            (16...64).contains(body.salt.count), else: "maintenance.salt_length", "a salt has 16 to 64 bytes")
        let commitment: Digest
        do throws(CodecError) {
            commitment = try Self.commitment(
                to: body.offer, salt: body.salt, ticket: ticket.id, maintainer: maintainer,
                hash: context.hash)
        } catch { throw Rejection("maintenance.offer_invalid", error.description) }
        try context.require(
            commitment == bid.commitment, else: "maintenance.commitment_mismatch",
            "this is not what was sealed")
        try requireOffer(body.offer, for: ticket, context)
        bid.offer = body.offer
        try context.put(bid)
        context.emit("bidRevealed", ticket.id)
    }

    /// Takes a bid back, or gives an award back before work starts; then bids are wanted again, but not from
    /// who gave it back, and no more often than where nobody bids.
    static func withdrawBid(_ body: WithdrawBid, _ context: Context) throws(Rejection) {
        let maintainer = try context.requireRole(.maintainer).id
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try requireState(of: ticket, [.openForBids, .awarded], context)
        let bid = try context.existing(BidRecord.self, .init(ticket: ticket.id, maintainer: maintainer))
        if ticket.state == .awarded {
            try context.require(
                ticket.award?.maintainer == maintainer, else: "maintenance.wrong_state",
                "the ticket is awarded to another")
            try noteGivenBack(by: maintainer, context)
            ticket.award = nil
            ticket.withdrawn = (ticket.withdrawn ?? []) + [maintainer]
            guard ticket.bidding.extensions < maximumExtensions else {
                return try endUnawarded(ticket, context)
            }
            ticket.state = .openForBids
            try restartBidding(
                &ticket, extensions: ticket.bidding.extensions + 1, without: bid.id, context)
        } else {
            try context.require(
                context.time < ticket.bidding.closes, else: "maintenance.bidding_closed", "bidding has closed"
            )
            try context.delete(BidRecord.self, bid.id)
            ticket.bidding.bids -= 1
        }
        try context.put(ticket)
        context.emit("bidWithdrawn", ticket.id)
    }

    // MARK: Rules

    static func requireAccredited(
        _ maintainer: MemberID, _ machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        try context.require(
            try context.isAccredited(maintainer, for: machine), else: "maintenance.not_accredited",
            "\(maintainer) is not accredited for the machine")
    }

    private static func requireOffer(
        _ offer: Offer, for ticket: TicketRecord, _ context: Context
    ) throws(Rejection) {
        try context.require(
            offer.currency == ticket.request.tender.currency, else: "maintenance.other_currency",
            "bids are in \(ticket.request.tender.currency)")
        try context.requireNumber(offer.price.limit.rawValue, "price", in: 0...maximumPrice)
        if case .rate(let rate) = offer.price {
            try context.requireNumber(rate.perHour.rawValue, "perHour", in: 0...maximumPrice)
        }
        try context.requireNumber(offer.durationMinutes, "durationMinutes", in: 1...525_600)
        try context.requireNumber(offer.warrantyDays, "warrantyDays", in: 0...3650)
        try context.require(
            ticket.reported <= offer.earliestArrival
                && offer.earliestArrival <= ticket.reported + .days(366),
            else: "maintenance.arrival_out_of_range", "arrival is within a year of the report")
        try context.require(
            context.time < offer.expires, else: "maintenance.bid_expired", "the bid has expired")
    }
}

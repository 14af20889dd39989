import Billing
import Codec
import Ledger

extension MaintenanceContract {
    /// The most holds that a ticket keeps.
    static let maximumHolds = 64

    static func startWork(_ body: StartWork, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        let award = try requireAwarded(ticket, [.awarded, .reopened], context)
        try requireAccredited(
            award.maintainer, try context.existing(MachineRecord.self, ticket.machine), context)
        ticket.firstStarted = ticket.firstStarted ?? context.time
        ticket.lastStarted = context.time
        ticket.visits += 1
        ticket.workDue = ticket.workDue ?? ticket.workDue(from: context.time)
        ticket.state = .inProgress
        try context.put(ticket)
        context.emit("workStarted", ticket.id)
    }

    static func hold(_ body: PutOnHold, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try requireState(of: ticket, [.awarded, .inProgress, .reopened], context)
        let member = try requireMaintainerOrCustomer(of: ticket, context)
        try context.requireProse(body.note, "note", bytes: 0...500)
        // A delay is approved by the customer; whatever else holds the work up is the maintainer's to say.
        let isCustomers = body.reason == .customerApprovedDelay
        try context.require(
            member == (isCustomers ? ticket.customer : ticket.award?.maintainer),
            else: "maintenance.hold_reason", "\(member) cannot hold for \(body.reason.rawValue)")
        try context.require(
            ticket.holds.count < maximumHolds, else: "maintenance.too_many_holds",
            "a ticket rests at most \(maximumHolds) times")
        ticket.holds.append(
            .init(
                reason: body.reason, note: body.note, by: member, from: context.time, state: ticket.state))
        ticket.state = .onHold
        try context.put(ticket)
        context.emit("held", ticket.id)
    }

    static func resume(_ body: Resume, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try requireState(of: ticket, [.onHold], context)
        let parties = [ticket.customer, ticket.client] + (ticket.award.map { [$0.maintainer] } ?? [])
        try context.requireParty(oneOf: parties)
        guard var hold = ticket.holds.popLast() else {
            throw Rejection("maintenance.wrong_state", "the ticket has no hold")
        }
        hold.to = context.time
        ticket.holds.append(hold)
        ticket.workDue = ticket.workDue.map { $0 + ticket.lastPause(until: context.time) }
        ticket.state = hold.state
        if hold.state == .inProgress && !hold.reason.pausesClocks { ticket.visits += 1 }
        try context.put(ticket)
        context.emit("resumed", ticket.id)
    }

    static func complete(_ body: Complete, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        let award = try requireAwarded(ticket, [.inProgress], context)
        let report = body.report
        try context.requireList(report.parts, "parts", count: 0...64)
        for part in report.parts {
            try context.requireText(part.number, "part", bytes: 1...100)
            try context.requireNumber(part.quantity, "quantity", in: 1...1_000_000)
        }
        try context.requireNumber(
            report.downtimeMilliseconds, "downtimeMilliseconds", in: 0...(366 * 86_400_000))
        try context.requireDocuments(report.documents)
        let isOffered =
            switch award.offer.price {
            case .fixed(let amount): report.amount == amount
            case .rate(let rate): .zero <= report.amount && report.amount <= rate.notToExceed
            }
        try context.require(
            isOffered, else: "maintenance.amount_not_offered", "the amount is not what was offered")
        ticket.report = report
        ticket.state = .workDone
        ticket.workDue = nil
        let due = context.time + (ticket.request.tender.acceptWithin ?? TicketRecord.standardAcceptance)
        ticket.acceptanceDue = due
        try context.schedule(acceptance, at: due, subject: ticket.id.keyBytes)
        try context.put(ticket)
        context.emit("workDone", ticket.id)
    }

    static func verify(_ body: Verify, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.customer)
        try requireState(of: ticket, [.workDone], context)
        let evidence = body.evidence
        let anchor = try context.existing(
            AnchorRecord.self, ChainPosition(machine: ticket.machine, number: evidence.anchor))
        let isInAnchor =
            anchor.first <= evidence.sequence && evidence.sequence <= anchor.last
            && anchor.fromMilliseconds <= evidence.upSince && evidence.upSince <= anchor.toMilliseconds
        try context.require(
            isInAnchor, else: "maintenance.evidence_not_anchored", "the anchor does not cover the evidence")
        let isAfterStart = evidence.upSince >= (ticket.lastStarted ?? ticket.reported).milliseconds
        try context.require(
            isAfterStart && evidence.upSince <= context.time.milliseconds,
            else: "maintenance.evidence_out_of_time", "the evidence is not from after the work's start")
        ticket.evidence = evidence
        ticket.state = .verified
        try context.put(ticket)
        context.emit("verified", ticket.id)
    }

    /// - Throws: `maintenance.not_a_party`.
    @discardableResult
    private static func requireMaintainerOrCustomer(
        of ticket: TicketRecord, _ context: Context
    ) throws(Rejection) -> MemberID {
        try context.requireParty(oneOf: [ticket.customer] + (ticket.award.map { [$0.maintainer] } ?? [])).id
    }
}

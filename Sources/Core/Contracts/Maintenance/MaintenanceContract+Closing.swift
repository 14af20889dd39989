import Codec
import Ledger

extension MaintenanceContract {
    /// How often the customer may send a repair back.
    static let maximumReworks: Int64 = 3

    static func close(_ body: Close, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.customer)
        try requireState(of: ticket, [.verified], context)
        try cancelAcceptance(of: &ticket, context)
        try close(ticket, context)
    }

    /// The customer has neither closed the ticket nor asked for rework in time. Its silence verifies and
    /// closes, so that nobody waits for payment for ever.
    static func acceptBySilence(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        var ticket = ticket
        ticket.acceptanceDue = nil
        ticket.deemedAccepted = context.time
        try close(ticket, context)
    }

    private static func cancelAcceptance(
        of ticket: inout TicketRecord, _ context: Context
    ) throws(Rejection) {
        guard let due = ticket.acceptanceDue else { return }
        try context.cancel(acceptance, at: due, subject: ticket.id.keyBytes)
        ticket.acceptanceDue = nil
    }

    private static func close(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        var ticket = ticket
        guard let award = ticket.award else {
            throw Rejection("maintenance.wrong_state", "the ticket is not awarded")
        }
        ticket.closed = context.time
        ticket.state = .closed
        let isFirstTimeFix = ticket.visits == 1 && ticket.reworks == 0
        ticket.firstTimeFix = isFirstTimeFix
        try noteRepair(by: ticket, context)
        var statistics = try statistics(of: award.maintainer, context)
        statistics.completed += 1
        if isFirstTimeFix { statistics.firstTimeFixes += 1 }
        if ticket.isOnTime { statistics.onTime += 1 }
        try context.put(statistics)
        try context.put(ticket)
        context.emit("closed", ticket.id)
    }

    static func rework(_ body: Rework, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.customer)
        try requireState(of: ticket, [.workDone, .verified], context)
        try context.requireProse(body.reason, "reason", bytes: 1...500)
        guard let award = ticket.award else {
            throw Rejection("maintenance.wrong_state", "the ticket is not awarded")
        }
        // A ledger that is behind with its deadlines must not give the customer more time than it had.
        try context.require(
            ticket.acceptanceDue.map { context.time < $0 } ?? false, else: "maintenance.accepted_by_silence",
            "the time for saying so is over")
        try context.require(
            ticket.reworks < maximumReworks, else: "maintenance.too_many_reworks",
            "a repair is sent back at most \(maximumReworks) times")
        try cancelAcceptance(of: &ticket, context)
        ticket.reworks += 1
        ticket.workDue = ticket.workDue(from: context.time)
        ticket.evidence = nil
        ticket.reason = body.reason
        ticket.state = .reopened
        var statistics = try statistics(of: award.maintainer, context)
        statistics.reworks += 1
        try context.put(statistics)
        try context.put(ticket)
        context.emit("reopened", ticket.id)
    }

    static func reject(_ body: Reject, _ context: Context) throws(Rejection) {
        let ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.customer)
        try requireNotStarted(ticket, context)
        try end(ticket, as: .rejected, body.reason, context)
    }

    static func cancel(_ body: Cancel, _ context: Context) throws(Rejection) {
        let ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.client)
        if ticket.workDue == nil {
            try requireNotStarted(ticket, context)
            // Work that should have begun long ago is an award given back, whoever says so.
            if let award = ticket.award, award.isForgotten(at: context.time, in: ticket) {
                try noteGivenBack(by: award.maintainer, context)
            }
        } else {
            try requireState(of: ticket, [.inProgress, .reopened, .onHold], context)
            try context.require(
                ticket.isOverdue(at: context.time), else: "maintenance.not_overdue",
                "the maintainer still has time for the work")
            if let maintainer = ticket.award?.maintainer { try noteGivenBack(by: maintainer, context) }
        }
        try end(ticket, as: .cancelled, body.reason, context)
    }

    private static func requireNotStarted(_ ticket: TicketRecord, _ context: Context) throws(Rejection) {
        try requireState(of: ticket, [.openForBids, .awarded, .onHold], context)
        try context.require(
            ticket.firstStarted == nil, else: "maintenance.wrong_state", "work has started")
    }

    private static func end(
        _ ticket: TicketRecord, as state: TicketRecord.State, _ reason: String, _ context: Context
    ) throws(Rejection) {
        var ticket = ticket
        try context.requireProse(reason, "reason", bytes: 1...500)
        try cancelDecision(of: &ticket, context)
        ticket.reason = reason
        ticket.state = state
        try context.put(ticket)
        context.emit(state.rawValue, ticket.id)
    }

    // MARK: Payment

    static func markPaid(_ body: MarkPaid, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        try context.requireParty(ticket.client)
        try requireState(of: ticket, [.closed], context)
        try context.requireText(body.reference, "reference", bytes: 1...140)
        guard let amount = ticket.report?.amount, amount > .zero else {
            throw Rejection("maintenance.nothing_due", "nothing is to be paid")
        }
        try context.require(
            ticket.payment?.confirmed == nil, else: "maintenance.already_paid", "the payment is confirmed")
        ticket.payment = .init(
            reference: body.reference, amount: amount, date: body.date, marked: context.time)
        try context.put(ticket)
        context.emit("paymentMarked", ticket.id)
    }

    static func confirmPayment(_ body: ConfirmPayment, _ context: Context) throws(Rejection) {
        var ticket = try context.existing(TicketRecord.self, body.ticket)
        _ = try requireAwarded(ticket, [.closed], context)
        try context.require(
            ticket.payment != nil && ticket.payment?.confirmed == nil, else: "maintenance.no_payment",
            "no payment waits for confirmation")
        if body.received { ticket.payment?.confirmed = context.time } else { ticket.payment = nil }
        try context.put(ticket)
        context.emit(body.received ? "paymentConfirmed" : "paymentRefused", ticket.id)
    }

    // MARK: Record

    /// A maintainer's statistics; a newcomer's are zeros.
    package static func statistics(
        of maintainer: MemberID, _ context: Context
    ) throws(Rejection) -> MaintainerStatistics {
        try context.get(MaintainerStatistics.self, maintainer) ?? MaintainerStatistics(id: maintainer)
    }

    /// Counts an award that came to nothing against the maintainer.
    static func noteGivenBack(by maintainer: MemberID, _ context: Context) throws(Rejection) {
        var statistics = try statistics(of: maintainer, context)
        statistics.withdrawn += 1
        try context.put(statistics)
    }

    /// Takes the first-time fix back from an earlier repair of the same fault, where this one was reported
    /// within 30 days of it, and remembers this one. Only a fault that was repaired counts: one that was
    /// merely reported, and then rejected or cancelled, must not harm anybody.
    private static func noteRepair(by ticket: TicketRecord, _ context: Context) throws(Rejection) {
        guard !ticket.request.kind.isPreventive else { return }
        let id = LatestRepairRecord.ID(machine: ticket.machine, faultCode: ticket.request.faultCode)
        if let latest = try context.get(LatestRepairRecord.self, id),
            var earlier = try context.get(TicketRecord.self, latest.ticket), let closed = earlier.closed,
            earlier.firstTimeFix == true, let award = earlier.award,
            ticket.reported < closed + LatestRepairRecord.window
        {
            earlier.firstTimeFix = false
            try context.put(earlier)
            var statistics = try statistics(of: award.maintainer, context)
            statistics.firstTimeFixes -= 1
            try context.put(statistics)
        }
        try context.put(LatestRepairRecord(id: id, ticket: ticket.id))
    }
}

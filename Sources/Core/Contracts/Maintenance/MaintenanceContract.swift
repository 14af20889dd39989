import Codec
import Ledger

/// Tickets, bids, awards, repairs, their proof and their payment.
package enum MaintenanceContract: Contract {
    package static let name = "maintenance"

    /// A deadline: a ticket's bids are compared.
    static let decision = "decision"
    /// A deadline: the customer's silence accepts a completed repair.
    static let acceptance = "acceptance"

    package static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .open(let body): try open(body, context)
        case .report(let body): try report(body, context)
        case .bid(let body): try bid(body, context)
        case .reveal(let body): try reveal(body, context)
        case .withdrawBid(let body): try withdrawBid(body, context)
        case .award(let body): try award(body, context)
        case .startWork(let body): try startWork(body, context)
        case .hold(let body): try hold(body, context)
        case .resume(let body): try resume(body, context)
        case .complete(let body): try complete(body, context)
        case .verify(let body): try verify(body, context)
        case .close(let body): try close(body, context)
        case .rework(let body): try rework(body, context)
        case .reject(let body): try reject(body, context)
        case .cancel(let body): try cancel(body, context)
        case .markPaid(let body): try markPaid(body, context)
        case .confirmPayment(let body): try confirmPayment(body, context)
        }
    }

    package static func action(decoding bytes: [UInt8]) throws(CodecError) -> Action {
        if let action = Action(commonest: bytes) { return action }
        return try CBOR.decode(Action.self, from: bytes)
    }

    package static func due(_ timer: Timer, in context: Context) throws(Rejection) {
        guard let id = TicketID(String(decoding: timer.subject, as: UTF8.self)),
            let ticket = try context.get(TicketRecord.self, id)
        else { return }
        switch timer.kind {
        case decision:
            guard ticket.state == .openForBids, let decides = ticket.bidding.decides, decides <= context.time
            else { return }
            try decide(ticket, context)
        case acceptance:
            guard ticket.state == .workDone || ticket.state == .verified, let due = ticket.acceptanceDue,
                due <= context.time
            else { return }
            try acceptBySilence(ticket, context)
        default: return
        }
    }

    // MARK: Rules

    /// - Throws: `maintenance.wrong_state`.
    static func requireState(
        of ticket: TicketRecord, _ states: [TicketRecord.State], _ context: Context
    ) throws(Rejection) {
        try context.require(
            states.contains(ticket.state), else: "maintenance.wrong_state",
            "the ticket is \(ticket.state.rawValue)")
    }

    /// The ticket's award, where the signer holds it.
    /// - Throws: `maintenance.wrong_state`, `maintenance.not_a_party`.
    static func requireAwarded(
        _ ticket: TicketRecord, _ states: [TicketRecord.State], _ context: Context
    ) throws(Rejection) -> TicketRecord.Award {
        try requireState(of: ticket, states, context)
        guard let award = ticket.award else {
            throw Rejection("maintenance.wrong_state", "the ticket is not awarded")
        }
        try context.requireParty(award.maintainer)
        return award
    }

    /// The grace window in force.
    static func grace(_ context: Context) throws(Rejection) -> Span {
        let parameters = try context.get(ParametersRecord.self, .init()) ?? ParametersRecord()
        return .seconds(max(0, parameters.auctionGraceSeconds))
    }
}

import Billing
import Ledger

/// Bounds on how maintenance is asked for: in a ticket, and in a machine's standing order.
extension Context {
    /// - Throws: `<contract>.weights_invalid`, `.number_out_of_range`.
    func requireSelection(_ policy: SelectionPolicy) throws(Rejection) {
        guard case .bestScore(let rule) = policy else { return }
        try require(
            rule.weights.isValid, else: code("weights_invalid"), "weights add up to 1 000 000 ppm")
        if let count = rule.minimumBids {
            try requireNumber(count, "minimumBids", in: 1...MaintenanceContract.maximumBids)
        }
    }

    /// - Throws: `<contract>.number_out_of_range`.
    func requireBiddingSpan(_ span: Span) throws(Rejection) {
        try requireNumber(span, "biddingSpan", in: Span.minutes(1)...Span.days(90))
    }

    /// - Throws: `<contract>.number_out_of_range`.
    func requireTargets(respond: Span?, resolve: Span?, accept: Span?) throws(Rejection) {
        let target = Span.minutes(1)...Span.days(366)
        if let respond { try requireNumber(respond, "respondWithin", in: target) }
        if let resolve { try requireNumber(resolve, "resolveWithin", in: target) }
        if let accept { try requireNumber(accept, "acceptWithin", in: Span.hours(1)...Span.days(366)) }
    }
}

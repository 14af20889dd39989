import Billing
import Codec
import Ledger

/// How maintenance is put out to tender: what a ticket and a machine's standing order have in common.
package struct Tender: Codable, Hashable, Sendable {
    package var policy: SelectionPolicy
    /// From the opening to the deadline for bids: one minute to 90 days.
    package var biddingSpan: Span
    package var currency: CurrencyCode
    /// Targets from the report on, one minute to 366 days.
    package var respondWithin: Span?
    package var resolveWithin: Span?
    /// From a completed repair to the moment at which the customer's silence accepts it: one hour to 366
    /// days; nil is `TicketRecord.standardAcceptance`.
    package var acceptWithin: Span?

    package init(
        policy: SelectionPolicy, biddingSpan: Span, currency: CurrencyCode, respondWithin: Span? = nil,
        resolveWithin: Span? = nil, acceptWithin: Span? = nil
    ) {
        (self.policy, self.biddingSpan, self.currency) = (policy, biddingSpan, currency)
        (self.respondWithin, self.resolveWithin) = (respondWithin, resolveWithin)
        self.acceptWithin = acceptWithin
    }
}

extension Tender: CBORFields {
    package func write(to writer: inout CBORWriter) {
        let optional = [acceptWithin != nil, resolveWithin != nil, respondWithin != nil]
        writer.map(3 + optional.count { $0 })
        writer.key("policy")
        policy.write(to: &writer)
        writer.key("currency")
        writer.text(currency.rawValue)
        writer.key("biddingSpan")
        biddingSpan.write(to: &writer)
        if let acceptWithin {
            writer.key("acceptWithin")
            acceptWithin.write(to: &writer)
        }
        if let resolveWithin {
            writer.key("resolveWithin")
            resolveWithin.write(to: &writer)
        }
        if let respondWithin {
            writer.key("respondWithin")
            respondWithin.write(to: &writer)
        }
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("policy", &reader)
        policy = try SelectionPolicy(reading: &reader)
        try fields.key("currency", &reader)
        currency = try CurrencyCode(named: try reader.text(), at: reader.offset)
        try fields.key("biddingSpan", &reader)
        biddingSpan = try Span(reading: &reader)
        acceptWithin = fields.has("acceptWithin", &reader) ? try Span(reading: &reader) : nil
        resolveWithin = fields.has("resolveWithin", &reader) ? try Span(reading: &reader) : nil
        respondWithin = fields.has("respondWithin", &reader) ? try Span(reading: &reader) : nil
        try fields.end(reader)
    }
}

extension Context {
    /// - Throws: `<contract>.weights_invalid`, `.number_out_of_range`.
    func requireTender(_ tender: Tender) throws(Rejection) {
        if case .bestScore(let rule) = tender.policy {
            try require(
                rule.weights.isValid, else: code("weights_invalid"), "weights add up to 1 000 000 ppm")
            if let count = rule.minimumBids {
                try requireNumber(count, "minimumBids", in: 1...MaintenanceContract.maximumBids)
            }
        }
        try requireNumber(tender.biddingSpan, "biddingSpan", in: Span.minutes(1)...Span.days(90))
        let target = Span.minutes(1)...Span.days(366)
        if let respond = tender.respondWithin { try requireNumber(respond, "respondWithin", in: target) }
        if let resolve = tender.resolveWithin { try requireNumber(resolve, "resolveWithin", in: target) }
        if let accept = tender.acceptWithin {
            try requireNumber(accept, "acceptWithin", in: Span.hours(1)...Span.days(366))
        }
    }
}

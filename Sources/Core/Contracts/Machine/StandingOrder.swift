import Billing
import Codec
import Ledger

/// What a machine may ask for by itself: how the tickets that its device reports are awarded, and up to
/// which price without the customer's consent.
///
/// A device names a fault and nothing else. Boxes come from the OEM, and a maintainer may be its friend: so
/// what a fault may cost is the customer's word, given once and taken back at any time.
package struct StandingOrder: Codable, Hashable, Sendable {
    package var tender: Tender
    /// The dearest offer that the policy may award: 0 to 10¹⁵ minor units. A dearer one waits for consent.
    package var priceLimit: MinorUnits
    /// All that the policy may award until the order is given anew: as far.
    package var ceiling: MinorUnits

    package init(tender: Tender, priceLimit: MinorUnits, ceiling: MinorUnits) {
        (self.tender, self.priceLimit, self.ceiling) = (tender, priceLimit, ceiling)
    }

    package init(
        policy: SelectionPolicy = .bestScore(.init(weights: .standard)), biddingSpan: Span = .hours(1),
        currency: CurrencyCode, priceLimit: MinorUnits, ceiling: MinorUnits,
        respondWithin: Span? = .hours(4), resolveWithin: Span? = .hours(24), acceptWithin: Span? = nil
    ) {
        self.init(
            tender: Tender(
                policy: policy, biddingSpan: biddingSpan, currency: currency, respondWithin: respondWithin,
                resolveWithin: resolveWithin, acceptWithin: acceptWithin),
            priceLimit: priceLimit, ceiling: ceiling)
    }

    /// What holds where the customer has given none: bids are taken, and every award waits for its consent.
    package static func none(in currency: CurrencyCode) -> StandingOrder {
        StandingOrder(currency: currency, priceLimit: .zero, ceiling: .zero)
    }
}

/// A machine's standing order and what was awarded under it: a row of its own, since a machine is started and
/// stopped more often than it fails. Where there is none, every award of what the device reports waits for
/// the customer.
package struct StandingOrderRecord: Record {
    package static let table = "standingOrder"

    /// The machine's.
    package var id: MachineID
    package var order: StandingOrder
    /// What has been awarded under the order.
    package var awarded: MinorUnits

    package init(id: MachineID, order: StandingOrder, awarded: MinorUnits = .zero) {
        (self.id, self.order, self.awarded) = (id, order, awarded)
    }

    /// What will have been awarded under the order with an offer; nil where it does not cover it.
    func awarded(with offer: Offer) -> MinorUnits? {
        let price = offer.price.limit
        guard order.tender.currency == offer.currency, price <= order.priceLimit else { return nil }
        let (sum, overflow) = awarded.rawValue.addingReportingOverflow(price.rawValue)
        return !overflow && sum <= order.ceiling.rawValue ? MinorUnits(sum) : nil
    }
}

extension StandingOrderRecord: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("id")
        writer.text(id.text)
        writer.key("order")
        order.write(to: &writer)
        writer.key("awarded")
        writer.integer(awarded.rawValue)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("id", &reader)
        id = try MachineID(reading: &reader)
        try fields.key("order", &reader)
        order = try StandingOrder(reading: &reader)
        try fields.key("awarded", &reader)
        awarded = MinorUnits(try reader.integer())
        try fields.end(reader)
    }
}

extension StandingOrder: CBORFields {
    package func write(to writer: inout CBORWriter) {
        writer.map(3)
        writer.key("tender")
        tender.write(to: &writer)
        writer.key("ceiling")
        writer.integer(ceiling.rawValue)
        writer.key("priceLimit")
        writer.integer(priceLimit.rawValue)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) {
        var fields = try CBORFieldCursor(&reader)
        try fields.key("tender", &reader)
        tender = try Tender(reading: &reader)
        try fields.key("ceiling", &reader)
        ceiling = MinorUnits(try reader.integer())
        try fields.key("priceLimit", &reader)
        priceLimit = MinorUnits(try reader.integer())
        try fields.end(reader)
    }
}

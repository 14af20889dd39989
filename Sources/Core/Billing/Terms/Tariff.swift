/// What the use of a machine costs.
package struct Tariff: Hashable, Codable, Sendable {
    /// In the order of the invoice.
    package var lines: [TariffLine]
    /// The most that a period's lines may add up to, before bonus, malus and VAT; prorated by days where the
    /// terms are in force in a part of the period only.
    package var cap: MinorUnits?
    /// For lines that name none of their own.
    package var vat: VAT

    package init(lines: [TariffLine], cap: MinorUnits? = nil, vat: VAT) {
        (self.lines, self.cap, self.vat) = (lines, cap, vat)
    }
}

/// One thing that is charged for.
package struct TariffLine: Hashable, Codable, Sendable {
    /// What the quantity is.
    package enum Basis: Hashable, Codable, Sendable {
        /// One a period, prorated by days.
        case baseFee
        /// The rise of a counter: `good`, `produced`, or the machine's own name.
        case perUnit(counter: String)
        /// Hours spent in any of the states.
        case perHour(states: [MachineState])
    }

    /// What the commitment is counted over.
    package enum Window: String, Hashable, Codable, Sendable {
        /// The billing period.
        case period
    }

    /// A quantity that is paid for even where it is not used.
    package struct MinimumCommitment: Hashable, Codable, Sendable {
        package var quantity: Quantity
        package var window: Window

        package init(quantity: Quantity, window: Window = .period) {
            (self.quantity, self.window) = (quantity, window)
        }
    }

    /// Unique within the tariff.
    package var id: String
    /// As the invoice shows it.
    package var name: String
    package var basis: Basis
    package var prices: Prices
    package var minimum: MinimumCommitment?
    package var vat: VAT?

    package init(
        id: String, name: String, basis: Basis, prices: Prices, minimum: MinimumCommitment? = nil,
        vat: VAT? = nil
    ) {
        (self.id, self.name, self.basis, self.prices) = (id, name, basis, prices)
        (self.minimum, self.vat) = (minimum, vat)
    }
}

/// One price, or prices by quantity.
package struct Prices: Hashable, Codable, Sendable {
    package enum Mode: String, Hashable, Codable, Sendable {
        /// Each part of the quantity at the price of the tier it lies in.
        case graduated
        /// The whole quantity at the price of the tier it reaches.
        case volume
    }

    package struct Tier: Hashable, Codable, Sendable {
        /// The quantity in a whole period from which the price holds: a volume tier from 1000 holds for
        /// exactly 1000. It is prorated as the cap is.
        package var fromQuantity: Quantity
        package var price: UnitPrice

        package init(fromQuantity: Quantity, price: UnitPrice) {
            (self.fromQuantity, self.price) = (fromQuantity, price)
        }
    }

    package var mode: Mode
    /// By rising quantity; the first from zero.
    package var tiers: [Tier]

    package init(_ mode: Mode, tiers: [Tier]) { (self.mode, self.tiers) = (mode, tiers) }

    /// One price for every quantity.
    package static func flat(_ price: UnitPrice) -> Prices {
        Prices(.graduated, tiers: [Tier(fromQuantity: .zero, price: price)])
    }
}

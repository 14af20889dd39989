/// An amount of money as a count of the currency's minor unit (cents; yen, which have none, count
/// whole).
package struct MinorUnits: RawRepresentable, Hashable, Comparable, Codable, Sendable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ value: Int64) { rawValue = value }

    package static let zero = MinorUnits(0)

    package static func < (left: MinorUnits, right: MinorUnits) -> Bool { left.rawValue < right.rawValue }

    /// - Throws: `billing.overflow`.
    package func adding(_ other: MinorUnits) throws(BillingError) -> MinorUnits {
        MinorUnits(try Rounding.add(rawValue, other.rawValue))
    }

    /// - Throws: `billing.overflow`.
    package func subtracting(_ other: MinorUnits) throws(BillingError) -> MinorUnits {
        MinorUnits(try Rounding.subtract(rawValue, other.rawValue))
    }

    /// A share of the amount, rounded once.
    /// - Throws: `billing.overflow`.
    package func scaled(by rate: Rate) throws(BillingError) -> MinorUnits {
        MinorUnits(try Rounding.scale(rawValue, by: rate.ppm, over: 1_000_000))
    }

    /// - Throws: `billing.overflow`.
    package static func sum(_ amounts: some Sequence<MinorUnits>) throws(BillingError) -> MinorUnits {
        var total = MinorUnits.zero
        for amount in amounts { total = try total.adding(amount) }
        return total
    }

    /// The amount divided in proportion to weights, so that the parts add up to it exactly.
    ///
    /// Each part is the difference of two rounded running totals; the order of the weights decides who
    /// gets an odd unit. Weights are not negative and their sum is positive.
    /// - Throws: `billing.zero_denominator`, `billing.overflow`.
    package func apportioned(over weights: [MinorUnits]) throws(BillingError) -> [MinorUnits] {
        let total = try MinorUnits.sum(weights)
        var parts: [MinorUnits] = []
        var running: Int64 = 0
        var given: Int64 = 0
        for weight in weights {
            running = try Rounding.add(running, weight.rawValue)
            let upTo = try Rounding.scale(rawValue, by: running, over: total.rawValue)
            parts.append(MinorUnits(try Rounding.subtract(upTo, given)))
            given = upTo
        }
        return parts
    }

    /// Decimal text with the currency's number of decimals and no grouping, as in "1234.50".
    package func text(in currency: CurrencyCode) -> String {
        DecimalText.write(rawValue, digits: currency.minorDigits, atLeast: currency.minorDigits)
    }
}

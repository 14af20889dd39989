/// A price in millionths of the currency unit: 0.000123 EUR a piece is 123.
package struct UnitPrice: RawRepresentable, Hashable, Comparable, Codable, Sendable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(millionths: Int64) { rawValue = millionths }

    package var millionths: Int64 { rawValue }

    package static func < (left: UnitPrice, right: UnitPrice) -> Bool { left.rawValue < right.rawValue }

    /// `price · quantity / base`, rounded once to the currency's minor unit.
    ///
    /// `base` is the quantity the price is for (EN 16931 BT-149), one by default.
    /// - Throws: `billing.overflow`; `billing.zero_denominator` for a base of zero.
    package func amount(
        for quantity: Quantity, per base: Quantity = .one, in currency: CurrencyCode
    ) throws(BillingError) -> MinorUnits {
        // Millionths times 10^digits over a million: with at most four digits the factor stays below 1,
        // so dividing by 10^(6 - digits) keeps the product within 126 bits.
        var divisor: Int128 = 1
        for _ in 0..<(6 - currency.minorDigits) { divisor *= 10 }
        let product = Int128(millionths) * Int128(quantity.millionths)
        return MinorUnits(try Rounding.divide(product, by: divisor * Int128(base.millionths)))
    }

    /// The price that an amount is for a quantity of one; exact.
    /// - Throws: `billing.overflow`.
    package init(_ amount: MinorUnits, in currency: CurrencyCode) throws(BillingError) {
        var factor: Int64 = 1
        for _ in 0..<(6 - currency.minorDigits) { factor *= 10 }
        rawValue = try Rounding.multiply(amount.rawValue, factor)
    }

    /// Decimal text with at least the currency's decimals, up to six.
    package func text(in currency: CurrencyCode) -> String {
        DecimalText.write(rawValue, digits: 6, atLeast: currency.minorDigits)
    }
}

extension Quantity {
    package static let zero = Quantity(millionths: 0)
    package static let one = Quantity(millionths: 1_000_000)

    /// - Throws: `billing.overflow`.
    package init(whole: Int64) throws(BillingError) {
        self.init(millionths: try Rounding.multiply(whole, 1_000_000))
    }

    /// Milliseconds as hours, rounded half up to a millionth of an hour (3.6 ms).
    ///
    /// A quantity on an invoice is decimal; the amount is computed from the quantity that the invoice
    /// shows, so that anyone can multiply it again.
    /// - Throws: `billing.overflow`.
    package init(hoursOfMilliseconds milliseconds: Int64) throws(BillingError) {
        self.init(millionths: try Rounding.scale(milliseconds, by: 1_000_000, over: 3_600_000))
    }

    /// - Throws: `billing.overflow`.
    package func adding(_ other: Quantity) throws(BillingError) -> Quantity {
        Quantity(millionths: try Rounding.add(millionths, other.millionths))
    }

    /// - Throws: `billing.overflow`.
    package func subtracting(_ other: Quantity) throws(BillingError) -> Quantity {
        Quantity(millionths: try Rounding.subtract(millionths, other.millionths))
    }

    /// Decimal text with up to six decimals, as in "12" or "0.5".
    package var text: String { DecimalText.write(millionths, digits: 6, atLeast: 0) }
}

/// A share in parts per million: 1 000 000 is the whole, 190 000 is 19 %, negative is a reduction.
package struct Rate: RawRepresentable, Hashable, Comparable, Codable, Sendable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(ppm: Int64) { rawValue = ppm }
    package init(percent: Int32) { rawValue = Int64(percent) * 10_000 }

    package var ppm: Int64 { rawValue }

    package static let zero = Rate(ppm: 0)
    package static let whole = Rate(ppm: 1_000_000)

    package static func < (left: Rate, right: Rate) -> Bool { left.rawValue < right.rawValue }

    /// `numerator / denominator` in ppm, rounded half up; nil where the denominator is zero.
    /// - Throws: `billing.overflow`.
    package static func of(_ numerator: Int64, _ denominator: Int64) throws(BillingError) -> Rate? {
        guard denominator != 0 else { return nil }
        return Rate(ppm: try Rounding.scale(numerator, by: 1_000_000, over: denominator))
    }

    /// The percentage as decimal text without the sign, as in "19" or "97.9938".
    package var percentText: String { DecimalText.write(rawValue, digits: 4, atLeast: 0) }

    /// The percentage as decimal text with a fixed two decimals at least, as in "19.00".
    package var percentTextWithDecimals: String { DecimalText.write(rawValue, digits: 4, atLeast: 2) }
}

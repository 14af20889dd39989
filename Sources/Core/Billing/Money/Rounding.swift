/// The one rounding of this module: half up, away from zero, on 128-bit intermediates.
package enum Rounding {
    /// `numerator / denominator` to the nearest integer, halves away from zero.
    /// - Throws: `billing.zero_denominator`; `billing.overflow` where the result exceeds 64 bits.
    package static func divide(_ numerator: Int128, by denominator: Int128) throws(BillingError) -> Int64 {
        guard denominator != 0 else { throw BillingError(.zeroDenominator) }
        let (quotient, remainder) = numerator.magnitude.quotientAndRemainder(
            dividingBy: denominator.magnitude)
        // Compared by subtraction, so that doubling the remainder cannot overflow.
        let isHalfOrMore = remainder >= denominator.magnitude - remainder
        let rounded = quotient + (isHalfOrMore && remainder > 0 ? 1 : 0)
        let isNegative = (numerator < 0) != (denominator < 0)
        guard rounded <= UInt128(Int64.max) else { throw BillingError(.overflow) }
        return isNegative ? -Int64(rounded) : Int64(rounded)
    }

    /// `value · numerator / denominator`, rounded once.
    package static func scale(
        _ value: Int64, by numerator: Int64, over denominator: Int64
    ) throws(BillingError) -> Int64 {
        try divide(Int128(value) * Int128(numerator), by: Int128(denominator))
    }

    static func add(_ left: Int64, _ right: Int64) throws(BillingError) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow else { throw BillingError(.overflow) }
        return sum
    }

    static func subtract(_ left: Int64, _ right: Int64) throws(BillingError) -> Int64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        guard !overflow else { throw BillingError(.overflow) }
        return difference
    }

    static func multiply(_ left: Int64, _ right: Int64) throws(BillingError) -> Int64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        guard !overflow else { throw BillingError(.overflow) }
        return product
    }
}

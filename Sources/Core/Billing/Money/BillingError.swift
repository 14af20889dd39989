/// Why an amount, a timeline or an invoice cannot be computed. The code is stable; the detail is for a
/// person.
package struct BillingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable codes.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A result does not fit in 64 bits.
        case overflow = "billing.overflow"
        /// A share of nothing was asked for.
        case zeroDenominator = "billing.zero_denominator"
        /// A time or a day outside the years 1970 to 9999.
        case timeOutOfRange = "billing.time_out_of_range"
        /// A range that ends before it begins, or ranges that overlap or are out of order.
        case invalidInterval = "billing.invalid_interval"
        /// An entry whose sequence number is not above the one before.
        case sequenceOrder = "billing.sequence_order"
        /// More intervals or counters than a period may hold.
        case tooMany = "billing.too_many"
        /// Terms that do not hold together; the detail names the first code of `Terms.validate()`.
        case invalidTerms = "billing.invalid_terms"
        /// A period outside the terms' validity, or usage of another period.
        case wrongPeriod = "billing.wrong_period"
        /// A credit above what is payable, or below zero.
        case invalidCredit = "billing.invalid_credit"
        /// A character that XML 1.0 does not allow.
        case xmlCharacter = "billing.xml_character"
        /// A currency with more minor digits than EN 16931 allows (BR-DEC: two).
        case currencyDecimals = "billing.currency_decimals"
    }

    package let code: Code
    package let detail: String
    /// The tariff line that cannot be computed, where it is one.
    package let line: String?

    package init(_ code: Code, _ detail: String = "", line: String? = nil) {
        (self.code, self.detail, self.line) = (code, detail, line)
    }

    package var description: String { code.rawValue + (detail.isEmpty ? "" : ": \(detail)") }
}

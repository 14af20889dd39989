/// A VAT category (UNCL5305, the part that EN 16931 uses for services within the EU).
package enum VATCategory: String, Hashable, Codable, Sendable, CaseIterable, Comparable {
    /// Standard or reduced rate.
    case standard = "S"
    /// Zero rated.
    case zero = "Z"
    /// Exempt; needs a reason.
    case exempt = "E"
    /// Reverse charge: the buyer owes the tax; needs both VAT ids and a reason.
    case reverseCharge = "AE"
    /// Outside the scope of VAT; needs a reason, and no other category beside it.
    case outsideScope = "O"

    /// By code, for a stable order on documents.
    package static func < (left: VATCategory, right: VATCategory) -> Bool {
        Array(left.rawValue.utf8).lexicographicallyPrecedes(Array(right.rawValue.utf8))
    }

    /// Whether EN 16931 wants to be told why there is no tax (BR-E-10, BR-AE-10, BR-O-10).
    package var needsExemptionReason: Bool {
        self == .exempt || self == .reverseCharge || self == .outsideScope
    }
}

/// How a line is taxed.
package struct VAT: Hashable, Codable, Sendable {
    package var category: VATCategory
    /// Zero for every category but `standard`.
    package var rate: Rate
    package var exemptionReason: String?

    package init(_ category: VATCategory, rate: Rate, exemptionReason: String? = nil) {
        (self.category, self.rate, self.exemptionReason) = (category, rate, exemptionReason)
    }
}

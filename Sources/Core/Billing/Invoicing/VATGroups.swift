/// The document's amounts by VAT category and rate: what caps, bonuses and taxes apply to.
struct VATGroups {
    struct Group {
        let vat: VAT
        var taxable: MinorUnits
    }

    /// By category, then rate.
    private(set) var groups: [Group] = []

    init(_ lines: [Invoice.Line]) throws(BillingError) {
        for line in lines {
            let index = groups.firstIndex {
                ($0.vat.category, $0.vat.rate) >= (line.vat.category, line.vat.rate)
            }
            if let index, groups[index].vat == line.vat {
                groups[index].taxable = try groups[index].taxable.adding(line.amount)
            } else {
                groups.insert(Group(vat: line.vat, taxable: line.amount), at: index ?? groups.count)
            }
        }
    }

    var total: MinorUnits {
        get throws(BillingError) { try MinorUnits.sum(groups.map(\.taxable)) }
    }

    /// Brings the total down to the share of a whole period's limit, each group in proportion.
    mutating func cap(
        at whole: MinorUnits, _ share: PeriodShare, in currency: CurrencyCode
    ) throws(BillingError) -> [Invoice.Adjustment] {
        let limit = MinorUnits(try share.of(whole.rawValue))
        let excess = try total.subtracting(limit)
        guard excess > .zero else { return [] }
        let reason = "Cap of \(limit.text(in: currency)) \(currency)\(share.remark)"
        var adjustments: [Invoice.Adjustment] = []
        let parts = try excess.apportioned(over: groups.map(\.taxable))
        for (index, part) in parts.enumerated() where part > .zero {
            let vat = groups[index].vat
            adjustments.append(Invoice.Adjustment(kind: .cap, reason: reason, amount: part, vat: vat))
            groups[index].taxable = try groups[index].taxable.subtracting(part)
        }
        return adjustments
    }

    /// Changes each group by a rate, rounded once a group.
    mutating func adjust(by rate: Rate, reason: String) throws(BillingError) -> [Invoice.Adjustment] {
        var adjustments: [Invoice.Adjustment] = []
        let size = Rate(ppm: abs(rate.ppm))
        for (index, group) in groups.enumerated() {
            let amount = try group.taxable.scaled(by: size)
            guard amount > .zero else { continue }
            let isBonus = rate > .zero
            adjustments.append(
                Invoice.Adjustment(
                    kind: isBonus ? .bonus : .malus, reason: reason, amount: amount, base: group.taxable,
                    rate: size, vat: group.vat))
            groups[index].taxable =
                isBonus ? try group.taxable.adding(amount) : try group.taxable.subtracting(amount)
        }
        return adjustments
    }

    /// The tax of each group, rounded once.
    func taxed() throws(BillingError) -> [Invoice.VATSubtotal] {
        var subtotals: [Invoice.VATSubtotal] = []
        for group in groups {
            let tax = try group.taxable.scaled(by: group.vat.rate)
            subtotals.append(Invoice.VATSubtotal(vat: group.vat, taxable: group.taxable, tax: tax))
        }
        return subtotals
    }
}

extension Invoice.Totals {
    /// Adds up a document. - Throws: `billing.overflow`.
    package init(
        lines: [Invoice.Line], adjustments: [Invoice.Adjustment], vat: [Invoice.VATSubtotal],
        rounding: MinorUnits = .zero
    ) throws(BillingError) {
        let sum = try MinorUnits.sum(lines.map(\.amount))
        let allowances = try MinorUnits.sum(adjustments.filter { !$0.isCharge }.map(\.amount))
        let charges = try MinorUnits.sum(adjustments.filter(\.isCharge).map(\.amount))
        let exclusive = try sum.subtracting(allowances).adding(charges)
        let tax = try MinorUnits.sum(vat.map(\.tax))
        let inclusive = try exclusive.adding(tax)
        self.init(
            lines: sum, allowances: allowances, charges: charges, exclusive: exclusive, tax: tax,
            inclusive: inclusive, rounding: rounding, payable: try inclusive.adding(rounding))
    }
}

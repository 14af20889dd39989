extension Invoice {
    /// The credit note that takes this invoice back whole.
    /// - Throws: `billing.invalid_credit` for anything but an invoice; `billing.time_out_of_range`.
    package func credited(
        number: String, issueDate: CivilDate, reason: String
    ) throws(BillingError) -> Invoice {
        guard kind == .invoice else { throw BillingError(.invalidCredit, "only an invoice is credited") }
        var note = self
        note.kind = .creditNote
        note.original = Reference(number: self.number, issueDate: self.issueDate)
        (note.number, note.issueDate, note.reason) = (number, issueDate, reason)
        note.dueDate = try issueDate.adding(
            days: max(0, dueDate.daysSinceEpoch - self.issueDate.daysSinceEpoch))
        return note
    }

    /// The credit note that brings what is payable down to a ruled amount.
    ///
    /// The difference, tax included, is spread over the VAT categories in proportion to what each
    /// bears; each part's net is rounded once and taxed once. Where no net amount gives the difference
    /// exactly, the rounding amount (BT-114) does.
    /// - Throws: `billing.invalid_credit` unless `0 ≤ ruled < payable`; `billing.overflow`.
    package func credited(
        toPayable ruled: MinorUnits, number: String, issueDate: CivilDate, reason: String
    ) throws(BillingError) -> Invoice {
        guard ruled >= .zero, ruled < totals.payable else {
            throw BillingError(
                .invalidCredit, "a credit note takes back more than nothing and at most what is payable")
        }
        var note = try credited(number: number, issueDate: issueDate, reason: reason)
        if ruled == .zero { return note }
        let credit = try totals.payable.subtracting(ruled)
        var gross: [MinorUnits] = []
        for subtotal in vat { gross.append(try subtotal.taxable.adding(subtotal.tax)) }
        let parts = try credit.apportioned(over: gross)
        note.lines = []
        for (subtotal, part) in zip(vat, parts) where part > .zero {
            let taxed = try Rounding.add(1_000_000, subtotal.vat.rate.ppm)
            let net = MinorUnits(try Rounding.scale(part.rawValue, by: 1_000_000, over: taxed))
            note.lines.append(
                Line(
                    id: String(note.lines.count + 1), name: reason, quantity: .one, unit: .one,
                    unitPrice: try UnitPrice(net, in: currency), amount: net, vat: subtotal.vat))
        }
        note.adjustments = []
        note.vat = try VATGroups(note.lines).taxed()
        let totals = try Totals(lines: note.lines, adjustments: [], vat: note.vat)
        note.totals = try Totals(
            lines: note.lines, adjustments: [], vat: note.vat,
            rounding: try credit.subtracting(totals.inclusive))
        return note
    }
}

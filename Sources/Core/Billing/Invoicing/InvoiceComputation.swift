import Codec

/// The one way from terms and usage to an invoice. It is pure: the same input gives the same invoice,
/// bit for bit.
///
/// Usage → tiers → minimum shortfall → cap → bonus or malus (itself capped) → VAT. Each line rounds
/// once, each adjustment once, VAT once per category and rate.
package enum InvoiceComputation {
    /// What new terms name in `Terms.rulesVersion`, and the invoice's evidence after them. It changes with
    /// any figure this module computes; what older terms name is computed as it was:
    ///
    /// 1. Tiers and the cap are those of a whole period in every billing interval.
    /// 2. They are prorated, so that terms that are amended within a period do not charge its cap twice.
    package static let rulesVersion = 2

    /// Computes the invoice of one billing interval. What is prorated is prorated by the days of the whole
    /// period that it lies in: base fees and minimums by those that were billed, tiers and the cap by the
    /// interval's own. A stop costs nobody a part of the cap. [choice]
    /// - Parameters:
    ///   - usage: of `terms.billedTime(in: period, inService:)`, by `Timeline`; several spells combined.
    ///   - period: as `terms.billingInterval(containing:before:)` gives it.
    ///   - telemetryRoot: the Merkle root over the plain entries.
    ///   - termsHash: `terms.digest(with:)`.
    ///   - attributionHash: `attributions.digest(with:)`.
    /// - Throws: `billing.invalid_terms`; `billing.wrong_period` for an interval that is not the terms'
    ///   or usage beyond it; `billing.invalid_interval`; `billing.overflow`; `billing.time_out_of_range`.
    package static func compute(
        terms: Terms, usage: Usage, attributions: AttributionSet, period: Interval, number: String,
        issueDate: CivilDate, telemetryRoot: Digest, termsHash: Digest, attributionHash: Digest
    ) throws(BillingError) -> Invoice {
        if let problem = terms.validate().first { throw BillingError(.invalidTerms, problem.description) }
        try check(usage, against: period, of: terms)
        let whole = try terms.period(containing: period.from)
        let days = try terms.days(touchedBy: usage.measured, of: whole)
        let part = try terms.days(touchedBy: [period], of: whole)
        let share =
            terms.proratesTiersAndCap ? PeriodShare(days: part.touched, of: part.all) : PeriodShare.whole
        var computation = LineComputation(terms: terms, usage: usage, days: days, share: share)
        try computation.run()
        let performance = try Invoice.Performance(terms: terms, usage: usage, attributions: attributions)

        var groups = try VATGroups(computation.lines)
        var adjustments: [Invoice.Adjustment] = []
        if let cap = terms.tariff.cap { adjustments += try groups.cap(at: cap, share, in: terms.currency) }
        if let level = terms.serviceLevel, let availability = performance.availability {
            let rate = try level.adjustment(at: availability)
            let name = rate > .zero ? "Bonus" : "Malus"
            let reason = "\(name) for availability of \(availability.percentText) %"
            adjustments += try groups.adjust(by: rate, reason: reason)
        }
        let vat = try groups.taxed()
        return Invoice(
            kind: .invoice, number: number, issueDate: issueDate,
            dueDate: try terms.dueDate(issued: issueDate), period: period,
            periodStart: try terms.zone.local(atMilliseconds: period.from).date,
            periodEnd: try terms.zone.local(atMilliseconds: period.to - 1).date,
            currency: terms.currency, seller: terms.seller, buyer: terms.buyer, machine: terms.machine,
            paymentReference: terms.paymentReference, lines: computation.lines, adjustments: adjustments,
            vat: vat,
            totals: try Invoice.Totals(lines: computation.lines, adjustments: adjustments, vat: vat),
            performance: performance, dataQuality: usage.notes,
            evidence: Invoice.Evidence(
                firstSequence: usage.firstSequence, lastSequence: usage.lastSequence,
                telemetryRoot: telemetryRoot, termsHash: termsHash, attributionHash: attributionHash,
                rulesVersion: terms.rulesVersion))
    }

    private static func check(
        _ usage: Usage, against period: Interval, of terms: Terms
    ) throws(BillingError) {
        guard try terms.billingInterval(containing: period.from, before: period.to) == period else {
            throw BillingError(.wrongPeriod)
        }
        guard usage.measured.allSatisfy(\.isValid),
            zip(usage.measured, usage.measured.dropFirst()).allSatisfy({ $0.to <= $1.from })
        else { throw BillingError(.invalidInterval) }
        guard IntervalSet.subtracting([period], from: usage.measured).isEmpty else {
            throw BillingError(.wrongPeriod, "usage beyond the period")
        }
    }
}

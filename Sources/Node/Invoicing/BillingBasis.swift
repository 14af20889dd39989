import Billing
import Contracts
import Ledger
import Telemetry

/// What an invoice is computed from, before telemetry: one billing interval and the terms that it falls
/// under.
struct BillingBasis {
    let agreement: AgreementRecord
    let version: TermsRecord
    let terms: Terms
    /// A whole billing interval, in ms since 1970 UTC.
    let period: Interval

    /// Of an invoice that is issued: its own version and interval, which the ledger has checked.
    /// - Throws: `agreement.unknown`, `terms.unknown`; `document.*`, `vault.*`.
    init(of invoice: InvoiceRecord, _ documents: DocumentService) throws(NodeError) {
        agreement = try documents.node.view().existing(AgreementRecord.self, invoice.agreement)
        version = try documents.node.view().existing(TermsRecord.self, invoice.termsID)
        terms = try documents.open(Terms.self, version.terms.document)
        period = invoice.period
    }

    /// Of the billing interval around an instant. Where no terms are in force then, but some are in another
    /// part of the same period, theirs: a rent that begins on the 12th is found by the 1st of its month.
    /// - Parameter time: milliseconds since 1970 UTC.
    /// - Throws: `agreement.unknown`, `agreement.not_accepted`, `agreement.no_terms`; `document.*`,
    ///   `vault.*`; `billing.time_out_of_range`.
    init(of id: AgreementID, at time: Int64, _ documents: DocumentService) throws(NodeError) {
        let view = try documents.node.view()
        agreement = try view.existing(AgreementRecord.self, id)
        let versions = agreement.versions
        guard let first = versions.first, let last = versions.last else {
            throw NodeError("agreement.not_accepted", "the agreement is not accepted")
        }
        let moment = Ledger.Timestamp(milliseconds: time)
        let place = versions.lastIndex { $0.validFrom <= moment } ?? 0
        for index in place..<min(place + 2, versions.count) {
            let version = try view.existing(
                TermsRecord.self, .init(agreement: id, number: versions[index].number))
            let terms = try documents.open(Terms.self, version.terms.document)
            let next = index + 1 < versions.count ? versions[index + 1].validFrom.milliseconds : nil
            do {
                period = try terms.billingInterval(containing: time, before: next)
            } catch {
                guard error.code == .wrongPeriod else { throw NodeError(error) }
                continue
            }
            (self.version, self.terms) = (version, terms)
            return
        }
        let span = Interval(
            from: first.validFrom.milliseconds, to: last.validTo.milliseconds)
        throw NodeError(
            "agreement.no_terms",
            "no terms are in force in that billing period; those of \(id) are from "
                + "\(Telemetry.Timestamp.text(span.from)) to \(Telemetry.Timestamp.text(span.to)) UTC")
    }
}

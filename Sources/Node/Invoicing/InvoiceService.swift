import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Telemetry

/// Invoices, computed from what both parties can read and recomputed by whoever doubts them.
package struct InvoiceService: Sendable {
    package static let mediaType = "application/vnd.millwright.invoice+cbor"

    let documents: DocumentService
    var node: any LedgerAccess { documents.node }
    var signer: MessageSigner { documents.member.signer }

    package init(_ documents: DocumentService) { self.documents = documents }

    // MARK: Computing

    /// The invoice of the billing interval that holds a moment.
    /// - Parameters:
    ///   - time: milliseconds since 1970 UTC; where no terms are in force then, any of the same period.
    ///   - issueDate: nil for the consensus day in the terms' zone.
    ///   - toleratingMissingTelemetry: also where telemetry does not reach the period's end; what is not
    ///     known is UNKNOWN.
    /// - Throws: `invoice.telemetry_incomplete`, `invoice.contest_open`; `agreement.not_accepted`,
    ///   `agreement.no_terms`; `metering.*`; `billing.*`; `document.*`; `vault.*`.
    package func compute(
        _ agreement: AgreementID, periodContaining time: Int64, number: String, issueDate: CivilDate? = nil,
        toleratingMissingTelemetry: Bool = false
    ) throws(NodeError) -> Invoice {
        let basis = try BillingBasis(of: agreement, at: time, documents)
        let today = try today(in: basis.terms)
        let (invoice, metering) = try compute(
            basis, number: number, issueDate: issueDate ?? today, asOf: nil)
        if let contest = metering.openContests.first {
            let stands = Telemetry.Timestamp.text(contest.stands.milliseconds)
            throw NodeError(
                "invoice.contest_open",
                "\(basis.agreement.oem) contests batch \(contest.id.number): it takes that back, or the "
                    + "batch counts as a gap from \(stands) UTC on")
        }
        guard metering.isComplete || toleratingMissingTelemetry else {
            throw NodeError(
                "invoice.telemetry_incomplete",
                "telemetry does not reach the end of the period yet: \(invoice.periodEnd), "
                    + "last entry \(metering.usage.lastSequence)")
        }
        return invoice
    }

    private func today(in terms: Terms) throws(NodeError) -> CivilDate {
        do { return try terms.zone.local(atMilliseconds: node.clock.now.milliseconds).date } catch {
            throw NodeError(error)
        }
    }

    /// - Parameters:
    ///   - moment: only what was anchored by then counts, and what contests stood; nil for everything.
    ///   - countsContested: reads also what is contested.
    func compute(
        _ basis: BillingBasis, number: String, issueDate: CivilDate, asOf moment: Ledger.Timestamp?,
        countsContested: Bool = false
    ) throws(NodeError) -> (invoice: Invoice, metering: Metering) {
        let spells = try node.timeInService(basis.agreement.machine)
        let windows = basis.terms.billedTime(in: basis.period, inService: spells)
        let metering = try MeteringService(documents).usage(
            of: basis.agreement.machine, in: windows,
            reportingIntervalMilliseconds: basis.terms.reportingIntervalMilliseconds, asOf: moment,
            countsContested: countsContested)
        let classifications = try node.view().classifications(
            of: basis.agreement.id, in: basis.period)
        do {
            let attributions = try AgreementContract.attributionSet(
                of: classifications, in: basis.period)
            let invoice = try InvoiceComputation.compute(
                terms: basis.terms, usage: metering.usage, attributions: attributions, period: basis.period,
                number: number, issueDate: issueDate, telemetryRoot: metering.root,
                termsHash: basis.version.terms.hash,
                attributionHash: try attributions.digest(with: node.rules.hash))
            return (invoice, metering)
        } catch let error as BillingError {
            throw explained(error, basis, metering, in: windows)
        } catch {
            throw NodeError("invoice.attributions", "the attributions have no digest", cause: error)
        }
    }

    /// Billing's error, with the batch to look at where it is a counter that rose too far.
    private func explained(
        _ error: BillingError, _ basis: BillingBasis, _ metering: Metering, in windows: [Interval]
    ) -> NodeError {
        guard error.code == .overflow,
            let line = basis.terms.tariff.lines.first(where: { $0.id == error.line }),
            case .perUnit(let counter) = line.basis
        else { return NodeError(error) }
        let rose = "\(error.detail); counter «\(counter)» rose by \(metering.usage.rise(of: counter))"
        do {
            guard
                let found = try MeteringService(documents).steepestRise(
                    of: counter, of: basis.agreement.machine, in: windows, metering)
            else { return NodeError(error) }
            return NodeError(
                error.code.rawValue,
                "\(rose), most of it by \(found.rise) at entry \(found.entry.sequence) of "
                    + "\(Telemetry.Timestamp.text(found.entry.time)) UTC: "
                    + AnchoredBatch.name(of: found.batch))
        } catch let failure {
            // What is wrong is the overflow: where it comes from could only not be found.
            return NodeError(
                error.code.rawValue,
                "\(rose), where cannot be read: " + failure.message, cause: failure)
        }
    }

    /// The next number of a series, such as `2026-0001` of `2026`.
    package func nextNumber(series: String) throws(NodeError) -> String {
        let id = NumberSeriesRecord.ID(issuer: documents.member.id, series: series)
        let last = try node.view().get(NumberSeriesRecord.self, id)?.last ?? 0
        return InvoiceNumber(series: series, number: last + 1).description
    }

    // MARK: Issuing

    /// Seals an invoice for the parties and the arbiters, and issues it. The ledger takes its figures as
    /// they are: whether they are right is for the customer to recompute.
    /// - Throws: `invoice.rounding`; `agreement.*`; `billing.*`; `document.*`; `vault.*`.
    @discardableResult
    package func issue(
        _ invoice: Invoice, under agreement: AgreementID, isFinal: Bool = false
    ) async throws(NodeError) -> InvoiceID {
        let basis = try BillingBasis(of: agreement, at: invoice.period.from, documents)
        let document = try store(invoice, of: basis.agreement, arbiters: basis.version.terms.arbiters)
        let evidence = invoice.evidence
        let (disputeUntil, dueDate): (Int64, Int64)
        do {
            disputeUntil = try basis.terms.disputeWindowEnd(issuedAt: node.clock.now.milliseconds)
            dueDate = try basis.terms.zone.milliseconds(of: invoice.dueDate.adding(days: 1))
        } catch { throw NodeError(error) }
        try await documents.enact(
            AgreementContract.self,
            .issueInvoice(
                .init(
                    agreement: agreement, number: invoice.number, document: document,
                    evidence: .init(
                        telemetryRoot: evidence.telemetryRoot, termsHash: evidence.termsHash,
                        attributionRoot: evidence.attributionHash,
                        rulesVersion: Int64(evidence.rulesVersion)),
                    period: invoice.period, currency: invoice.currency, net: invoice.totals.exclusive,
                    tax: invoice.totals.tax, gross: invoice.totals.payable,
                    disputeUntil: Ledger.Timestamp(milliseconds: disputeUntil),
                    dueDate: Ledger.Timestamp(milliseconds: dueDate), isFinal: isFinal)),
            naming: document)
        return InvoiceID(issuer: basis.agreement.oem, number: invoice.number)
    }

    func store(
        _ invoice: Invoice, of agreement: AgreementRecord, arbiters: [MemberID]
    ) throws(NodeError) -> DocumentReference {
        let title = invoice.kind == .invoice ? "Invoice" : "Credit note"
        return try documents.store(
            invoice, name: "\(title) \(invoice.number)", mediaType: Self.mediaType,
            for: [agreement.customer, agreement.oem] + arbiters)
    }

    /// An invoice as it was issued.
    /// - Throws: `invoice.unknown`, `document.*`, `vault.*`.
    package func invoice(_ id: InvoiceID) throws(NodeError) -> Invoice {
        try documents.open(Invoice.self, try node.view().invoice(id).document)
    }

    /// A credit note as it was issued.
    /// - Throws: `creditNote.unknown`, `document.*`, `vault.*`.
    package func creditNote(_ id: InvoiceID) throws(NodeError) -> Invoice {
        try documents.open(Invoice.self, try node.view().existing(CreditNoteRecord.self, id).document)
    }
}

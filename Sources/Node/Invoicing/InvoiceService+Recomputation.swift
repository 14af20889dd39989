import Billing
import Codec
import Contracts
import Ledger

/// What recomputing an invoice came to.
package enum Recomputation: Hashable, Sendable {
    /// Bit for bit. `contested` are batches that the calculation left out as gaps because the OEM contests
    /// them: right by the ledger, and still worth a look before the invoice is approved.
    case equal(contested: [AnchorRecord])
    /// Sentences that name the field, the recomputed value, then the claimed one. Where the OEM's document
    /// cannot be had, the first says so, and the rest compare with the ledger.
    case differs([String], recomputed: Invoice, contested: [AnchorRecord])

    /// By their numbers.
    package var contested: [AnchorRecord] {
        switch self {
        case .equal(let contested), .differs(_, _, let contested): contested
        }
    }
}

/// A document of a dispute, as the one who looks can have it. Whoever sealed it may have kept it from others.
package enum DisputeDocument: Hashable, Sendable {
    case invoice(Invoice)
    /// In words, where there is no computation.
    case statement(String)
    /// Why it cannot be had.
    case unavailable(String)

    package var invoice: Invoice? { if case .invoice(let invoice) = self { invoice } else { nil } }
}

extension InvoiceService {
    /// Computes an issued invoice again from the ledger and the vault.
    ///
    /// Only what was anchored when the invoice was issued counts, so that the answer is the same at any
    /// later time. The OEM's document is compared, but not needed.
    /// - Parameter countsContested: reads also the batches that the OEM contests, instead of taking them for
    ///   gaps: what the invoice would be if the contests were wrong.
    /// - Throws: `invoice.unknown`; `metering.*`, `document.*`, `vault.*` where the evidence is not there
    ///   or not right.
    package func recompute(
        _ id: InvoiceID, countsContested: Bool = false
    ) throws(NodeError) -> Recomputation {
        let found = try recomputed(id, countsContested: countsContested)
        let differences = differences(found)
        let contested = countsContested ? [] : try node.contestedBatches(in: id)
        return differences.isEmpty
            ? .equal(contested: contested)
            : .differs(differences, recomputed: found.computed, contested: contested)
    }

    struct Recomputed {
        let record: InvoiceRecord
        let claimed: DisputeDocument
        let computed: Invoice
        let metering: Metering
    }

    func recomputed(_ id: InvoiceID, countsContested: Bool = false) throws(NodeError) -> Recomputed {
        let record = try node.view().invoice(id)
        let claimed = claim(of: record)
        let basis = try BillingBasis(of: record, documents)
        let (computed, metering) = try compute(
            basis, number: record.id.number,
            issueDate: try issueDate(claimed.invoice, record, basis.terms), asOf: record.issued,
            countsContested: countsContested)
        return Recomputed(record: record, claimed: claimed, computed: computed, metering: metering)
    }

    /// The invoice as the OEM sealed it, or why it cannot be had: nobody is kept from computing by that.
    ///
    /// The ledger takes whatever document the OEM names, also another of those that the customer can open:
    /// what is not this invoice is nothing to compare with, nor to let an arbiter into.
    func claim(of record: InvoiceRecord) -> DisputeDocument {
        do throws(NodeError) {
            let invoice = try documents.open(Invoice.self, record.document)
            guard invoice.isClaimed(by: record) else {
                throw NodeError("document.other", "«\(record.document.name)» is not this invoice")
            }
            return .invoice(invoice)
        } catch {
            return .unavailable("\(error.code): \(error.message)")
        }
    }

    /// The claimed date of issue where there is one that the ledger bears out, else the ledger's. An invoice
    /// may be dated on the day before: it is computed before it is ordered.
    private func issueDate(
        _ claimed: Invoice?, _ record: InvoiceRecord, _ terms: Terms
    ) throws(NodeError) -> CivilDate {
        do {
            let issued = try terms.zone.local(atMilliseconds: record.issued.milliseconds).date
            guard let claimed else { return issued }
            let isBorneOut = 0...1 ~= issued.daysSinceEpoch - claimed.issueDate.daysSinceEpoch
            return isBorneOut ? claimed.issueDate : issued
        } catch { throw NodeError(error) }
    }

    /// How a recomputation differs from the claim: from the OEM's document, and that from the ledger; or
    /// from the ledger alone where there is no document.
    func differences(_ found: Recomputed) -> [String] {
        switch found.claimed {
        case .invoice(let claimed):
            return found.computed.difference(from: claimed)
                + differences(of: claimed, "in the document", from: found.record)
        case .statement(let reason), .unavailable(let reason):
            return ["the OEM's document cannot be had: \(reason)"]
                + differences(of: found.computed, "recomputed", from: found.record)
        }
    }

    /// Where a document says other things than the ledger.
    private func differences(
        of claimed: Invoice, _ source: String, from record: InvoiceRecord
    ) -> [String] {
        var found: [String] = []
        func compare(_ field: String, _ ledger: String, _ document: String) {
            if !ledger.utf8.elementsEqual(document.utf8) {
                found.append("\(field) on the ledger: \(ledger), not \(document) as \(source)")
            }
        }
        func text(_ amount: MinorUnits) -> String { amount.text(in: record.currency) }
        compare("net", text(record.net), text(claimed.totals.exclusive))
        compare("tax", text(record.tax), text(claimed.totals.tax))
        compare("gross", text(record.gross), text(claimed.totals.payable))
        compare("currency", record.currency.rawValue, claimed.currency.rawValue)
        compare("terms hash", "\(record.evidence.termsHash)", "\(claimed.evidence.termsHash)")
        compare("telemetry root", "\(record.evidence.telemetryRoot)", "\(claimed.evidence.telemetryRoot)")
        compare(
            "attribution hash", "\(record.evidence.attributionRoot)", "\(claimed.evidence.attributionHash)")
        compare("rules version", "\(record.evidence.rulesVersion)", "\(claimed.evidence.rulesVersion)")
        return found
    }
}

extension Invoice {
    /// Whether it is by name the invoice of a record, whatever its figures are.
    fileprivate func isClaimed(by record: InvoiceRecord) -> Bool {
        kind == .invoice && number == record.id.number && seller.id == record.oem.text
            && buyer.id == record.customer.text && machine == record.machine.text
    }
}

import Billing
import Codec
import Contracts
import Ledger

/// What recomputing an invoice came to.
package enum Recomputation: Hashable, Sendable {
    /// Bit for bit.
    case equal
    /// Sentences that name the field, the recomputed value, then the claimed one.
    case differs([String], recomputed: Invoice)
}

/// An arbiter's own look at a disputed invoice.
package struct Assessment: Hashable, Sendable {
    /// As the OEM issued it.
    package let claimed: Invoice
    /// As the customer recomputed it.
    package let proof: Invoice
    /// As the arbiter computes it.
    package let computed: Invoice
    /// How the arbiter's differs from the OEM's, and from the customer's; empty where they are the same.
    package let againstClaim: [String]
    package let againstProof: [String]
}

extension InvoiceService {
    /// Computes an issued invoice again from the ledger and the vault.
    ///
    /// Only what was anchored when the invoice was issued counts, so that the answer is the same at any
    /// later time.
    /// - Throws: `invoice.unknown`; `metering.*`, `document.*`, `vault.*` where the evidence is not there
    ///   or not right.
    package func recompute(_ id: InvoiceID) throws(NodeError) -> Recomputation {
        let (record, claimed, computed, _) = try recomputed(id)
        let differences = computed.difference(from: claimed) + self.differences(of: claimed, from: record)
        return differences.isEmpty ? .equal : .differs(differences, recomputed: computed)
    }

    func recomputed(
        _ id: InvoiceID
    ) throws(NodeError) -> (record: InvoiceRecord, claimed: Invoice, computed: Invoice, metering: Metering) {
        let record = try node.view().existing(InvoiceRecord.self, id)
        let claimed = try documents.open(Invoice.self, record.document)
        let basis = try BillingBasis(of: record, documents)
        let (computed, metering) = try compute(
            basis, number: record.id.number, issueDate: try issueDate(claimed, record, basis.terms),
            asOf: record.issued)
        return (record, claimed, computed, metering)
    }

    /// The claimed date of issue where the ledger bears it out, else the ledger's. An invoice may be dated
    /// on the day before: it is computed before it is ordered.
    private func issueDate(
        _ claimed: Invoice, _ record: InvoiceRecord, _ terms: Terms
    ) throws(NodeError) -> CivilDate {
        do {
            let issued = try terms.zone.local(atMilliseconds: record.issued.milliseconds).date
            let isBorneOut = 0...1 ~= issued.daysSinceEpoch - claimed.issueDate.daysSinceEpoch
            return isBorneOut ? claimed.issueDate : issued
        } catch { throw NodeError(error) }
    }

    /// Where the document says other things than the ledger.
    private func differences(of claimed: Invoice, from record: InvoiceRecord) -> [String] {
        var found: [String] = []
        func compare(_ field: String, _ ledger: String, _ document: String) {
            if !ledger.utf8.elementsEqual(document.utf8) {
                found.append("\(field) on the ledger: \(ledger), not \(document) as in the document")
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

    // MARK: Dispute and ruling

    /// Disputes an invoice with its recomputation as proof, which the OEM and the arbiter can open; the
    /// arbiter is let into all that the computation reads.
    /// - Parameter undisputed: what stays payable; nil for the recomputed amount, or just less than what is
    ///   claimed.
    /// - Returns: the recomputed invoice.
    /// - Throws: `invoice.nothing_to_dispute`; as `recompute`; `agreement.*`.
    @discardableResult
    package func dispute(
        _ id: InvoiceID, undisputed: MinorUnits? = nil
    ) async throws(NodeError) -> Invoice {
        let (record, claimed, computed, metering) = try recomputed(id)
        guard computed != claimed || !differences(of: claimed, from: record).isEmpty else {
            throw NodeError("invoice.nothing_to_dispute", "the recomputation is equal, bit for bit")
        }
        let view = try node.view()
        let agreement = try view.existing(AgreementRecord.self, record.agreement)
        let proof = try store(computed, of: agreement, arbiter: record.arbiter)
        try documents.addReader(record.arbiter, to: record.document)
        if let version = agreement.versions.first(where: { $0.number == record.version }) {
            try documents.addReader(record.arbiter, to: version.terms.document)
        }
        if let numbers = metering.anchors {
            for number in numbers {
                let position = ChainPosition(machine: record.machine, number: number)
                guard let anchor = try view.get(AnchorRecord.self, position) else { continue }
                try documents.addReader(record.arbiter, toCID: anchor.cid)
            }
        }
        let most = MinorUnits(max(0, record.payable.rawValue - 1))
        try await node.enact(
            AgreementContract.self,
            .dispute(
                .init(
                    invoice: id, recomputed: proof,
                    undisputed: undisputed ?? min(max(.zero, computed.totals.payable), most))), as: signer)
        return computed
    }

    /// Computes a disputed invoice once more, by nobody's figures but the ledger's and the vault's.
    /// - Throws: `invoice.not_disputed`; as `recompute`.
    package func assess(_ id: InvoiceID) throws(NodeError) -> Assessment {
        let (record, claimed, computed, _) = try recomputed(id)
        guard let dispute = record.dispute else {
            throw NodeError("invoice.not_disputed", "nobody disputes the invoice")
        }
        let proof = try documents.open(Invoice.self, dispute.recomputed)
        return Assessment(
            claimed: claimed, proof: proof, computed: computed,
            againstClaim: computed.difference(from: claimed) + differences(of: claimed, from: record),
            againstProof: computed.difference(from: proof))
    }

    /// Rules on a disputed invoice, with reasons that the parties can open.
    /// - Throws: `agreement.*`, `document.*`, `vault.*`.
    @discardableResult
    package func rule(
        _ id: InvoiceID, payable: MinorUnits, reasons: String
    ) async throws(NodeError) -> FinalTransaction {
        let record = try node.view().existing(InvoiceRecord.self, id)
        let document = try documents.store(
            bytes: Array(reasons.utf8), name: "Ruling on invoice \(id.number)", mediaType: "text/plain",
            for: [record.customer, record.oem])
        return try await node.enact(
            AgreementContract.self, .rule(.init(invoice: id, payable: payable, reasons: document)), as: signer
        )
    }
}

import Billing
import Codec
import Contracts
import Ledger

/// What a customer has disputed an invoice with.
package struct Disputed: Hashable, Sendable {
    /// The proof; nil where the invoice could not be computed and a statement took its place.
    package let recomputed: Invoice?
    /// Why the OEM's document cannot be had; nil where it can.
    package let missingClaim: String?
    /// Batches of the invoice's time that the customer lacks, so that it could not let the arbiter into them,
    /// by number.
    package let missingBatches: [UInt64]
    /// Whether the dispute stood already, and the arbiter was only let in once more.
    package var wasDisputed = false
}

/// An arbiter's own look at a disputed invoice.
package struct Assessment: Sendable {
    /// What the OEM claims, on the ledger.
    package let record: InvoiceRecord
    /// As the OEM issued it.
    package let claimed: DisputeDocument
    /// As the customer recomputed it, or why it could not.
    package let proof: DisputeDocument
    /// As the arbiter computes it.
    package let computed: Invoice
    /// The same with the batches that the OEM contests, which are gaps in all else; nil where none are, or
    /// they cannot be read.
    package let computedWithContested: Invoice?
    /// How the arbiter's differs from the OEM's, and from the customer's; empty where they are the same.
    package let againstClaim: [String]
    package let againstProof: [String]
}

/// Disputes and rulings. None of them can be kept from anybody by a document that was never handed over.
extension InvoiceService {
    static let statementMediaType = "text/plain"

    /// Disputes an invoice with its recomputation as proof, which the OEM and the arbiter can open; once the
    /// ledger has taken it, the arbiter is let into all that the computation reads.
    ///
    /// The OEM's document is not needed: an invoice that was sealed away from the customer is disputed like
    /// one that is wrong. A dispute that stands already, such as one whose first call was interrupted, is
    /// left as it is, and the arbiter is let in once more. Of one that the ledger refuses no proof stays in
    /// this vault.
    /// - Parameters:
    ///   - undisputed: what stays payable; nil for the recomputed amount, or just less than what is claimed.
    ///   - countsContested: the proof reads the batches that the OEM contests and the invoice leaves out.
    ///   - statement: the proof in words where the invoice cannot be recomputed; then `undisputed` is said
    ///     too.
    /// - Throws: `invoice.nothing_to_dispute`; `invoice.recomputable` for a statement where the invoice can
    ///   be recomputed; `invoice.undisputed_missing`; as `recompute`; `agreement.*`.
    @discardableResult
    package func dispute(
        _ id: InvoiceID, undisputed: MinorUnits? = nil, countsContested: Bool = false,
        statement: String? = nil
    ) async throws(NodeError) -> Disputed {
        let record = try node.view().invoice(id)
        if record.state == .disputed, record.customer == documents.member.id, let dispute = record.dispute,
            undisputed ?? dispute.undisputed == dispute.undisputed
        {
            return try letArbitersIn(
                to: record, recomputed: proof(of: dispute).invoice, wasDisputed: true)
        }
        let found: Recomputed
        do { found = try recomputed(id, countsContested: countsContested) } catch {
            guard let statement else { throw error }
            return try await dispute(record, undisputed: undisputed, saying: statement, because: error)
        }
        guard statement == nil else {
            throw NodeError(
                "invoice.recomputable", "the invoice can be recomputed: that is the proof, not a statement")
        }
        guard !differences(found).isEmpty else {
            let contested = countsContested ? [] : try node.contestedBatches(in: id)
            let numbers = contested.map { "\($0.id.number)" }.joined(separator: ", ")
            throw NodeError(
                "invoice.nothing_to_dispute",
                "the recomputation is equal, bit for bit"
                    + (numbers.isEmpty ? "" : "; contested batches that count as gaps: \(numbers)"))
        }
        let computed = found.computed
        let agreement = try node.view().existing(AgreementRecord.self, record.agreement)
        let proof = try store(computed, of: agreement, arbiters: record.arbiters)
        let most = MinorUnits(max(0, record.payable.rawValue - 1))
        try await dispute(
            id, with: proof, undisputed: undisputed ?? min(max(.zero, computed.totals.payable), most))
        return try letArbitersIn(to: record, recomputed: computed)
    }

    /// Disputes in words what cannot be computed. The arbiter may be able to all the same: it is let into
    /// whatever the customer has.
    private func dispute(
        _ record: InvoiceRecord, undisputed: MinorUnits?, saying statement: String, because error: NodeError
    ) async throws(NodeError) -> Disputed {
        guard let undisputed else {
            throw NodeError(
                "invoice.undisputed_missing",
                "the invoice cannot be recomputed: say what of it you do not dispute", cause: error)
        }
        let text = "\(statement)\n\nNot recomputed: \(error.code): \(error.message)\n"
        let proof = try documents.store(
            bytes: Array(text.utf8), name: "Dispute of invoice \(record.id.number)",
            mediaType: Self.statementMediaType, for: [record.oem] + record.arbiters)
        try await dispute(record.id, with: proof, undisputed: undisputed)
        return try letArbitersIn(to: record, recomputed: nil)
    }

    private func dispute(
        _ id: InvoiceID, with proof: DocumentReference, undisputed: MinorUnits
    ) async throws(NodeError) {
        try await documents.enact(
            AgreementContract.self,
            .dispute(.init(invoice: id, recomputed: proof, undisputed: undisputed)), naming: proof)
    }

    /// Lets the arbiters of a dispute that stands into the terms, the invoice and the telemetry of its time,
    /// as far as the customer has them.
    ///
    /// Not before it stands: a dispute that the ledger refuses gives an arbiter nothing to read. Contested
    /// batches too: it computes with and without them.
    private func letArbitersIn(
        to record: InvoiceRecord, recomputed: Invoice?, wasDisputed: Bool = false
    ) throws(NodeError) -> Disputed {
        let terms = try node.view().existing(TermsRecord.self, record.termsID).terms.document
        _ = try letArbiters(of: record, into: terms.cid)
        var missingClaim: String?
        if case .unavailable(let reason) = claim(of: record) {
            missingClaim = reason
        } else {
            _ = try letArbiters(of: record, into: record.document.cid)
        }
        var missing: [UInt64] = []
        for anchor in try MeteringService(documents).batches(
            of: record.machine, tellingOf: record.period, asOf: record.issued)
        where try !letArbiters(of: record, into: anchor.cid) { missing.append(anchor.id.number) }
        return Disputed(
            recomputed: recomputed, missingClaim: missingClaim, missingBatches: missing,
            wasDisputed: wasDisputed)
    }

    /// Lets the arbiters of an invoice read a document.
    /// - Returns: false where the member cannot read it itself.
    private func letArbiters(of record: InvoiceRecord, into cid: String) throws(NodeError) -> Bool {
        do {
            for arbiter in record.arbiters { try documents.addReader(arbiter, toCID: cid) }
            return true
        } catch {
            let isLacking = ["vault.not_found", "vault.not_reader", "vault.damaged", "document.bad_cid"]
            guard isLacking.contains(error.code) else { throw error }
            return false
        }
    }

    /// Computes a disputed invoice once more, by nobody's figures but the ledger's and the vault's.
    /// - Throws: `invoice.not_disputed`; as `recompute`.
    package func assess(_ id: InvoiceID) throws(NodeError) -> Assessment {
        guard let dispute = try node.view().invoice(id).dispute else {
            throw NodeError("invoice.not_disputed", "nobody disputes the invoice")
        }
        let found = try recomputed(id)
        var counted: Invoice?
        if !found.metering.contested.isEmpty {
            // Where the arbiter cannot read them either, the customer has not handed them over.
            do { counted = try recomputed(id, countsContested: true).computed } catch {
                guard error.code.hasPrefix("metering.") || error.code.hasPrefix("billing.") else {
                    throw error
                }
            }
        }
        let proof = proof(of: dispute)
        let againstProof: [String] =
            switch proof {
            case .invoice(let invoice) where invoice == counted: []
            case .invoice(let invoice): found.computed.difference(from: invoice)
            case .statement(let text): ["the customer says: \(text)"]
            case .unavailable(let reason): ["the customer's proof cannot be opened: \(reason)"]
            }
        return Assessment(
            record: found.record, claimed: found.claimed, proof: proof, computed: found.computed,
            computedWithContested: counted, againstClaim: differences(found), againstProof: againstProof)
    }

    private func proof(of dispute: InvoiceRecord.Dispute) -> DisputeDocument {
        do {
            guard dispute.recomputed.mediaType == Self.statementMediaType else {
                return .invoice(try documents.open(Invoice.self, dispute.recomputed))
            }
            return .statement(String(decoding: try documents.open(dispute.recomputed), as: UTF8.self))
        } catch { return .unavailable("\(error.code): \(error.message)") }
    }

    /// Rules on a disputed invoice, with reasons that the parties can open.
    /// - Throws: `agreement.*`, `document.*`, `vault.*`.
    @discardableResult
    package func rule(
        _ id: InvoiceID, payable: MinorUnits, reasons: String
    ) async throws(NodeError) -> FinalTransaction {
        let record = try node.view().invoice(id)
        let document = try documents.store(
            bytes: Array(reasons.utf8), name: "Ruling on invoice \(id.number)", mediaType: "text/plain",
            for: [record.customer, record.oem])
        return try await documents.enact(
            AgreementContract.self, .rule(.init(invoice: id, payable: payable, reasons: document)),
            naming: document)
    }
}

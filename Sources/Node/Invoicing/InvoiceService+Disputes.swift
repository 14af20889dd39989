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
    /// How the arbiter's differs from the OEM's, and from the customer's; empty where they are the same.
    package let againstClaim: [String]
    package let againstProof: [String]
}

/// Disputes and rulings. None of them can be kept from anybody by a document that was never handed over.
extension InvoiceService {
    static let statementMediaType = "text/plain"

    /// Disputes an invoice with its recomputation as proof, which the OEM and the arbiter can open; the
    /// arbiter is let into all that the computation reads.
    ///
    /// The OEM's document is not needed: an invoice that was sealed away from the customer is disputed like
    /// one that is wrong.
    /// - Parameters:
    ///   - undisputed: what stays payable; nil for the recomputed amount, or just less than what is claimed.
    ///   - statement: the proof in words where the invoice cannot be recomputed; then `undisputed` is said
    ///     too.
    /// - Throws: `invoice.nothing_to_dispute`; `invoice.recomputable` for a statement where the invoice can
    ///   be recomputed; `invoice.undisputed_missing`; as `recompute`; `agreement.*`.
    @discardableResult
    package func dispute(
        _ id: InvoiceID, undisputed: MinorUnits? = nil, statement: String? = nil
    ) async throws(NodeError) -> Disputed {
        let found: Recomputed
        do { found = try recomputed(id) } catch {
            guard let statement else { throw error }
            return try await dispute(id, undisputed: undisputed, saying: statement, because: error)
        }
        guard statement == nil else {
            throw NodeError(
                "invoice.recomputable", "the invoice can be recomputed: that is the proof, not a statement")
        }
        guard !differences(found).isEmpty else {
            throw NodeError("invoice.nothing_to_dispute", "the recomputation is equal, bit for bit")
        }
        let (record, computed) = (found.record, found.computed)
        let view = try node.view()
        let agreement = try view.existing(AgreementRecord.self, record.agreement)
        let proof = try store(computed, of: agreement, arbiter: record.arbiter)
        if found.claimed.invoice != nil { try documents.addReader(record.arbiter, to: record.document) }
        try letArbiterReadTerms(of: record)
        if let numbers = found.metering.anchors {
            for number in numbers {
                let position = ChainPosition(machine: record.machine, number: number)
                guard let anchor = try view.get(AnchorRecord.self, position) else { continue }
                try documents.addReader(record.arbiter, toCID: anchor.cid)
            }
        }
        let most = MinorUnits(max(0, record.payable.rawValue - 1))
        try await dispute(
            id, with: proof, undisputed: undisputed ?? min(max(.zero, computed.totals.payable), most))
        if case .unavailable(let reason) = found.claimed {
            return Disputed(recomputed: computed, missingClaim: reason)
        }
        return Disputed(recomputed: computed, missingClaim: nil)
    }

    /// Disputes in words what cannot be computed.
    private func dispute(
        _ id: InvoiceID, undisputed: MinorUnits?, saying statement: String, because error: NodeError
    ) async throws(NodeError) -> Disputed {
        let record = try node.view().invoice(id)
        guard let undisputed else {
            throw NodeError(
                "invoice.undisputed_missing",
                "the invoice cannot be recomputed: say what of it you do not dispute", cause: error)
        }
        let text = "\(statement)\n\nNot recomputed: \(error.code): \(error.message)\n"
        let proof = try documents.store(
            bytes: Array(text.utf8), name: "Dispute of invoice \(id.number)",
            mediaType: Self.statementMediaType, for: [record.oem, record.arbiter])
        try letArbiterReadTerms(of: record)
        try await dispute(id, with: proof, undisputed: undisputed)
        if case .unavailable(let reason) = claim(of: record) {
            return Disputed(recomputed: nil, missingClaim: reason)
        }
        return Disputed(recomputed: nil, missingClaim: nil)
    }

    private func dispute(
        _ id: InvoiceID, with proof: DocumentReference, undisputed: MinorUnits
    ) async throws(NodeError) {
        try await node.enact(
            AgreementContract.self,
            .dispute(.init(invoice: id, recomputed: proof, undisputed: undisputed)), as: signer)
    }

    private func letArbiterReadTerms(of record: InvoiceRecord) throws(NodeError) {
        let version = try node.view().existing(TermsRecord.self, record.termsID)
        try documents.addReader(record.arbiter, to: version.terms.document)
    }

    /// Computes a disputed invoice once more, by nobody's figures but the ledger's and the vault's.
    /// - Throws: `invoice.not_disputed`; as `recompute`.
    package func assess(_ id: InvoiceID) throws(NodeError) -> Assessment {
        guard let dispute = try node.view().invoice(id).dispute else {
            throw NodeError("invoice.not_disputed", "nobody disputes the invoice")
        }
        let found = try recomputed(id)
        let proof = proof(of: dispute)
        let againstProof =
            switch proof {
            case .invoice(let invoice): found.computed.difference(from: invoice)
            case .statement(let text): ["the customer says: \(text)"]
            case .unavailable(let reason): ["the customer's proof cannot be opened: \(reason)"]
            }
        return Assessment(
            record: found.record, claimed: found.claimed, proof: proof, computed: found.computed,
            againstClaim: differences(found), againstProof: againstProof)
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
        return try await node.enact(
            AgreementContract.self, .rule(.init(invoice: id, payable: payable, reasons: document)), as: signer
        )
    }
}

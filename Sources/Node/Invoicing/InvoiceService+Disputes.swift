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

    /// Disputes an invoice with its recomputation as proof, which the OEM and the arbiter can open; the
    /// arbiter is let into all that the computation reads.
    ///
    /// The OEM's document is not needed: an invoice that was sealed away from the customer is disputed like
    /// one that is wrong.
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
        let found: Recomputed
        do { found = try recomputed(id, countsContested: countsContested) } catch {
            guard let statement else { throw error }
            return try await dispute(id, undisputed: undisputed, saying: statement, because: error)
        }
        guard statement == nil else {
            throw NodeError(
                "invoice.recomputable", "the invoice can be recomputed: that is the proof, not a statement")
        }
        guard !differences(found).isEmpty else {
            let contested = found.metering.contested.map { "\($0)" }.joined(separator: ", ")
            throw NodeError(
                "invoice.nothing_to_dispute",
                "the recomputation is equal, bit for bit"
                    + (contested.isEmpty ? "" : "; contested batches that count as gaps: \(contested)"))
        }
        let (record, computed) = (found.record, found.computed)
        let view = try node.view()
        let agreement = try view.existing(AgreementRecord.self, record.agreement)
        let proof = try store(computed, of: agreement, arbiters: record.arbiters)
        if found.claimed.invoice != nil {
            for arbiter in record.arbiters { try documents.addReader(arbiter, to: record.document) }
        }
        try letArbitersReadTerms(of: record)
        for number in found.metering.anchors.map(Array.init) ?? []
        where !found.metering.contested.contains(number) {
            let position = ChainPosition(machine: record.machine, number: number)
            guard let anchor = try view.get(AnchorRecord.self, position) else { continue }
            for arbiter in record.arbiters { try documents.addReader(arbiter, toCID: anchor.cid) }
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
            mediaType: Self.statementMediaType, for: [record.oem] + record.arbiters)
        try letArbitersReadTerms(of: record)
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

    private func letArbitersReadTerms(of record: InvoiceRecord) throws(NodeError) {
        let version = try node.view().existing(TermsRecord.self, record.termsID)
        for arbiter in record.arbiters { try documents.addReader(arbiter, to: version.terms.document) }
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
        return try await node.enact(
            AgreementContract.self, .rule(.init(invoice: id, payable: payable, reasons: document)), as: signer
        )
    }
}

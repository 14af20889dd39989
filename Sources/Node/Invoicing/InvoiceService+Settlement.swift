import Billing
import Codec
import Contracts
import Ledger

extension InvoiceService {
    /// Issues a credit note: for what a ruling took away, or else as a correction of the OEM's own.
    /// - Parameter amount: nil for all that the ruling took away, or all that is payable.
    /// - Returns: the credit note's document.
    /// - Throws: `invoice.credit_out_of_range`, `agreement.*`, `document.*`, `vault.*`.
    @discardableResult
    package func credit(
        _ id: InvoiceID, number: String, reason: String, amount: MinorUnits? = nil
    ) async throws(NodeError) -> Invoice {
        let view = try node.view()
        let record = try view.invoice(id)
        let isRuling = record.ruling != nil && record.undocumentedReduction > .zero
        let amount = amount ?? (isRuling ? record.undocumentedReduction : record.payable)
        let limit = isRuling ? record.undocumentedReduction : record.payable
        guard (.zero < amount || record.gross == .zero) && amount <= limit else {
            throw NodeError(
                "invoice.credit_out_of_range",
                "a credit note on \(id) is more than nothing and at most "
                    + "\(limit.text(in: record.currency)) \(record.currency): "
                    + (isRuling ? "what the ruling took away" : "what is payable"))
        }
        let invoice = try documents.open(Invoice.self, record.document)
        let note: Invoice
        do {
            let rest = try record.gross.subtracting(amount)
            let terms = try terms(of: record)
            let today = try terms.zone.local(atMilliseconds: node.clock.now.milliseconds).date
            note =
                record.gross == .zero
                ? try invoice.credited(number: number, issueDate: today, reason: reason)
                : try invoice.credited(toPayable: rest, number: number, issueDate: today, reason: reason)
        } catch let error as BillingError { throw NodeError(error) } catch let error as NodeError {
            throw error
        } catch { throw NodeError("invoice.credit", "the credit note cannot be written", cause: error) }
        let agreement = try view.existing(AgreementRecord.self, record.agreement)
        let document = try store(note, of: agreement, arbiters: record.arbiters)
        try await documents.enact(
            AgreementContract.self,
            .creditNote(
                .init(
                    number: number, invoice: id, ground: isRuling ? .ruling : .correction, amount: amount,
                    reason: reason, document: document)), naming: document)
        return note
    }

    private func terms(of record: InvoiceRecord) throws(NodeError) -> Terms {
        let version = try node.view().existing(TermsRecord.self, record.termsID)
        return try documents.open(Terms.self, version.terms.document)
    }

    /// Approves an invoice, or gives a dispute up.
    @discardableResult
    package func approve(_ id: InvoiceID) async throws(NodeError) -> FinalTransaction {
        try await node.enact(AgreementContract.self, .approve(.init(invoice: id)), as: signer)
    }

    /// Says that a payment was made elsewhere.
    /// - Parameters:
    ///   - amount: nil for all that the member owes now.
    ///   - date: nil for the consensus day in the terms' zone.
    @discardableResult
    package func markPaid(
        _ id: InvoiceID, reference: String, amount: MinorUnits? = nil, date: CivilDate? = nil
    ) async throws(NodeError) -> FinalTransaction {
        let record = try node.view().invoice(id)
        let day: CivilDate
        do {
            let now = node.clock.now.milliseconds
            day = try date ?? terms(of: record).zone.local(atMilliseconds: now).date
        } catch let error as NodeError { throw error } catch {
            throw NodeError("invoice.date", "the day of the payment is out of range", cause: error)
        }
        let amount = amount ?? record.owed(by: documents.member.id)
        return try await node.enact(
            AgreementContract.self,
            .markPaid(.init(invoice: id, reference: reference, amount: amount, date: day)), as: signer)
    }

    /// Says that a payment arrived.
    /// - Parameter amount: what arrived; nil for what was marked.
    /// - Throws: `agreement.no_payment`, `agreement.*`.
    @discardableResult
    package func confirmPayment(
        _ id: InvoiceID, reference: String, amount: MinorUnits? = nil
    ) async throws(NodeError) -> FinalTransaction {
        let record = try node.view().invoice(id)
        let marked = record.payments.first { $0.confirmed == nil && $0.reference == reference }
        return try await node.enact(
            AgreementContract.self,
            .confirmPayment(
                .init(invoice: id, reference: reference, amount: amount ?? marked?.amount ?? .zero)),
            as: signer)
    }
}

import Contracts
import Ledger

extension StateView {
    /// The invoice of that number.
    /// - Throws: `invoice.unknown`; `invoice.is_credit_note` where the number is a credit note's.
    package func invoice(_ id: InvoiceID) throws(NodeError) -> InvoiceRecord {
        if let record = try get(InvoiceRecord.self, id) { return record }
        if let note = try get(CreditNoteRecord.self, id) {
            throw NodeError(
                "invoice.is_credit_note",
                "«\(id)» is a credit note on the invoice «\(note.invoice)»: name that")
        }
        throw NodeError("invoice.unknown", "there is no invoice «\(id)»")
    }
}

import Billing
import Codec
import Ledger

/// A credit note: takes back a part or the whole of one invoice, or documents what an arbiter took away.
package struct CreditNoteRecord: Record {
    package enum Ground: String, Codable, Hashable, Sendable {
        /// The OEM's own: what is payable falls by the amount.
        case correction
        /// Documents a ruling, which has already changed what is payable.
        case ruling
    }

    package static let table = "creditNote"

    package var id: InvoiceID
    package var invoice: InvoiceID
    package var agreement: AgreementID
    package var ground: Ground
    package var amount: MinorUnits
    package var reason: String
    package var document: DocumentReference
    package var issued: Timestamp
}

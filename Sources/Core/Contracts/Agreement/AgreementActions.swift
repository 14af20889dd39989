import Billing
import Codec
import Ledger

extension AgreementContract {
    /// What members sign. The CBOR form is `{ name: body }`.
    package enum Action: Codable, Hashable, Sendable {
        /// OEM or customer of the machine.
        case propose(Propose)
        /// The party that did not propose.
        case accept(Accept)
        /// Either party: other terms, in force once the other accepts them.
        case amend(Amend)
        /// The proposer, before the other has accepted.
        case withdraw(Withdraw)
        /// OEM and customer, each for itself.
        case classify(Classify)
        /// OEM and customer, each for itself: it has nothing more to classify.
        case concludeClassification(ConcludeClassification)
        /// OEM.
        case issueInvoice(IssueInvoice)
        /// Customer.
        case approve(Approve)
        /// Customer, within the invoice's dispute window.
        case dispute(Dispute)
        /// The agreement's arbiter.
        case rule(Rule)
        /// OEM.
        case creditNote(CreditNote)
        /// The customer; the OEM where it pays back.
        case markPaid(MarkPaid)
        /// Whoever receives the payment.
        case confirmPayment(ConfirmPayment)
    }

    package struct Propose: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        package var machine: MachineID
        package var terms: AgreedTerms

        package init(agreement: AgreementID, machine: MachineID, terms: AgreedTerms) {
            (self.agreement, self.machine, self.terms) = (agreement, machine, terms)
        }
    }

    package struct Accept: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        /// The proposal's number and terms hash: nobody accepts what was exchanged under their pen.
        package var number: Int64
        package var termsHash: Digest

        package init(agreement: AgreementID, number: Int64, termsHash: Digest) {
            (self.agreement, self.number, self.termsHash) = (agreement, number, termsHash)
        }
    }

    package struct Amend: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        /// In force from their `validFrom`, which is not before that of the terms they follow.
        package var terms: AgreedTerms

        package init(agreement: AgreementID, terms: AgreedTerms) {
            (self.agreement, self.terms) = (agreement, terms)
        }
    }

    package struct Withdraw: Codable, Hashable, Sendable {
        package var agreement: AgreementID

        package init(agreement: AgreementID) { self.agreement = agreement }
    }

    package struct Classify: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        /// Milliseconds since 1970 UTC, half-open, over, within one billing interval.
        package var interval: Interval
        /// Nil takes the member's word back.
        package var attribution: Attribution?

        package init(agreement: AgreementID, interval: Interval, attribution: Attribution?) {
            (self.agreement, self.interval, self.attribution) = (agreement, interval, attribution)
        }
    }

    package struct ConcludeClassification: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        /// The end of a billing interval that is over, in ms since 1970 UTC: for it and all before.
        package var until: Int64

        package init(agreement: AgreementID, until: Int64) {
            (self.agreement, self.until) = (agreement, until)
        }
    }

    package struct IssueInvoice: Codable, Hashable, Sendable {
        package var agreement: AgreementID
        /// As `InvoiceNumber`: the next of its series.
        package var number: String
        package var document: DocumentReference
        package var evidence: InvoiceRecord.Evidence
        /// Milliseconds since 1970 UTC, half-open; one whole billing interval, whose classification is over.
        package var period: Interval
        package var currency: CurrencyCode
        package var net: MinorUnits
        package var tax: MinorUnits
        package var gross: MinorUnits
        /// The first moment at which the invoice can no longer be disputed, as the terms' calendar gives it.
        package var disputeUntil: Timestamp
        /// Within the due day or at its end.
        package var dueDate: Timestamp
        /// Whether it closes the account.
        package var isFinal: Bool

        package init(
            agreement: AgreementID, number: String, document: DocumentReference,
            evidence: InvoiceRecord.Evidence, period: Interval, currency: CurrencyCode, net: MinorUnits,
            tax: MinorUnits, gross: MinorUnits, disputeUntil: Timestamp, dueDate: Timestamp,
            isFinal: Bool = false
        ) {
            (self.agreement, self.number, self.document) = (agreement, number, document)
            (self.evidence, self.period, self.currency) = (evidence, period, currency)
            (self.net, self.tax, self.gross) = (net, tax, gross)
            (self.disputeUntil, self.dueDate, self.isFinal) = (disputeUntil, dueDate, isFinal)
        }
    }

    package struct Approve: Codable, Hashable, Sendable {
        package var invoice: InvoiceID

        package init(invoice: InvoiceID) { self.invoice = invoice }
    }

    package struct Dispute: Codable, Hashable, Sendable {
        package var invoice: InvoiceID
        /// The invoice as the customer computes it from the same evidence.
        package var recomputed: DocumentReference
        /// 0 up to, not including, what is payable.
        package var undisputed: MinorUnits

        package init(invoice: InvoiceID, recomputed: DocumentReference, undisputed: MinorUnits) {
            (self.invoice, self.recomputed, self.undisputed) = (invoice, recomputed, undisputed)
        }
    }

    package struct Rule: Codable, Hashable, Sendable {
        package var invoice: InvoiceID
        /// 0 to gross less what is credited.
        package var payable: MinorUnits
        package var reasons: DocumentReference

        package init(invoice: InvoiceID, payable: MinorUnits, reasons: DocumentReference) {
            (self.invoice, self.payable, self.reasons) = (invoice, payable, reasons)
        }
    }

    package struct CreditNote: Codable, Hashable, Sendable {
        /// As `InvoiceNumber`: the next of its series.
        package var number: String
        package var invoice: InvoiceID
        package var ground: CreditNoteRecord.Ground
        package var amount: MinorUnits
        /// 1 to 1000 bytes.
        package var reason: String
        package var document: DocumentReference

        package init(
            number: String, invoice: InvoiceID, ground: CreditNoteRecord.Ground, amount: MinorUnits,
            reason: String, document: DocumentReference
        ) {
            (self.number, self.invoice, self.ground) = (number, invoice, ground)
            (self.amount, self.reason, self.document) = (amount, reason, document)
        }
    }

    package struct MarkPaid: Codable, Hashable, Sendable {
        package var invoice: InvoiceID
        /// The real payment's reference, 1 to 140 bytes. Marking it again corrects it until it is confirmed.
        package var reference: String
        package var amount: MinorUnits
        package var date: CivilDate

        package init(invoice: InvoiceID, reference: String, amount: MinorUnits, date: CivilDate) {
            (self.invoice, self.reference, self.amount, self.date) = (invoice, reference, amount, date)
        }
    }

    package struct ConfirmPayment: Codable, Hashable, Sendable {
        package var invoice: InvoiceID
        package var reference: String
        /// What arrived, 0 to what was marked; 0 says that nothing did.
        package var amount: MinorUnits

        package init(invoice: InvoiceID, reference: String, amount: MinorUnits) {
            (self.invoice, self.reference, self.amount) = (invoice, reference, amount)
        }
    }
}

import Billing
import Codec
import Ledger

/// An invoice or credit note: who issued it, and the issuer's number for it.
package struct InvoiceID: RecordKey, Hashable, Codable, CustomStringConvertible {
    package var issuer: MemberID
    package var number: String

    package init(issuer: MemberID, number: String) { (self.issuer, self.number) = (issuer, number) }

    /// The issuer's name, a zero byte, the number.
    package var keyBytes: [UInt8] { issuer.keyBytes + [0] + Array(number.utf8) }

    /// As a deadline names it; nil for anything else.
    init?(keyBytes: [UInt8]) {
        let parts = keyBytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let issuer = MemberID(String(decoding: parts[0], as: UTF8.self)) else {
            return nil
        }
        self.init(issuer: issuer, number: String(decoding: parts[1], as: UTF8.self))
    }

    package var description: String { "\(issuer)/\(number)" }
}

/// An issued invoice: what it claims and from which evidence, and what became of it. It is never edited,
/// only credited.
///
/// State: issued → (disputed → adjusted | confirmed) → due → paid.
package struct InvoiceRecord: Record {
    package enum State: String, Codable, Hashable, Sendable {
        /// The customer may approve or dispute it.
        case issued
        case disputed
        /// The arbiter has ruled or let its time pass, or the OEM has credited what was disputed.
        case adjusted
        /// Approved, or its dispute window closed.
        case confirmed
        /// Confirmed or adjusted, and its due date has come.
        case due
        /// The customer owes nothing any more.
        case paid
    }

    /// What the invoice was computed from.
    package struct Evidence: Codable, Hashable, Sendable {
        /// Merkle root of the plain telemetry entries.
        package var telemetryRoot: Digest
        package var termsHash: Digest
        /// `AgreementContract.attributionRoot`.
        package var attributionRoot: Digest
        /// The version of the rules that compute invoices.
        package var rulesVersion: Int64

        package init(telemetryRoot: Digest, termsHash: Digest, attributionRoot: Digest, rulesVersion: Int64) {
            (self.telemetryRoot, self.termsHash) = (telemetryRoot, termsHash)
            (self.attributionRoot, self.rulesVersion) = (attributionRoot, rulesVersion)
        }
    }

    /// The customer's own computation of the same period.
    package struct Dispute: Codable, Hashable, Sendable {
        package var recomputed: DocumentReference
        /// What the customer does not dispute: it stays payable.
        package var undisputed: MinorUnits
        package var time: Timestamp
        /// The first moment at which the arbiter can no longer rule.
        package var rulingDue: Timestamp
        /// The same for the substitute, who rules from `rulingDue` on; nil where there is none.
        package var substituteDue: Timestamp?

        /// When nobody can rule any more: then the undisputed part is payable.
        package var ends: Timestamp { substituteDue ?? rulingDue }
    }

    /// The arbiter's decision, or what its silence came to; `payable` is what that set, before later credits.
    package struct Ruling: Codable, Hashable, Sendable {
        package enum Origin: String, Codable, Hashable, Sendable { case arbiter, agreedDefault }

        package var origin: Origin
        package var arbiter: MemberID
        package var payable: MinorUnits
        /// Absent where nobody ruled.
        package var reasons: DocumentReference?
        package var time: Timestamp
    }

    /// A reference to a real payment. The receiver confirms what arrived.
    package struct Payment: Codable, Hashable, Sendable {
        /// The customer; the OEM where it pays back what was credited.
        package var payer: MemberID
        package var reference: String
        package var amount: MinorUnits
        package var date: CivilDate
        package var marked: Timestamp
        package var confirmed: Timestamp?
    }

    package static let table = "invoice"

    package var id: InvoiceID
    package var agreement: AgreementID
    package var machine: MachineID
    package var customer: MemberID
    package var arbiter: MemberID
    /// Rules where the arbiter has not in its time.
    package var substitute: MemberID?
    /// The version of the terms that it was computed under.
    package var version: Int64
    package var document: DocumentReference
    package var evidence: Evidence
    /// Milliseconds since 1970 UTC, half-open.
    package var period: Interval
    package var currency: CurrencyCode
    package var net: MinorUnits
    package var tax: MinorUnits
    /// `net + tax`, not negative.
    package var gross: MinorUnits
    package var issued: Timestamp
    /// The first moment at which it can no longer be disputed.
    package var disputeUntil: Timestamp
    package var dueDate: Timestamp
    package var isFinal: Bool
    package var state: State
    /// What is owed in all once nothing is disputed, 0 to gross.
    package var payable: MinorUnits
    /// What credit notes document.
    package var credited: MinorUnits
    package var creditNotes: Int64
    package var dispute: Dispute?
    package var ruling: Ruling?
    /// At most 64.
    package var payments: [Payment]
    /// What the OEM has received above what is payable and has not paid back; nil for nothing.
    package var refundDue: MinorUnits?
    package var settled: Timestamp?

    package var oem: MemberID { id.issuer }
    package var termsID: TermsRecord.ID { .init(agreement: agreement, number: version) }

    /// What has arrived, less what was paid back.
    package var received: MinorUnits {
        payments.reduce(into: .zero) { total, payment in
            guard payment.confirmed != nil else { return }
            total.rawValue += payment.payer == customer ? payment.amount.rawValue : -payment.amount.rawValue
        }
    }

    /// What a party may pay now: the customer what is not disputed, the OEM what it has received too much.
    package func owed(by payer: MemberID) -> MinorUnits {
        let due = state == .disputed ? min(payable, dispute?.undisputed ?? payable) : payable
        let open = due.rawValue - received.rawValue
        return MinorUnits(max(0, payer == customer ? open : refundDue?.rawValue ?? 0))
    }

    /// Whether a party still has something to do or to pay.
    package var isOpen: Bool { state != .paid || refundDue != nil }

    /// Whether the OEM has taken it back, so that its period can be invoiced again. What an arbiter has
    /// ruled on cannot.
    package var isWithdrawn: Bool { creditNotes > 0 && credited == gross && ruling == nil }

    /// What a ruling took away and no credit note documents yet.
    package var undocumentedReduction: MinorUnits {
        MinorUnits(gross.rawValue - credited.rawValue - payable.rawValue)
    }

    /// Says what is to be paid back, and moves on to due or paid where it can.
    mutating func advance(at time: Timestamp) {
        let refund = received.rawValue - payable.rawValue
        refundDue = refund > 0 ? MinorUnits(refund) : nil
        guard state == .confirmed || state == .adjusted || state == .due else { return }
        if received >= payable {
            state = .paid
            settled = time
        } else if time >= dueDate {
            state = .due
        }
    }
}

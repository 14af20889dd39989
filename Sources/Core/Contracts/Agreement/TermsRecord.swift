import Billing
import Codec
import Ledger

/// What the ledger knows of terms: their document's hash, and the few figures that its own deadlines need.
/// Either party can derive them from the terms, and does so before it accepts.
///
/// The terms themselves are sealed in the vault, so the ledger cannot count business days: each invoice
/// names its own end of the dispute window, and the ledger holds it to the minimum that both parties
/// accepted here.
package struct AgreedTerms: Codable, Hashable, Sendable {
    /// The sealed terms; its digest is the terms hash that invoices name.
    package var document: DocumentReference
    /// Rules on disputes; not a party.
    package var arbiter: MemberID
    /// May rule once the arbiter's time is over, for as long again; neither a party nor the arbiter.
    package var substitute: MemberID?
    package var currency: CurrencyCode
    /// Half-open.
    package var validFrom: Timestamp
    package var validTo: Timestamp
    /// Where billing periods end, in ms since 1970 UTC: rising, after `validFrom`, not after `validTo`; at
    /// most 800. Before the first, between two and after the last lies one billing interval each.
    package var periodEnds: [Int64]
    /// The least time between an invoice and the end of its dispute window, 0 to 366 days.
    package var minimumDisputeWindow: Span
    /// 0 to 366.
    package var paymentDays: Int64
    /// How long after a billing period's end the parties may classify its downtime, 0 to 366 days.
    package var classificationWindow: Span
    /// From a dispute to the moment at which the arbiter can no longer rule, 1 to 366 days; from then on as
    /// long for the substitute.
    package var rulingWindow: Span

    package init(
        document: DocumentReference, arbiter: MemberID, substitute: MemberID? = nil,
        currency: CurrencyCode, validFrom: Timestamp, validTo: Timestamp, periodEnds: [Int64] = [],
        minimumDisputeWindow: Span, paymentDays: Int64,
        classificationWindow: Span, rulingWindow: Span = .days(30)
    ) {
        (self.document, self.currency) = (document, currency)
        (self.arbiter, self.substitute) = (arbiter, substitute)
        (self.validFrom, self.validTo, self.periodEnds) = (validFrom, validTo, periodEnds)
        (self.minimumDisputeWindow, self.paymentDays) = (minimumDisputeWindow, paymentDays)
        (self.classificationWindow, self.rulingWindow) = (classificationWindow, rulingWindow)
    }

    package var hash: Digest { document.digest }
}

extension AgreedTerms {
    /// The stretch of time around an instant that one invoice bills, both in ms since 1970 UTC. The terms
    /// begin and end it, and so do those that follow them. It is what `Terms.billingInterval` gives.
    /// - Parameter end: where other terms follow, or these end.
    package func billingInterval(at milliseconds: Int64, before end: Timestamp) -> Interval {
        let from = periodEnds.last { $0 <= milliseconds } ?? validFrom.milliseconds
        let to = periodEnds.first { $0 > milliseconds } ?? end.milliseconds
        return Interval(from: from, to: min(to, end.milliseconds))
    }
}

/// One version of an agreement's terms, proposed or accepted. It has a row of its own, so that what is done
/// to an agreement does not grow with the terms that it has had.
package struct TermsRecord: Record {
    package struct ID: RecordKey, Hashable, Codable, CustomStringConvertible {
        package var agreement: AgreementID
        /// Rises with each proposal and is never used twice, so that an acceptance cannot meet other terms.
        package var number: Int64

        package init(agreement: AgreementID, number: Int64) {
            (self.agreement, self.number) = (agreement, number)
        }

        /// The agreement's name, a zero byte, the number in eight bytes.
        package var keyBytes: [UInt8] {
            agreement.keyBytes + [0] + bigEndianBytes(UInt64(max(0, number)))
        }

        package var description: String { "\(agreement)/\(number)" }
    }

    /// Who said yes, with which key, and when.
    package struct Acceptance: Codable, Hashable, Sendable {
        package var member: MemberID
        package var key: KeyID
        package var time: Timestamp

        package init(member: MemberID, key: KeyID, time: Timestamp) {
            (self.member, self.key, self.time) = (member, key, time)
        }
    }

    package static let table = "terms"

    package var id: ID
    package var terms: AgreedTerms
    package var proposed: Acceptance
    package var accepted: Acceptance?

    package init(id: ID, terms: AgreedTerms, proposed: Acceptance, accepted: Acceptance? = nil) {
        (self.id, self.terms, self.proposed, self.accepted) = (id, terms, proposed, accepted)
    }
}

extension AgreementContract {
    /// The billing interval around an instant (ms since 1970 UTC), and the terms that it falls under; nil
    /// where none are in force.
    static func billingInterval(
        at milliseconds: Int64, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) -> (interval: Interval, terms: TermsRecord)? {
        guard let (version, end) = agreement.version(at: milliseconds) else { return nil }
        let terms = try context.existing(
            TermsRecord.self, .init(agreement: agreement.id, number: version.number))
        return (terms.terms.billingInterval(at: milliseconds, before: end), terms)
    }
}

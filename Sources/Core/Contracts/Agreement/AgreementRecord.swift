import Billing
import Codec
import Ledger

/// An agreement on the ledger, such as `press-7-rent-2026`.
package struct AgreementID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

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
    /// From a dispute to the moment at which the arbiter can no longer rule, 1 to 366 days.
    package var rulingWindow: Span

    package init(
        document: DocumentReference, arbiter: MemberID, currency: CurrencyCode, validFrom: Timestamp,
        validTo: Timestamp, periodEnds: [Int64] = [], minimumDisputeWindow: Span, paymentDays: Int64,
        classificationWindow: Span, rulingWindow: Span = .days(30)
    ) {
        (self.document, self.arbiter, self.currency) = (document, arbiter, currency)
        (self.validFrom, self.validTo, self.periodEnds) = (validFrom, validTo, periodEnds)
        (self.minimumDisputeWindow, self.paymentDays) = (minimumDisputeWindow, paymentDays)
        (self.classificationWindow, self.rulingWindow) = (classificationWindow, rulingWindow)
    }

    package var hash: Digest { document.digest }
}

/// What an OEM and a customer have agreed for one machine, version by version, and what has been billed of
/// it.
package struct AgreementRecord: Record {
    package enum State: String, Codable, Hashable, Sendable {
        /// By one party; the other has not accepted it.
        case proposed
        case active
        /// In force, with other terms proposed.
        case amending
        /// By the proposer, before it was accepted.
        case withdrawn
        /// By its end date or with the machine's termination; what is left can still be invoiced and paid.
        case ended
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

    /// One set of terms: in force from its `validFrom` to the next version's, or to its own end.
    package struct Version: Codable, Hashable, Sendable {
        /// Rises with each proposal and is never used twice, so that an acceptance cannot meet other terms.
        package var number: Int64
        package var terms: AgreedTerms
        package var proposed: Acceptance
        package var accepted: Acceptance?

        package init(number: Int64, terms: AgreedTerms, proposed: Acceptance, accepted: Acceptance? = nil) {
            (self.number, self.terms) = (number, terms)
            (self.proposed, self.accepted) = (proposed, accepted)
        }
    }

    package static let table = "agreement"
    package static let indexes = [
        /// By machine.
        Index<AgreementRecord>("inForce") { $0.isInForce ? $0.machine.keyBytes : nil },
        /// By machine: was in force at some time, and is not wholly invoiced and paid.
        Index<AgreementRecord>("unsettled") { $0.isSettled ? nil : $0.machine.keyBytes },
    ]

    package var id: AgreementID
    package var machine: MachineID
    package var oem: MemberID
    package var customer: MemberID
    package var state: State
    /// Accepted by both, by rising `validFrom`; at most 64.
    package var versions: [Version]
    package var pending: Version?
    /// The number of the latest proposal.
    package var lastNumber: Int64
    /// What invoices cover, in ms since 1970 UTC: sorted, disjoint, none touching the next; at most 64.
    package var billed: [Interval]
    /// Invoices that are not paid, or credited beyond what was paid.
    package var openInvoices: Int64
    /// Up to where each party has said that it has nothing more to classify, in ms since 1970 UTC.
    package var oemConcluded: Int64?
    package var customerConcluded: Int64?
    /// The invoice that closes the account.
    package var finalInvoice: InvoiceID?
    package var ended: Timestamp?

    package init(id: AgreementID, machine: MachineID, oem: MemberID, customer: MemberID, pending: Version) {
        (self.id, self.machine, self.oem, self.customer) = (id, machine, oem, customer)
        (self.pending, self.lastNumber) = (pending, pending.number)
        (state, versions, billed, openInvoices) = (.proposed, [], [], 0)
    }

    package var isInForce: Bool { state == .active || state == .amending }

    /// Whether nothing is left to invoice or to pay; true where it never came into force.
    package var isSettled: Bool { versions.isEmpty || (openInvoices == 0 && finalInvoice != nil) }

    /// The other party; nil for anybody else.
    package func counterparty(of member: MemberID) -> MemberID? {
        member == oem ? customer : member == customer ? oem : nil
    }

    /// From the first version's beginning to the last one's end; nil before it is accepted.
    package var validity: (from: Timestamp, to: Timestamp)? {
        guard let first = versions.first, let last = versions.last else { return nil }
        return (first.terms.validFrom, last.terms.validTo)
    }

    /// The version that is in force at an instant, and until when.
    private func version(at milliseconds: Int64) -> (version: Version, end: Timestamp)? {
        let time = Timestamp(milliseconds: milliseconds)
        guard let index = versions.lastIndex(where: { $0.terms.validFrom <= time }) else { return nil }
        let end = versions[index].terms.validTo
        let next = index + 1 < versions.count ? versions[index + 1].terms.validFrom : end
        return time < min(end, next) ? (versions[index], min(end, next)) : nil
    }

    /// The stretch of time around an instant (ms since 1970 UTC) that one invoice bills, and the version that
    /// it falls under; nil where no terms are in force. Terms begin and end it, and so do those that follow
    /// them. It is what `Terms.billingInterval` gives.
    package func billingInterval(at milliseconds: Int64) -> (interval: Interval, version: Version)? {
        guard let (version, end) = version(at: milliseconds) else { return nil }
        let ends = version.terms.periodEnds
        let from = ends.last { $0 <= milliseconds } ?? version.terms.validFrom.milliseconds
        let to = ends.first { $0 > milliseconds } ?? end.milliseconds
        return (Interval(from: from, to: min(to, end.milliseconds)), version)
    }

    /// Up to where both parties have nothing more to classify, in ms since 1970 UTC.
    package var concluded: Int64? {
        guard let oemConcluded, let customerConcluded else { return nil }
        return min(oemConcluded, customerConcluded)
    }
}

extension AgreementRecord {
    /// Adds a period to what is billed; false where part of it already is.
    mutating func bill(_ period: Interval) -> Bool {
        guard !billed.contains(where: { $0.intersection(period) != nil }) else { return false }
        var merged = period
        var others: [Interval] = []
        for interval in billed {
            if interval.to == period.from {
                merged.from = interval.from
            } else if interval.from == period.to {
                merged.to = interval.to
            } else {
                others.append(interval)
            }
        }
        billed = (others + [merged]).sorted { $0.from < $1.from }
        return true
    }

    /// Takes a period out of what is billed.
    mutating func unbill(_ period: Interval) {
        billed = billed.flatMap { interval -> [Interval] in
            guard interval.intersection(period) != nil else { return [interval] }
            let before = Interval(from: interval.from, to: period.from)
            let after = Interval(from: period.to, to: interval.to)
            return [before, after].filter { $0.from < $0.to }
        }
    }
}

import Billing
import Codec
import Ledger

/// An agreement on the ledger, such as `press-7-rent-2026`.
package struct AgreementID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
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

    /// An accepted set of terms, in force from its `validFrom` to the next version's, or to its own end: as
    /// much of its `TermsRecord` as finds the right one.
    package struct Version: Codable, Hashable, Sendable {
        package var number: Int64
        package var validFrom: Timestamp
        package var validTo: Timestamp
        package var arbiter: MemberID
        package var substitute: MemberID?
        package var currency: CurrencyCode

        package init(_ number: Int64, _ terms: AgreedTerms) {
            self.number = number
            (validFrom, validTo) = (terms.validFrom, terms.validTo)
            (arbiter, substitute, currency) = (terms.arbiter, terms.substitute, terms.currency)
        }
    }

    package static let table = "agreement"
    package static let indexes = [
        /// By machine.
        Index<AgreementRecord>("inForce") { $0.isInForce ? $0.machine.keyBytes : nil },
        /// By machine: its terms have begun, and it is not wholly invoiced and paid.
        Index<AgreementRecord>("unsettled") { $0.hasBegun && !$0.isSettled ? $0.machine.keyBytes : nil },
    ]

    package var id: AgreementID
    package var machine: MachineID
    package var oem: MemberID
    package var customer: MemberID
    package var state: State
    /// Accepted by both, by rising `validFrom`; at most 64.
    package var versions: [Version]
    /// The number of the proposal that waits for acceptance.
    package var pending: Int64?
    /// Whether the first version's `validFrom` has come.
    package var hasBegun: Bool
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

    package init(id: AgreementID, machine: MachineID, oem: MemberID, customer: MemberID) {
        (self.id, self.machine, self.oem, self.customer) = (id, machine, oem, customer)
        (self.pending, self.lastNumber, self.hasBegun) = (1, 1, false)
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
        return (first.validFrom, last.validTo)
    }

    /// The version that is in force at an instant, and until when.
    package func version(at milliseconds: Int64) -> (version: Version, end: Timestamp)? {
        let time = Timestamp(milliseconds: milliseconds)
        guard let index = versions.lastIndex(where: { $0.validFrom <= time }) else { return nil }
        let end = versions[index].validTo
        let next = index + 1 < versions.count ? versions[index + 1].validFrom : end
        return time < min(end, next) ? (versions[index], min(end, next)) : nil
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

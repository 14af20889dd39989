import Billing
import Codec
import Ledger

/// What one party says a stretch of time is to be put down to.
///
/// Each party's words are its own: they do not overlap each other, and those of the other party neither
/// bind nor hinder them. What both say alike is agreed; `JointWord` compares them.
package struct ClassificationRecord: Record {
    package enum Party: String, Codable, Hashable, Sendable { case oem, customer }

    package struct ID: RecordKey, Hashable, Codable, CustomStringConvertible {
        package var agreement: AgreementID
        package var party: Party
        /// Where the stretch ends, in ms since 1970 UTC: one party's words are in order of their ends as of
        /// their beginnings.
        package var until: Int64

        package init(agreement: AgreementID, party: Party, until: Int64) {
            (self.agreement, self.party, self.until) = (agreement, party, until)
        }

        /// The agreement's name, a zero byte, the party, a zero byte, the end in eight bytes.
        package var keyBytes: [UInt8] {
            ClassificationRecord.prefix(of: agreement, party) + bigEndianBytes(UInt64(max(0, until)))
        }

        package var description: String { "\(agreement)/\(party.rawValue)/\(until)" }

        /// Where the other party's word on the same stretch is.
        var answered: ID { ID(agreement: agreement, party: party == .oem ? .customer : .oem, until: until) }
    }

    package static let table = "classification"

    package var id: ID
    /// Where the stretch begins.
    package var from: Int64
    package var attribution: Attribution
    /// When the word was last given.
    package var said: Timestamp

    package init(id: ID, from: Int64, attribution: Attribution, said: Timestamp) {
        (self.id, self.from, self.attribution, self.said) = (id, from, attribution, said)
    }

    package var interval: Interval { Interval(from: from, to: id.until) }

    /// Whether the other party says the same of the same stretch.
    func agrees(with other: ClassificationRecord?) -> Bool {
        other.map { $0.from == from && $0.attribution == attribution } ?? false
    }

    /// With what the keys of all words of one party begin.
    package static func prefix(of agreement: AgreementID, _ party: Party) -> [UInt8] {
        agreement.keyBytes + [0] + Array(party.rawValue.utf8) + [0]
    }

    /// The key of the first word that may reach beyond an instant.
    package static func key(after time: Int64, of agreement: AgreementID, _ party: Party) -> [UInt8] {
        prefix(of: agreement, party) + bigEndianBytes(UInt64(max(0, time)) + 1)
    }
}

/// How many words each party has given on one billing interval, so that each has a bound of its own.
package struct ClassificationCount: Record {
    package struct ID: RecordKey, Hashable, Codable {
        package var agreement: AgreementID
        /// Where the billing interval ends, in ms since 1970 UTC.
        package var until: Int64

        package init(agreement: AgreementID, until: Int64) {
            (self.agreement, self.until) = (agreement, until)
        }

        /// The agreement's name, a zero byte, the end in eight bytes.
        package var keyBytes: [UInt8] {
            agreement.keyBytes + [0] + bigEndianBytes(UInt64(max(0, until)))
        }
    }

    package static let table = "classificationCount"
    /// The most words of one party on one billing interval.
    static let maximum: Int64 = 1000

    package var id: ID
    package var oem: Int64
    package var customer: Int64

    package init(id: ID, oem: Int64 = 0, customer: Int64 = 0) {
        (self.id, self.oem, self.customer) = (id, oem, customer)
    }

    subscript(party: ClassificationRecord.Party) -> Int64 {
        get { party == .oem ? oem : customer }
        set { if party == .oem { oem = newValue } else { customer = newValue } }
    }
}

extension AgreementContract {
    /// The digest that an invoice names for what its period's downtime was put down to: the SHA-256 of the
    /// deterministic CBOR of the `AttributionSet` that Billing computes with.
    /// - Throws: `billing.invalid_interval` where one party's words overlap.
    package static func attributionRoot(
        of words: [ClassificationRecord], in period: Interval, hash: HashFunction
    ) throws -> Digest {
        try attributionSet(of: words, in: period).digest(with: hash)
    }

    /// What both parties say alike in a period, as Billing takes it.
    /// - Throws: `billing.invalid_interval` where one party's words overlap.
    package static func attributionSet(
        of words: [ClassificationRecord], in period: Interval
    ) throws(BillingError) -> AttributionSet {
        try AttributionSet.jointly(
            seller: said(.oem, in: words), buyer: said(.customer, in: words), within: period)
    }

    /// Both parties' words on a period, side by side.
    /// - Throws: `billing.invalid_interval` where one party's words overlap.
    package static func jointWords(
        of words: [ClassificationRecord], in period: Interval
    ) throws(BillingError) -> [JointWord] {
        try JointWord.all(
            seller: said(.oem, in: words), buyer: said(.customer, in: words), within: period)
    }

    private static func said(
        _ party: ClassificationRecord.Party, in words: [ClassificationRecord]
    ) -> [AttributedInterval] {
        words.filter { $0.id.party == party }.map { AttributedInterval($0.interval, $0.attribution) }
    }
}

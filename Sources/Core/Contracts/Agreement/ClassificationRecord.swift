import Billing
import Codec
import Ledger

/// What the parties say an interval is to be put down to, and what holds.
package struct ClassificationRecord: Record {
    package struct ID: RecordKey, Hashable, Codable, CustomStringConvertible {
        package var agreement: AgreementID
        package var interval: Interval

        package init(agreement: AgreementID, interval: Interval) {
            (self.agreement, self.interval) = (agreement, interval)
        }

        /// The agreement's name, a zero byte, both ends in eight bytes each: rows sort by time.
        package var keyBytes: [UInt8] {
            agreement.keyBytes + [0] + bigEndianBytes(UInt64(max(0, interval.from)))
                + bigEndianBytes(UInt64(max(0, interval.to)))
        }

        /// As a deadline names it; nil for anything else.
        init?(keyBytes: [UInt8]) {
            guard let end = keyBytes.firstIndex(of: 0), keyBytes.count == end + 17,
                let agreement = AgreementID(String(decoding: keyBytes[..<end], as: UTF8.self))
            else { return nil }
            func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
                Int64(bitPattern: bigEndianNumber(bytes))
            }
            self.init(
                agreement: agreement,
                interval: Interval(
                    from: number(keyBytes[(end + 1)..<(end + 9)]), to: number(keyBytes[(end + 9)...])))
        }

        package var description: String { "\(agreement)/\(interval.from)-\(interval.to)" }
    }

    /// What holds, and whether the parties agreed on it or the agreement's default took its place.
    package struct Decision: Codable, Hashable, Sendable {
        package enum Origin: String, Codable, Hashable, Sendable { case parties, agreedDefault }

        package var attribution: Attribution
        package var origin: Origin
        package var time: Timestamp

        package init(attribution: Attribution, origin: Origin, time: Timestamp) {
            (self.attribution, self.origin, self.time) = (attribution, origin, time)
        }
    }

    package static let table = "classification"
    package static let indexes = [
        Index<ClassificationRecord>("agreement") { $0.id.agreement.keyBytes },
        Index<ClassificationRecord>("open") { $0.decision == nil ? $0.id.agreement.keyBytes : nil },
        Index<ClassificationRecord>("week") {
            weekKey($0.id.agreement, week: $0.id.interval.from / weekMilliseconds)
        },
    ]

    package var id: ID
    package var oemSays: Attribution?
    package var customerSays: Attribution?
    /// When the agreement's default takes effect.
    package var deadline: Timestamp
    package var decision: Decision?

    package init(id: ID, deadline: Timestamp) { (self.id, self.deadline) = (id, deadline) }

    /// Intervals are found by the week, counted from 1970, in which they begin.
    static let weekMilliseconds: Int64 = 7 * 86_400_000
    /// The longest interval; a longer one is said in parts. It bounds the search for overlaps.
    static let maximumMilliseconds: Int64 = 31 * 86_400_000
    /// The most intervals that begin in one week of one agreement.
    static let maximumPerWeek = 500

    static func weekKey(_ agreement: AgreementID, week: Int64) -> [UInt8] {
        agreement.keyBytes + [0] + bigEndianBytes(UInt64(max(0, week)))
    }
}

extension AgreementContract {
    /// The digest that an invoice names for what its period's downtime was put down to: the SHA-256 of the
    /// deterministic CBOR of an `AttributionSet` of the decided classifications, as Billing computes it.
    /// - Throws: `billing.invalid_interval` where two classifications overlap.
    package static func attributionRoot(
        of classifications: [ClassificationRecord], hash: HashFunction
    ) throws -> Digest {
        try attributionSet(of: classifications).digest(with: hash)
    }

    /// The decided classifications as Billing takes them.
    /// - Throws: `billing.invalid_interval` where two classifications overlap.
    package static func attributionSet(
        of classifications: [ClassificationRecord]
    ) throws(BillingError) -> AttributionSet {
        try AttributionSet(
            classifications.compactMap { record in
                record.decision.map { AttributedInterval(record.id.interval, $0.attribution) }
            })
    }
}

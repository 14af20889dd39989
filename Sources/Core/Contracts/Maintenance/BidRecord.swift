import Billing
import Codec
import Ledger

/// What a maintainer offers.
package struct Offer: Codable, Hashable, Sendable {
    package enum Price: Codable, Hashable, Sendable {
        case fixed(MinorUnits)
        case rate(HourlyRate)

        /// The most that the client can be asked for.
        package var limit: MinorUnits {
            switch self {
            case .fixed(let amount): amount
            case .rate(let rate): rate.notToExceed
            }
        }
    }

    package struct HourlyRate: Codable, Hashable, Sendable {
        package var perHour: MinorUnits
        package var notToExceed: MinorUnits

        package init(perHour: MinorUnits, notToExceed: MinorUnits) {
            (self.perHour, self.notToExceed) = (perHour, notToExceed)
        }
    }

    /// 0 to 10¹⁵ minor units.
    package var price: Price
    package var currency: CurrencyCode
    /// On site, or at work remotely.
    package var earliestArrival: Timestamp
    /// 1 to 525 600.
    package var durationMinutes: Int64
    /// 0 to 3650.
    package var warrantyDays: Int64
    /// The first moment at which the offer no longer holds.
    package var expires: Timestamp

    package init(
        price: Price, currency: CurrencyCode, earliestArrival: Timestamp, durationMinutes: Int64,
        warrantyDays: Int64, expires: Timestamp
    ) {
        (self.price, self.currency, self.earliestArrival) = (price, currency, earliestArrival)
        (self.durationMinutes, self.warrantyDays, self.expires) = (durationMinutes, warrantyDays, expires)
    }
}

/// A maintainer's bid on a ticket: open, or sealed until it is revealed. A withdrawn bid has no record.
package struct BidRecord: Record {
    package struct ID: RecordKey, Hashable, Codable {
        package var ticket: TicketID
        package var maintainer: MemberID

        package init(ticket: TicketID, maintainer: MemberID) {
            (self.ticket, self.maintainer) = (ticket, maintainer)
        }

        /// Both names, each ended by a zero byte.
        package var keyBytes: [UInt8] { ticket.keyBytes + [0] + maintainer.keyBytes + [0] }
    }

    package static let table = "bid"
    package static let indexes = [Index<BidRecord>("ticket") { $0.id.ticket.keyBytes }]

    package var id: ID
    package var placed: Timestamp
    /// Of a sealed bid.
    package var commitment: Digest?
    /// Nil while the bid is sealed.
    package var offer: Offer?

    package init(id: ID, placed: Timestamp, commitment: Digest? = nil, offer: Offer? = nil) {
        (self.id, self.placed, self.commitment, self.offer) = (id, placed, commitment, offer)
    }
}

extension MaintenanceContract {
    /// What a sealed bid commits to: the SHA-256 of the deterministic CBOR array of `millwright.bid`, the
    /// ticket, the maintainer, the salt and the offer. Ticket and maintainer are in it so that nobody can
    /// copy a commitment.
    /// - Throws: `cbor.*`, never for an offer that was decoded.
    package static func commitment(
        to offer: Offer, salt: Bytes, ticket: TicketID, maintainer: MemberID, hash: HashFunction
    ) throws(CodecError) -> Digest {
        var writer = CBORWriter(reservingCapacity: 256)
        writer.array(5)
        writer.text("millwright.bid")
        writer.text(ticket.text)
        writer.text(maintainer.text)
        writer.byteString(salt.array)
        writer.raw(try CBOR.encode(offer))
        return hash(writer.bytes)
    }
}

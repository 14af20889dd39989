import Billing
import Codec
import Ledger

/// How a ticket is awarded; published with it, before the first bid.
package enum SelectionPolicy: Codable, Hashable, Sendable {
    /// The first valid bid opens the grace window; those within it are simultaneous.
    case firstComeFirstServed
    /// At the deadline, or with the grace window after the bid that makes `minimumBids`.
    case bestScore(BestScore)
    /// The client picks a bid.
    case customersChoice

    package struct BestScore: Codable, Hashable, Sendable {
        package var weights: ScoreWeights
        /// 1 to 64; nil waits for the deadline.
        package var minimumBids: Int64?

        package init(weights: ScoreWeights, minimumBids: Int64? = nil) {
            (self.weights, self.minimumBids) = (weights, minimumBids)
        }
    }

    /// By which bids are compared automatically; first come first served uses the standard ones among
    /// simultaneous bids.
    var weights: ScoreWeights? {
        switch self {
        case .firstComeFirstServed: .standard
        case .bestScore(let rule): rule.weights
        case .customersChoice: nil
        }
    }

    /// The number of bids that opens the grace window before the deadline.
    var decisiveCount: Int64? {
        switch self {
        case .firstComeFirstServed: 1
        case .bestScore(let rule): rule.minimumBids
        case .customersChoice: nil
        }
    }
}

/// What counts how much; none is negative and together they are the whole.
package struct ScoreWeights: Codable, Hashable, Sendable {
    package var price: Rate
    package var arrival: Rate
    package var record: Rate

    package init(price: Rate, arrival: Rate, record: Rate) {
        (self.price, self.arrival, self.record) = (price, arrival, record)
    }

    package static let standard = ScoreWeights(
        price: Rate(percent: 50), arrival: Rate(percent: 30), record: Rate(percent: 20))

    var isValid: Bool {
        let parts = [price, arrival, record]
        return parts.allSatisfy { Rate.zero <= $0 && $0 <= .whole }
            && parts.reduce(0) { $0 + $1.ppm } == Rate.whole.ppm
    }
}

/// Compares bids with integers only, without regard to the order in which they came.
///
/// Each bid gets parts per million for three things: *price*, the lowest limit over the bid's own;
/// *arrival*, the shortest delay over its own, a delay being the hours begun from the report to the
/// arrival, at least one; *record*, `MaintainerStatistics.reputation`. The score is Σ weight · part, in
/// 10⁻¹² and at most 10¹². The highest wins. Equal scores are drawn by lot: the SHA-256 over all bids'
/// digests in order gives a seed, and the lowest SHA-256 of seed ‖ bid id wins. Whoever bids last in the
/// open could try variations of a bid until the lot falls well; sealed bids leave nothing to try.
package enum Selection {
    package struct Candidate: Hashable, Sendable {
        package var bid: BidRecord.ID
        package var offer: Offer
        package var reputation: Rate

        package init(bid: BidRecord.ID, offer: Offer, reputation: Rate) {
            (self.bid, self.offer, self.reputation) = (bid, offer, reputation)
        }
    }

    package struct Ranked: Hashable, Sendable {
        package var candidate: Candidate
        /// 0 to 10¹².
        package var score: Int64
        package var lot: Digest
    }

    /// The candidates, the winner first.
    /// - Throws: `cbor.*`, never for offers that were decoded.
    package static func ranking(
        _ candidates: [Candidate], weights: ScoreWeights, reported: Timestamp, hash: HashFunction
    ) throws(CodecError) -> [Ranked] {
        guard let lowest = candidates.map({ price($0.offer) }).min(),
            let shortest = candidates.map({ delay($0.offer, since: reported) }).min()
        else { return [] }
        let seed = try seed(candidates, hash)
        return candidates.map { candidate in
            let score =
                weights.price.ppm * share(lowest, of: price(candidate.offer))
                + weights.arrival.ppm * share(shortest, of: delay(candidate.offer, since: reported))
                + weights.record.ppm * candidate.reputation.ppm
            return Ranked(
                candidate: candidate, score: score, lot: hash(seed.bytes + candidate.bid.keyBytes))
        }.sorted { ($1.score, $0.lot) < ($0.score, $1.lot) }
    }

    /// An offer of nothing counts as one minor unit, so that there is a share of it.
    private static func price(_ offer: Offer) -> Int64 { max(1, offer.price.limit.rawValue) }

    private static func delay(_ offer: Offer, since reported: Timestamp) -> Int64 {
        let hour = Span.hours(1).nanoseconds
        let nanoseconds = (max(offer.earliestArrival, reported) - reported).nanoseconds
        return max(1, nanoseconds / hour + (nanoseconds % hour > 0 ? 1 : 0))
    }

    /// `best / own` in ppm, rounded half up; both positive, best at most own.
    private static func share(_ best: Int64, of own: Int64) -> Int64 {
        Int64((Int128(best) * 1_000_000 + Int128(own) / 2) / Int128(own))
    }

    private static func seed(
        _ candidates: [Candidate], _ hash: HashFunction
    ) throws(CodecError) -> Digest {
        var digests: [Digest] = []
        for candidate in candidates {
            digests.append(hash(candidate.bid.keyBytes + (try CBOR.encode(candidate.offer))))
        }
        return hash(digests.sorted().flatMap(\.bytes))
    }
}

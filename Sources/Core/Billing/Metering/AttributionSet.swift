import Codec

/// What the parties agree about who stopped the machine, frozen for one invoice.
package struct AttributionSet: Hashable, Codable, Sendable {
    /// Sorted and disjoint.
    package let agreed: [AttributedInterval]

    package static let empty = AttributionSet(sorted: [])

    private init(sorted: [AttributedInterval]) { agreed = sorted }

    /// - Throws: `billing.invalid_interval` where an interval is empty, out of range, or overlaps its
    ///   neighbour.
    package init(_ agreed: [AttributedInterval]) throws(BillingError) {
        let sorted = agreed.sorted { $0.interval.from < $1.interval.from }
        guard sorted.allSatisfy(\.interval.isValid),
            zip(sorted, sorted.dropFirst()).allSatisfy({ $0.interval.to <= $1.interval.from })
        else { throw BillingError(.invalidInterval) }
        self.agreed = sorted
    }

    private enum CodingKeys: CodingKey { case agreed }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(container.decode([AttributedInterval].self, forKey: .agreed))
    }

    /// The SHA-256 of the set's deterministic CBOR.
    /// - Throws: `cbor.*`.
    package func digest(with hash: HashFunction) throws(CodecError) -> Digest {
        hash(try CBOR.encode(self))
    }

    /// A stoppage, or the part of one, with its attribution.
    package struct Resolved: Hashable, Sendable {
        package var interval: Interval
        package var state: MachineState
        package var attribution: Attribution

        /// Neither up nor down: nothing is known, and nobody has said what it was.
        var isOpen: Bool {
            state == .unknown && (attribution == .dataGap || attribution == .undetermined)
        }
    }

    /// Splits stoppages at the bounds of what is agreed; the rest takes the default.
    /// - Parameters:
    ///   - stoppages: by time, disjoint.
    ///   - downtime: for time that the machine was down.
    ///   - gap: for time that nothing is known about.
    package func resolve(
        _ stoppages: [Usage.Stoppage], downtime: Attribution, gap: Attribution
    ) -> [Resolved] {
        var result: [Resolved] = []
        var first = 0
        for stoppage in stoppages {
            let fallback = stoppage.state == .unknown ? gap : downtime
            var from = stoppage.interval.from
            while first < agreed.count, agreed[first].interval.to <= from { first += 1 }
            var index = first
            while index < agreed.count, let common = agreed[index].interval.intersection(stoppage.interval) {
                if from < common.from {
                    let open = Interval(from: from, to: common.from)
                    result.append(Resolved(interval: open, state: stoppage.state, attribution: fallback))
                }
                let attribution = agreed[index].attribution
                result.append(Resolved(interval: common, state: stoppage.state, attribution: attribution))
                from = common.to
                index += 1
            }
            if from < stoppage.interval.to {
                let rest = Interval(from: from, to: stoppage.interval.to)
                result.append(Resolved(interval: rest, state: stoppage.state, attribution: fallback))
            }
        }
        return result
    }
}

/// A stretch of time as seller and buyer have spoken about it: within it neither changes its word.
package struct JointWord: Hashable, Sendable {
    package var interval: Interval
    /// Nil where the party is silent.
    package var seller: Attribution?
    package var buyer: Attribution?

    package init(_ interval: Interval, seller: Attribution?, buyer: Attribution?) {
        (self.interval, self.seller, self.buyer) = (interval, seller, buyer)
    }

    /// What both say; nil where they differ or one is silent, so that the terms' defaults hold.
    package var agreed: Attribution? { seller == buyer ? seller : nil }

    /// Both parties' words on a stretch of time, side by side: cut where either of them begins or ends one,
    /// joined where nothing changes, without what nobody speaks about.
    /// - Throws: `billing.invalid_interval` where one party's words overlap, are empty or out of range.
    package static func all(
        seller: [AttributedInterval], buyer: [AttributedInterval], within span: Interval
    ) throws(BillingError) -> [JointWord] {
        let sellers = try AttributionSet(seller).agreed
        let buyers = try AttributionSet(buyer).agreed
        let cuts = (sellers + buyers).compactMap { $0.interval.intersection(span) }
            .flatMap { [$0.from, $0.to] }.sorted()
        var result: [JointWord] = []
        var (i, j) = (0, 0)
        for (from, to) in zip(cuts, cuts.dropFirst()) where from < to {
            let word = JointWord(
                Interval(from: from, to: to), seller: word(of: sellers, &i, at: from),
                buyer: word(of: buyers, &j, at: from))
            if word.seller == nil && word.buyer == nil { continue }
            if let last = result.last, last.interval.to == from, last.seller == word.seller,
                last.buyer == word.buyer
            {
                result[result.count - 1].interval.to = to
            } else {
                result.append(word)
            }
        }
        return result
    }

    /// What is said at an instant.
    /// - Parameter index: of the first word that ends after the instant before.
    private static func word(
        of words: [AttributedInterval], _ index: inout Int, at time: Int64
    ) -> Attribution? {
        while index < words.count, words[index].interval.to <= time { index += 1 }
        guard index < words.count, words[index].interval.contains(time) else { return nil }
        return words[index].attribution
    }
}

extension AttributionSet {
    /// What two parties have put down to the same cause within a stretch of time.
    ///
    /// What only one has spoken about is not in it, nor what they differ on: there the terms' defaults hold,
    /// that for downtime or that for time without data.
    /// - Throws: `billing.invalid_interval` where one party's words overlap, are empty or out of range.
    package static func jointly(
        seller: [AttributedInterval], buyer: [AttributedInterval], within span: Interval
    ) throws(BillingError) -> AttributionSet {
        var agreed: [AttributedInterval] = []
        for word in try JointWord.all(seller: seller, buyer: buyer, within: span) {
            if let cause = word.agreed { agreed.append(AttributedInterval(word.interval, cause)) }
        }
        return try AttributionSet(agreed)
    }
}

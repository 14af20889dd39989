import Billing
import Codec
import Ledger

/// Attribution of intervals, said by both parties before the period is invoiced.
///
/// What is over can be classified until the window after the end of its billing interval closes, or until
/// both parties have nothing more to say on it. Each party says what it has to say, whatever the other has
/// said before: where both say the same, that holds; where they differ or one is silent, the agreed default
/// does. What both have said of one and the same interval stays. The billing interval is invoiced after that,
/// and not before: whoever writes the invoice cannot take the word from the other. A word lies within one
/// billing interval and the deadline counts from its end, so that nobody can hold an invoice up by speaking
/// late, again, or across the end.
extension AgreementContract {
    static func classify(_ body: Classify, _ context: Context) throws(Rejection) {
        let agreement = try context.existing(AgreementRecord.self, body.agreement)
        let member = try context.requireParty(oneOf: [agreement.oem, agreement.customer]).id
        let party: ClassificationRecord.Party = member == agreement.oem ? .oem : .customer
        let interval = body.interval
        try context.require(
            interval.isValid, else: "agreement.interval_invalid", "the interval is empty or out of range")
        try context.require(
            Timestamp(milliseconds: interval.to) <= context.time, else: "agreement.interval_not_over",
            "what is classified is over")
        let billed = try requireOpen(interval, of: agreement, context)
        let id = ClassificationRecord.ID(agreement: agreement.id, party: party, until: interval.to)
        let existing = try word(of: party, on: interval, in: agreement.id, context)
        let other = try context.get(ClassificationRecord.self, id.answered)
        try context.require(
            existing.map { !$0.agrees(with: other) } ?? true, else: "agreement.already_classified",
            "both parties have said the same of the interval")
        let countID = ClassificationCount.ID(agreement: agreement.id, until: billed.to)
        var count =
            try context.get(ClassificationCount.self, countID) ?? ClassificationCount(id: countID)
        guard let attribution = body.attribution else {
            try context.require(
                existing != nil, else: "agreement.nothing_said", "there is no word to take back")
            try context.delete(ClassificationRecord.self, id)
            count[party] = max(0, count[party] - 1)
            try context.put(count)
            context.emit("classificationTakenBack", id)
            return
        }
        if existing == nil {
            try context.require(
                count[party] < ClassificationCount.maximum, else: "agreement.too_many_classifications",
                "a party has said all that it may on this billing interval")
            count[party] += 1
            try context.put(count)
        }
        let word = ClassificationRecord(
            id: id, from: interval.from, attribution: attribution, said: context.time)
        try context.put(word)
        context.emit(word.agrees(with: other) ? "classified" : "classificationSaid", id)
    }

    /// The party's word on exactly this interval; nil where it has said nothing about any of it.
    ///
    /// One party's words do not overlap, so the first that ends after the interval's beginning is the only
    /// one to look at.
    /// - Throws: `agreement.interval_overlaps`.
    private static func word(
        of party: ClassificationRecord.Party, on interval: Interval, in agreement: AgreementID,
        _ context: Context
    ) throws(Rejection) -> ClassificationRecord? {
        let next = try context.records(
            ClassificationRecord.self, keysBeginWith: ClassificationRecord.prefix(of: agreement, party),
            from: ClassificationRecord.key(after: interval.from, of: agreement, party), limit: 1
        ).first
        guard let next, next.interval.intersection(interval) != nil else { return nil }
        try context.require(
            next.interval == interval, else: "agreement.interval_overlaps",
            "the interval overlaps the party's own from \(next.from) to \(next.id.until) ms since 1970")
        return next
    }

    // MARK: The window

    /// The billing interval that an interval lies in, where it can still be classified.
    /// - Throws: `agreement.no_terms`, `agreement.crosses_period`, `agreement.classification_closed`,
    ///   `agreement.period_billed`.
    private static func requireOpen(
        _ interval: Interval, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) -> Interval {
        guard let (billed, terms) = try billingInterval(at: interval.from, of: agreement, context) else {
            throw Rejection("agreement.no_terms", "no terms are in force when the interval begins")
        }
        try context.require(
            interval.to <= billed.to, else: "agreement.crosses_period",
            "a billing interval ends within it, at \(billed.to) ms since 1970")
        try context.require(
            context.time < closes(billed, under: terms) && interval.from >= agreement.concluded ?? .min,
            else: "agreement.classification_closed", "the window for classifying the interval has closed")
        try context.require(
            !agreement.billed.contains { $0.intersection(interval) != nil }, else: "agreement.period_billed",
            "the interval is invoiced")
        return billed
    }

    /// When the window for classifying a billing interval's downtime closes.
    static func closes(_ billed: Interval, under terms: TermsRecord) -> Timestamp {
        Timestamp(milliseconds: billed.to) + terms.terms.classificationWindow
    }

    /// A party has nothing more to say. Once both have said so, nothing more is said, and the interval can
    /// be invoiced. Until then either can still answer the other.
    static func concludeClassification(
        _ body: ConcludeClassification, _ context: Context
    ) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        let member = try context.requireParty(oneOf: [agreement.oem, agreement.customer]).id
        let billed =
            body.until > 0 ? try billingInterval(at: body.until - 1, of: agreement, context) : nil
        try context.require(
            billed?.interval.to == body.until,
            else: "agreement.no_period_end", "no billing interval ends at that time")
        try context.require(
            Timestamp(milliseconds: body.until) <= context.time, else: "agreement.period_not_over",
            "the period is not over")
        let said = member == agreement.oem ? agreement.oemConcluded : agreement.customerConcluded
        try context.require(
            said ?? .min < body.until, else: "agreement.already_concluded", "the member has said so already")
        if member == agreement.oem { agreement.oemConcluded = body.until }
        if member == agreement.customer { agreement.customerConcluded = body.until }
        try context.put(agreement)
        context.emit("classificationConcluded", agreement.id)
    }
}

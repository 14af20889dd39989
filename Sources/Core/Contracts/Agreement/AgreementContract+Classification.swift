import Billing
import Codec
import Ledger

/// Attribution of intervals, said by both parties before the period is invoiced.
///
/// Downtime can be classified until the window after the end of its billing period closes, or until both
/// parties have nothing more to say on it; then the agreed default takes effect where only one has spoken.
/// The period is invoiced after that, and not before: whoever writes the invoice cannot take the word from
/// the other. An interval lies within one period and the deadline counts from the period's end, so that
/// nobody can hold an invoice up by speaking late, again, or across the end.
extension AgreementContract {
    static func classify(_ body: Classify, _ context: Context) throws(Rejection) {
        let agreement = try context.existing(AgreementRecord.self, body.agreement)
        try context.requireParty(oneOf: [agreement.oem, agreement.customer])
        let interval = body.interval
        try context.require(
            interval.isValid && interval.milliseconds <= ClassificationRecord.maximumMilliseconds,
            else: "agreement.interval_invalid", "an interval is not empty and at most 31 days long")
        let (_, deadline) = try requireWithinPeriod(interval, of: agreement, context)
        let id = ClassificationRecord.ID(agreement: agreement.id, interval: interval)
        let existing = try context.get(ClassificationRecord.self, id)
        try context.require(
            existing?.decision == nil, else: "agreement.already_classified", "the interval is classified")
        try context.require(
            context.time < existing?.deadline ?? deadline && interval.from >= agreement.concluded ?? .min,
            else: "agreement.classification_closed", "the window for classifying the interval has closed")
        try context.require(
            !agreement.billed.contains { $0.intersection(interval) != nil }, else: "agreement.period_billed",
            "the interval is invoiced")
        var record = existing ?? ClassificationRecord(id: id, deadline: deadline)
        if existing == nil { try requireRoom(for: id, context) }
        if try context.signer.member == agreement.oem {
            record.oemSays = body.attribution
        } else {
            record.customerSays = body.attribution
        }
        try save(record, wasNew: existing == nil, context)
    }

    private static func save(
        _ record: ClassificationRecord, wasNew: Bool, _ context: Context
    ) throws(Rejection) {
        var record = record
        if record.oemSays == nil && record.customerSays == nil {
            try context.require(!wasNew, else: "agreement.nothing_said", "there is no word to take back")
            try context.cancel(
                Deadline.classification.rawValue, at: record.deadline, subject: record.id.keyBytes)
            try context.delete(ClassificationRecord.self, record.id)
            context.emit("classificationTakenBack", record.id)
            return
        }
        if let attribution = record.oemSays, attribution == record.customerSays {
            record.decision = .init(attribution: attribution, origin: .parties, time: context.time)
            try context.cancel(
                Deadline.classification.rawValue, at: record.deadline, subject: record.id.keyBytes)
        } else if wasNew {
            try context.schedule(
                Deadline.classification.rawValue, at: record.deadline, subject: record.id.keyBytes)
        }
        try context.put(record)
        context.emit(record.decision == nil ? "classificationSaid" : "classified", record.id)
    }

    static func decideByDefault(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = ClassificationRecord.ID(keyBytes: subject),
            var record = try context.get(ClassificationRecord.self, id), record.decision == nil,
            let agreement = try context.get(AgreementRecord.self, id.agreement)
        else { return }
        try decideByDefault(&record, of: agreement, context)
    }

    private static func decideByDefault(
        _ record: inout ClassificationRecord, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) {
        let version = agreement.billingInterval(at: record.id.interval.from)?.version
        guard let terms = version?.terms ?? agreement.versions.last?.terms else { return }
        record.decision = .init(
            attribution: terms.defaultAttribution, origin: .agreedDefault, time: context.time)
        try context.put(record)
        context.emit("classified", record.id)
    }

    // MARK: The window

    /// The version of the terms that an interval falls under, and when its period's window closes.
    /// - Throws: `agreement.no_terms`, `agreement.crosses_period`.
    static func requireWithinPeriod(
        _ interval: Interval, of agreement: AgreementRecord, _ context: Context
    ) throws(Rejection) -> (version: AgreementRecord.Version, closes: Timestamp) {
        guard let (billed, version) = agreement.billingInterval(at: interval.from) else {
            throw Rejection("agreement.no_terms", "no terms are in force when the interval begins")
        }
        try context.require(
            interval.to <= billed.to, else: "agreement.crosses_period",
            "a billing interval ends within it, at \(billed.to) ms since 1970")
        return (version, closes(billed, under: version))
    }

    /// When the window for classifying a billing interval's downtime closes.
    static func closes(_ billed: Interval, under version: AgreementRecord.Version) -> Timestamp {
        Timestamp(milliseconds: billed.to) + version.terms.classificationWindow
    }

    /// A party has nothing more to say. Once both have said so, what only one of them has classified takes
    /// the default at once. Until then either can still answer the other.
    static func concludeClassification(
        _ body: ConcludeClassification, _ context: Context
    ) throws(Rejection) {
        var agreement = try context.existing(AgreementRecord.self, body.agreement)
        let member = try context.requireParty(oneOf: [agreement.oem, agreement.customer]).id
        try context.require(
            0 < body.until && agreement.billingInterval(at: body.until - 1)?.interval.to == body.until,
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
        guard let concluded = agreement.concluded else { return }
        let open = try context.records(
            ClassificationRecord.self, where: "open", equals: agreement.id.keyBytes, limit: maximumOpen)
        for var record in open where record.id.interval.from < concluded {
            try context.cancel(
                Deadline.classification.rawValue, at: record.deadline, subject: record.id.keyBytes)
            try decideByDefault(&record, of: agreement, context)
        }
    }

    /// The classifications of an agreement that overlap an interval, by time.
    package static func classifications(
        of agreement: AgreementID, overlapping interval: Interval, in context: Context
    ) throws(Rejection) -> [ClassificationRecord] {
        let week = ClassificationRecord.weekMilliseconds
        var found: [ClassificationRecord] = []
        var index = max(0, interval.from - ClassificationRecord.maximumMilliseconds) / week
        while index <= interval.to / week {
            found += try context.records(
                ClassificationRecord.self, where: "week",
                equals: ClassificationRecord.weekKey(agreement, week: index))
            index += 1
        }
        return found.filter { $0.id.interval.intersection(interval) != nil }
    }

    /// Whether a period waits for a party's word or the default.
    static func hasOpenClassification(
        _ agreement: AgreementID, in period: Interval, _ context: Context
    ) throws(Rejection) -> Bool {
        try context.records(
            ClassificationRecord.self, where: "open", equals: agreement.keyBytes, limit: maximumOpen
        ).contains { $0.id.interval.intersection(period) != nil }
    }

    /// The most intervals of one agreement that wait for a decision.
    static let maximumOpen = 500

    private static func requireRoom(
        for id: ClassificationRecord.ID, _ context: Context
    ) throws(Rejection) {
        let open = try context.records(
            ClassificationRecord.self, where: "open", equals: id.agreement.keyBytes, limit: maximumOpen)
        let week = try context.records(
            ClassificationRecord.self, where: "week",
            equals: ClassificationRecord.weekKey(
                id.agreement, week: id.interval.from / ClassificationRecord.weekMilliseconds))
        try context.require(
            open.count < maximumOpen && week.count < ClassificationRecord.maximumPerWeek,
            else: "agreement.too_many_classifications", "too many intervals are classified")
        try context.require(
            try classifications(of: id.agreement, overlapping: id.interval, in: context).isEmpty,
            else: "agreement.interval_overlaps", "the interval overlaps one with other ends")
    }
}

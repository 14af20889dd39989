extension Terms {
    /// The billing period that holds an instant. The terms' validity may begin or end within it.
    ///
    /// Local days may have 23 or 25 hours; a period's bounds are the instants at which its first day
    /// and the day after its last begin.
    /// - Throws: `billing.time_out_of_range`; `billing.wrong_period` for an instant outside a custom
    ///   period.
    package func period(containing time: Int64) throws(BillingError) -> Interval {
        let date = try zone.local(atMilliseconds: time).date
        let first: CivilDate
        let next: CivilDate
        switch billingPeriod {
        case .calendarMonth:
            first = try date.adding(days: Int64(1 - date.components.day))
            let (year, month, _) = first.components
            next = try first.adding(days: Int64(CivilDate.days(inMonth: month, of: year)))
        case .calendarWeek:
            first = try date.adding(days: Int64(1 - date.weekday))
            next = try first.adding(days: 7)
        case .day:
            first = date
            next = try date.adding(days: 1)
        case .custom(let from, let to):
            guard Interval(from: from, to: to).contains(time) else { throw BillingError(.wrongPeriod) }
            return Interval(from: from, to: to)
        }
        return Interval(from: try zone.milliseconds(of: first), to: try zone.milliseconds(of: next))
    }

    /// The stretch of time that one invoice bills: the billing period that holds an instant, cut to the
    /// terms' validity and to where other terms follow them.
    /// - Parameters:
    ///   - time: milliseconds since 1970 UTC; also one of the period in which the terms are not in force.
    ///   - next: where the terms that follow begin; nil where none do.
    /// - Throws: `billing.wrong_period` where these terms are not in force in the period;
    ///   `billing.time_out_of_range`.
    package func billingInterval(
        containing time: Int64, before next: Int64? = nil
    ) throws(BillingError) -> Interval {
        let valid = Interval(from: validity.from, to: min(validity.to, next ?? validity.to))
        guard let interval = try period(containing: time).intersection(valid) else {
            throw BillingError(.wrongPeriod, "the terms are not in force in that period")
        }
        return interval
    }

    /// A billing period that terms begin or end within, so that it is billed in part.
    package struct PartialPeriod: Hashable, Sendable {
        package let begins, ends: Bool
        /// Local days that the terms are in force, and those of the whole period.
        package let days, all: Int64

        package init(begins: Bool, ends: Bool, days: Int64, all: Int64) {
            (self.begins, self.ends, self.days, self.all) = (begins, ends, days, all)
        }
    }

    /// The periods that the terms begin or end within, in order: none to two, where fees and minimums, and
    /// tiers and the cap by later rules, are prorated. Other terms that follow may cut more.
    /// - Throws: `billing.time_out_of_range`, `billing.invalid_interval`.
    package func partialPeriods() throws(BillingError) -> [PartialPeriod] {
        guard validity.isValid else { throw BillingError(.invalidInterval) }
        var found: [PartialPeriod] = []
        var before: Interval?
        for time in [validity.from, validity.to - 1] {
            if case .custom(let from, let to) = billingPeriod, !Interval(from: from, to: to).contains(time) {
                continue
            }
            let whole = try period(containing: time)
            guard whole != before else { continue }
            before = whole
            let (begins, ends) = (whole.from < validity.from, validity.to < whole.to)
            guard begins || ends else { continue }
            let days = try days(touchedBy: [try billingInterval(containing: time)], of: whole)
            found.append(PartialPeriod(begins: begins, ends: ends, days: days.touched, all: days.all))
        }
        return found
    }

    /// The most periods that terms may have: two years of days, 66 of months.
    package static let maximumPeriods = 800

    /// Where billing periods end within the validity, in ms since 1970 UTC, rising. Together with the
    /// validity's own bounds they say of any two instants whether one invoice covers them.
    /// - Throws: `billing.time_out_of_range`; `billing.too_many` for more than `maximumPeriods`.
    package func periodEnds() throws(BillingError) -> [Int64] {
        if case .custom(let from, let to) = billingPeriod {
            return [from, to].filter { validity.from < $0 && $0 <= validity.to }
        }
        var ends: [Int64] = []
        var time = validity.from
        while time < validity.to {
            let end = try period(containing: time).to
            guard end <= validity.to else { break }
            guard time < end, ends.count < Terms.maximumPeriods else {
                throw BillingError(.tooMany, "terms have at most \(Terms.maximumPeriods) periods")
            }
            ends.append(end)
            time = end
        }
        return ends
    }

    /// The time within a period that is billed: the terms are valid and the machine is in service.
    package func billedTime(in period: Interval, inService: [Interval]) -> [Interval] {
        guard let valid = period.intersection(validity) else { return [] }
        return IntervalSet.intersection([valid], IntervalSet.normalized(inService))
    }

    /// How many local days of a period the intervals touch, and how many it has. A day begun counts
    /// whole.
    /// - Parameter intervals: sorted, disjoint, within the period.
    /// - Throws: `billing.time_out_of_range`, `billing.invalid_interval`.
    package func days(
        touchedBy intervals: [Interval], of period: Interval
    ) throws(BillingError) -> (touched: Int64, all: Int64) {
        guard period.isValid, intervals.allSatisfy(\.isValid) else { throw BillingError(.invalidInterval) }
        let firstOfAll = try zone.local(atMilliseconds: period.from).date.daysSinceEpoch
        let lastOfAll = try zone.local(atMilliseconds: period.to - 1).date.daysSinceEpoch
        var touched: Int64 = 0
        var counted = firstOfAll - 1
        for interval in intervals {
            let first = try zone.local(atMilliseconds: interval.from).date.daysSinceEpoch
            let last = try zone.local(atMilliseconds: interval.to - 1).date.daysSinceEpoch
            touched += max(0, last - max(first, counted + 1) + 1)
            counted = max(counted, last)
        }
        return (touched, lastOfAll - firstOfAll + 1)
    }

    /// Monday to Friday, except the terms' holidays.
    package func isBusinessDay(_ date: CivilDate) -> Bool {
        date.weekday < 6 && !holidays.contains(date)
    }

    /// The instant at which the dispute window closes: the end of the last of its business days, the
    /// first of which is the one after the day of issue.
    /// - Throws: `billing.time_out_of_range`.
    package func disputeWindowEnd(issuedAt time: Int64) throws(BillingError) -> Int64 {
        var date = try zone.local(atMilliseconds: time).date
        var left = disputeWindowBusinessDays
        while left > 0 {
            date = try date.adding(days: 1)
            if isBusinessDay(date) { left -= 1 }
        }
        return try zone.milliseconds(of: try date.adding(days: 1))
    }

    /// - Throws: `billing.time_out_of_range`.
    package func dueDate(issued date: CivilDate) throws(BillingError) -> CivilDate {
        try date.adding(days: Int64(paymentDays))
    }

    /// The agreed service time within a list of intervals, before anything is excluded.
    /// - Throws: `billing.time_out_of_range`.
    func serviceTime(
        _ agreed: ServiceLevel.ServiceTime, within billed: [Interval]
    ) throws(BillingError) -> [Interval] {
        guard case .weekly(let hours) = agreed else { return billed }
        guard let from = billed.first?.from, let to = billed.last?.to, from < to else { return [] }
        var scheduled: [Interval] = []
        var date = try zone.local(atMilliseconds: from).date
        let last = try zone.local(atMilliseconds: to - 1).date
        while date <= last {
            if !holidays.contains(date) {
                for entry in hours where entry.weekday == date.weekday {
                    let begins = try zone.milliseconds(of: date, at: Int64(entry.fromMinutes) * 60_000)
                    let ends = try zone.milliseconds(of: date, at: Int64(entry.toMinutes) * 60_000)
                    scheduled.append(Interval(from: begins, to: ends))
                }
            }
            date = try date.adding(days: 1)
        }
        return IntervalSet.intersection(IntervalSet.normalized(scheduled), billed)
    }
}

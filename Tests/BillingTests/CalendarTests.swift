import Billing
import Testing

@Suite struct CalendarTests {
    @Test func countsEveryDayOfFourCenturiesInOrder() throws {
        var (year, month, day) = (1970, 1, 1)
        for number in 0..<Int64(146_097) {
            let date = try #require(CivilDate(daysSinceEpoch: number))
            let parts = date.components
            guard parts == (year, month, day), CivilDate(year: year, month: month, day: day) == date,
                date.weekday == Int((number + 3) % 7) + 1
            else {
                Issue.record("\(number) is \(parts), not \(year)-\(month)-\(day)")
                return
            }
            day += 1
            if day > CivilDate.days(inMonth: month, of: year) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    @Test(arguments: [
        "2025-02-29", "2025-13-01", "2025-00-10", "2025-1-1", "1969-12-31", "2025-04-31", "10000-01-01",
        "2025/01/01", "", "２025-01-01", "+025-01-01",
    ])
    func refusesDaysThatAreNone(text: String) {
        #expect(CivilDate(rawValue: text) == nil)
    }

    @Test func readsWhatItWrites() {
        for text in ["1970-01-01", "2024-02-29", "2025-03-30", "9999-12-31"] {
            #expect(CivilDate(rawValue: text)?.description == text)
        }
        #expect(Sample.date("9999-12-31").daysSinceEpoch == CivilDate.lastDay)
        #expect(BillingError.code { _ = try Sample.date("9999-12-31").adding(days: 1) } == .timeOutOfRange)
        #expect(BillingError.code { _ = try Sample.date("2025-01-01").adding(days: .max) } == .timeOutOfRange)
    }

    @Test func monthsWithAClockChangeAreAnHourShorterOrLonger() throws {
        let terms = Sample.terms()
        let march = try terms.period(containing: Sample.berlin("2025-03-15"))
        #expect(march == Sample.march)
        // 2025-02-28T23:00Z to 2025-03-31T22:00Z.
        #expect(march == Interval(from: 1_740_783_600_000, to: 1_743_458_400_000))
        #expect(march.milliseconds == (31 * 24 - 1) * Sample.hour)
        let october = try terms.period(containing: Sample.berlin("2025-10-31", hours: 23))
        #expect(october.milliseconds == (31 * 24 + 1) * Sample.hour)
    }

    @Test func periodsEndWithinTheValidity() throws {
        var terms = Sample.terms()
        terms.validity = Interval(from: Sample.berlin("2025-01-15"), to: Sample.berlin("2025-04-10"))
        #expect(
            try terms.periodEnds()
                == ["2025-02-01", "2025-03-01", "2025-04-01"].map { Sample.berlin($0) })
        terms.validity.to = Sample.berlin("2025-05-01")
        #expect(try terms.periodEnds().last == terms.validity.to)
        terms.billingPeriod = .custom(from: Sample.berlin("2025-02-01"), to: terms.validity.to + 1)
        #expect(try terms.periodEnds() == [Sample.berlin("2025-02-01")])
        terms.billingPeriod = .day
        terms.validity = Interval(from: Sample.berlin("2025-01-01"), to: Sample.berlin("2027-03-12"))
        #expect(try terms.periodEnds().count == 800)
        terms.validity.to = Sample.berlin("2027-03-13")
        #expect(BillingError.code { _ = try terms.periodEnds() } == .tooMany)
    }

    @Test func aBillingIntervalIsWhatTheTermsHaveOfAPeriod() throws {
        var terms = Sample.terms()
        terms.validity = Interval(from: Sample.berlin("2025-01-15"), to: Sample.berlin("2025-04-10"))
        func interval(_ day: String, before next: String? = nil) throws -> Interval {
            try terms.billingInterval(
                containing: Sample.berlin(day), before: next.map { Sample.berlin($0) })
        }
        let january = Interval(from: terms.validity.from, to: Sample.berlin("2025-02-01"))
        // Also by a moment of the month before the terms begin.
        for day in ["2025-01-01", "2025-01-15", "2025-01-31"] { #expect(try interval(day) == january) }
        #expect(try interval("2025-03-31") == Sample.march)
        #expect(try interval("2025-04-30").to == terms.validity.to)
        #expect(try interval("2025-03-31", before: "2025-03-10").to == Sample.berlin("2025-03-10"))
        #expect(try interval("2025-03-31", before: "2025-05-10") == Sample.march)
        for (day, next) in [("2024-12-31", nil), ("2025-05-01", nil), ("2025-03-31", "2025-03-01")]
            as [(String, String?)]
        {
            #expect(BillingError.code { _ = try interval(day, before: next) } == .wrongPeriod)
        }
    }

    @Test func daysHave23Or25Hours() throws {
        var terms = Sample.terms()
        terms.billingPeriod = .day
        let short = try terms.period(containing: Sample.berlin("2025-03-30", hours: 12))
        #expect(short.milliseconds == 23 * Sample.hour)
        #expect(try terms.period(containing: short.to - 1) == short)
        #expect(try terms.period(containing: short.to).from == short.to)
        let long = try terms.period(containing: Sample.berlin("2025-10-26", hours: 24))
        #expect(long.milliseconds == 25 * Sample.hour)
    }

    @Test func weeksBeginOnMonday() throws {
        var terms = Sample.terms()
        terms.billingPeriod = .calendarWeek
        let week = try terms.period(containing: Sample.berlin("2025-03-30", hours: 22))
        #expect(week == Interval(from: Sample.berlin("2025-03-24"), to: Sample.berlin("2025-03-31")))
        #expect(week.milliseconds == (7 * 24 - 1) * Sample.hour)
    }

    @Test func aCustomPeriodHoldsOnlyItsOwnInstants() throws {
        var terms = Sample.terms()
        terms.billingPeriod = .custom(from: 1000, to: 2000)
        #expect(try terms.period(containing: 1999) == Interval(from: 1000, to: 2000))
        #expect(BillingError.code { _ = try terms.period(containing: 2000) } == .wrongPeriod)
    }

    @Test func localTimesThatAreSkippedOrDoubledHaveOneInstant() throws {
        let zone = Sample.berlin
        let spring = Sample.date("2025-03-30")
        let fall = Sample.date("2025-10-26")
        // 02:30 does not exist on 30 March: the change at 01:00Z stands for it.
        #expect(try zone.milliseconds(of: spring, at: 150 * Sample.minute) == 1_743_296_400_000)
        #expect(try zone.milliseconds(of: spring, at: 180 * Sample.minute) == 1_743_296_400_000)
        #expect(try zone.milliseconds(of: spring, at: 119 * Sample.minute) == 1_743_296_340_000)
        // 02:30 exists twice on 26 October: the first is at 00:30Z.
        #expect(try zone.milliseconds(of: fall, at: 150 * Sample.minute) == 1_761_438_600_000)
        #expect(try zone.milliseconds(of: fall, at: 180 * Sample.minute) == 1_761_444_000_000)
        #expect(zone.offsetSeconds(atMilliseconds: 1_743_296_399_999) == 3600)
        #expect(zone.offsetSeconds(atMilliseconds: 1_743_296_400_000) == 7200)
    }

    @Test func aMidnightThatIsSkippedBeginsTheDayAtTheChange() throws {
        // Clocks go from 00:00 to 01:00, as in Beirut.
        let change: Int64 = 1_743_292_800
        let zone = ZoneRules(
            name: "Test/Midnight", tzdataVersion: "x", initialOffsetSeconds: -change.asOffset,
            transitions: [.init(at: change, offsetSeconds: 3600 - change.asOffset)])
        let date = try zone.local(atMilliseconds: change * 1000).date
        #expect(try zone.milliseconds(of: date) == change * 1000)
        #expect(try zone.local(atMilliseconds: change * 1000 - 1).date < date)
    }

    @Test func zonesWithDisorderAreInvalid() {
        var zone = Sample.berlin
        #expect(zone.isValid)
        zone.transitions.reverse()
        #expect(!zone.isValid)
        zone.transitions = [.init(at: 5, offsetSeconds: 86_401)]
        #expect(!zone.isValid)
        zone.transitions = [.init(at: 5, offsetSeconds: 0), .init(at: 5, offsetSeconds: 1)]
        #expect(!zone.isValid)
        zone.initialOffsetSeconds = .min
        #expect(!zone.isValid)
        #expect(BillingError.code { _ = try Sample.berlin.local(atMilliseconds: -1) } == .timeOutOfRange)
        #expect(BillingError.code { _ = try Sample.berlin.local(atMilliseconds: .max) } == .timeOutOfRange)
    }

    @Test func aDayBegunCountsWholeAndOnce() throws {
        let terms = Sample.terms()
        let march = Sample.march
        func days(_ intervals: [Interval]) throws -> Int64 {
            let days = try terms.days(touchedBy: intervals, of: march)
            #expect(days.all == 31)
            return days.touched
        }
        #expect(try days([march]) == 31)
        #expect(try days([]) == 0)
        #expect(try days([Interval(from: march.to - 1, to: march.to)]) == 1)
        let tenth = Sample.berlin("2025-03-10")
        #expect(try days([Interval(from: march.from, to: tenth)]) == 9)
        #expect(try days([Interval(from: march.from, to: tenth + 1)]) == 10)
        let twice = [Interval(from: tenth, to: tenth + 5), Interval(from: tenth + 9, to: tenth + 10)]
        #expect(try days(twice) == 1)
    }

    @Test func theDisputeWindowSkipsWeekendsAndHolidays() throws {
        let terms = Sample.terms()
        // Issued Wednesday 9 April: 10, 11, 14–17, (18 and 21 are holidays) 22–25 April.
        let end = try terms.disputeWindowEnd(issuedAt: Sample.berlin("2025-04-09", hours: 15))
        #expect(end == Sample.berlin("2025-04-26"))
        var none = terms
        none.disputeWindowBusinessDays = 0
        let sameDay = try none.disputeWindowEnd(issuedAt: Sample.berlin("2025-04-09", hours: 15))
        #expect(sameDay == Sample.berlin("2025-04-10"))
    }
}

extension Int64 {
    /// Seconds since midnight UTC.
    fileprivate var asOffset: Int { Int(self % 86_400) }
}

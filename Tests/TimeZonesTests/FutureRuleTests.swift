import Testing

@testable import TimeZones

@Suite struct FutureRuleTests {
    private func rule(_ text: String) throws -> FutureRule {
        try #require(FutureRule(parsing: Array(text.utf8)))
    }

    private func changes(_ text: String, _ year: Int) throws -> [Int64] {
        try rule(text).transitions(from: utc(year, 1, 1), to: utc(year + 1, 1, 1)).map(\.at)
    }

    @Test func namesAndSignsRead() throws {
        #expect(try rule("UTC0").offset(at: 0) == 0)
        #expect(try rule("<+0545>-5:45").offset(at: 0) == 20_700)
        #expect(try rule("<-0930>+9:30").offset(at: 0) == -34_200)
        #expect(try rule("LMT-0:53:28").offset(at: 0) == 3208)
    }

    @Test func daysWithoutLeapDaySkipIt() throws {
        let text = "AAA0BBB,J59/0,J60/0"
        #expect(try changes(text, 2027) == [utc(2027, 2, 28), utc(2027, 2, 28, 23)])
        #expect(try changes(text, 2028) == [utc(2028, 2, 28), utc(2028, 2, 29, 23)])
    }

    @Test func daysOfTheYearCountTheLeapDay() throws {
        let text = "AAA0BBB,59/0,60/0"
        #expect(try changes(text, 2027) == [utc(2027, 3, 1), utc(2027, 3, 1, 23)])
        #expect(try changes(text, 2028) == [utc(2028, 2, 29), utc(2028, 2, 29, 23)])
    }

    @Test func hoursRangeOverAWeek() throws {
        // Godthab's rule: an hour before the last Sunday begins, which is a Saturday.
        #expect(
            try changes("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026) == [
                utc(2026, 3, 29, 1), utc(2026, 10, 25, 1),
            ])
        // Gaza's: the Saturday after the fourth Thursday.
        #expect(
            try changes("EET-2EEST,M3.4.4/50,M10.4.4/50", 2026) == [
                utc(2026, 3, 28, 0), utc(2026, 10, 23, 23),
            ])
    }

    /// RFC 9636 §3.3.1: daylight time all year, so that nothing ever changes.
    @Test func permanentDaylightTimeNeverChanges() throws {
        let rule = try rule("EST5EDT,0/0,J365/25")
        for time in stride(from: try utc(2026, 1, 1), to: try utc(2029, 1, 2), by: 1800) {
            #expect(rule.offset(at: time) == -14_400)
        }
    }

    @Test func instantsFarAwayReduceToThePeriod() throws {
        let rule = try rule("CET-1CEST,M3.5.0,M10.5.0/3")
        let period: Int64 = 146_097 * 86_400
        for time in [try utc(2026, 1, 15), try utc(2026, 7, 15)] {
            for periods: Int64 in [-700_000_000, -5, -1, 1, 5, 700_000_000] {
                #expect(rule.offset(at: time + periods * period) == rule.offset(at: time))
            }
        }
        for time in [Int64.min, .min + 1, .max] { #expect([3600, 7200].contains(rule.offset(at: time))) }
    }

    @Test(arguments: [
        "", "A", "AB", "UT0", "UTC", "UTC25", "UTC0:60", "UTC0:0:60", "UTC0:", "<+1>0", "<+01", "<+01>",
        "UTC0X",
        "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,", "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,J366,J1",
        "CET-1CEST,366,1", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3,", "CET-1CE,1,2",
        "CET-1CEST,99999999999999999999,1", "CET99999999999999999999", "CET--1", "CET+-1",
    ])
    func refusesWhatIsNoRule(_ text: String) {
        #expect(FutureRule(parsing: Array(text.utf8)) == nil)
    }
}

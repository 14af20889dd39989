import Billing
import Testing

@Suite struct ServiceLevelTests {
    /// domain.md: ≥ 98 % +1 %; 96–98 % 0; 94–96 % −4 %; < 94 % −10 %. Each bound, and one ppm beside it.
    @Test(
        arguments: [
            (1_000_000, 10_000), (980_001, 10_000), (980_000, 10_000), (979_999, 0), (960_001, 0),
            (960_000, 0),
            (959_999, -40_000), (940_000, -40_000), (939_999, -100_000), (0, -100_000),
        ] as [(Int64, Int64)])
    func theTypicalTableHoldsAtItsBounds(availability: Int64, adjustment: Int64) throws {
        #expect(try Sample.bonusTable.adjustment(at: Rate(ppm: availability)).ppm == adjustment)
    }

    /// domain.md: for 70 % ≤ A < 98 % the price is multiplied by 100 % − 2·(98 % − A); below nothing is
    /// due.
    @Test(
        arguments: [
            (1_000_000, 0), (980_000, 0), (979_999, -2), (975_000, -10_000), (900_000, -160_000),
            (700_001, -559_998), (700_000, -560_000), (699_999, -1_000_000), (0, -1_000_000),
        ] as [(Int64, Int64)])
    func theRealClauseHoldsAtItsBounds(availability: Int64, adjustment: Int64) throws {
        #expect(try Sample.clause.adjustment(at: Rate(ppm: availability)).ppm == adjustment)
    }

    @Test func theAdjustmentIsItselfCapped() throws {
        var level = Sample.clause
        level.maximumAdjustment = Rate(percent: 15)
        #expect(try level.adjustment(at: Rate(percent: 50)).ppm == -150_000)
        #expect(try level.adjustment(at: Rate(ppm: 905_000)).ppm == -150_000)
        #expect(try level.adjustment(at: Rate(ppm: 905_001)).ppm == -149_998)
        level = Sample.bonusTable
        level.maximumAdjustment = Rate(ppm: 5000)
        #expect(try level.adjustment(at: .whole).ppm == 5000)
    }

    @Test func aSteepSlopeStopsAtNothingDue() throws {
        var level = Sample.clause
        level.consequence = .proportional(target: Rate(percent: 98), floor: .zero, slope: 10)
        #expect(try level.adjustment(at: Rate(percent: 80)).ppm == -1_000_000)
    }

    private func performance(
        _ stoppages: [Usage.Stoppage], _ agreed: [AttributedInterval] = [],
        level: ServiceLevel = Sample.bonusTable,
        change: (inout Terms) -> Void = { _ in }
    ) throws -> Invoice.Performance {
        var terms = Sample.terms(level: level)
        change(&terms)
        return try Invoice.Performance(
            terms: terms, usage: Sample.usage(stoppages: stoppages), attributions: try AttributionSet(agreed))
    }

    private let whole = Sample.march.milliseconds
    private let ten = Sample.berlin("2025-03-10")

    @Test func onlyWhatIsPutDownToTheOEMCounts() throws {
        let stop = Sample.stopped(ten, for: 2 * Sample.hour)
        let oem = try performance([stop])
        #expect(oem.serviceTimeMilliseconds == whole)
        #expect(oem.downtimeMilliseconds == 2 * Sample.hour)
        #expect(oem.availability == Rate(ppm: 997_308))
        for cause in Attribution.allCases where cause != .oem {
            let other = try performance([stop], [AttributedInterval(stop.interval, cause)])
            #expect(other.downtimeMilliseconds == 0)
            #expect(other.availability == .whole)
            let isExcluded = cause == .plannedMaintenance || cause == .forceMajeure
            #expect(other.serviceTimeMilliseconds == whole - (isExcluded ? 2 * Sample.hour : 0))
        }
    }

    @Test func unknownTimeIsNeitherUpNorDownUntilItIsAttributed() throws {
        let gap = Sample.stopped(ten, for: Sample.hour, .unknown)
        let open = try performance([gap])
        #expect(open.serviceTimeMilliseconds == whole - Sample.hour)
        #expect(open.downtimeMilliseconds == 0)
        let down = try performance([gap], [AttributedInterval(gap.interval, .oem)])
        #expect(down.serviceTimeMilliseconds == whole)
        #expect(down.downtimeMilliseconds == Sample.hour)
        let up = try performance([gap], [AttributedInterval(gap.interval, .customerOperation)])
        #expect(up.serviceTimeMilliseconds == whole)
        #expect(up.downtimeMilliseconds == 0)
        let byDefault = try performance([gap]) { $0.defaultGapAttribution = .oem }
        #expect(byDefault.downtimeMilliseconds == Sample.hour)
    }

    @Test func anAgreementOnPartOfAStoppageSplitsIt() throws {
        let stop = Sample.stopped(ten, for: 100)
        let set = try AttributionSet([
            AttributedInterval(Interval(from: ten + 90, to: ten + 500), .material),
            AttributedInterval(Interval(from: ten - 10, to: ten + 10), .customerSite),
            AttributedInterval(Interval(from: ten + 40, to: ten + 41), .forceMajeure),
        ])
        let parts = set.resolve([stop], downtime: .oem, gap: .dataGap)
        #expect(parts.map(\.attribution) == [.customerSite, .oem, .forceMajeure, .oem, .material])
        #expect(parts.map { $0.interval.from - ten } == [0, 10, 40, 41, 90])
        #expect(parts.map { $0.interval.to - ten } == [10, 40, 41, 90, 100])
    }

    @Test func oneAgreementMayCoverSeveralStoppages() throws {
        let stops = [0, 20, 40].map { Sample.stopped(ten + $0, for: 10) }
        let set = try AttributionSet([AttributedInterval(Interval(from: ten + 5, to: ten + 45), .material)])
        let parts = set.resolve(stops, downtime: .oem, gap: .dataGap)
        #expect(parts.map(\.attribution) == [.oem, .material, .material, .material, .oem])
    }

    @Test func agreementsDoNotOverlap() {
        let first = AttributedInterval(Interval(from: 10, to: 20), .oem)
        let touching = AttributedInterval(Interval(from: 20, to: 30), .material)
        let second = AttributedInterval(Interval(from: 19, to: 30), .material)
        #expect(BillingError.code { _ = try AttributionSet([first, touching]) } == nil)
        #expect(BillingError.code { _ = try AttributionSet([first, second]) } == .invalidInterval)
        let empty = AttributedInterval(Interval(from: 5, to: 5), .oem)
        #expect(BillingError.code { _ = try AttributionSet([empty]) } == .invalidInterval)
    }

    @Test func onlyAgreedHoursCountAndHolidaysDoNot() throws {
        var level = Sample.bonusTable
        level.serviceTime = .weekly(
            hours: (1...5).map { .init(weekday: $0, fromMinutes: 360, toMinutes: 1320) })
        // March 2025 has 21 weekdays of 16 hours; Sunday the 30th, of 23 hours, is none.
        #expect(try performance([], level: level).serviceTimeMilliseconds == 21 * 16 * Sample.hour)
        let holiday = try performance([], level: level) { $0.holidays = [Sample.date("2025-03-10")] }
        #expect(holiday.serviceTimeMilliseconds == 20 * 16 * Sample.hour)
        // Down from midnight to 07:00 on Monday the 10th: one hour is within the agreed time.
        let stop = Sample.stopped(ten, for: 7 * Sample.hour)
        #expect(try performance([stop], level: level).downtimeMilliseconds == Sample.hour)
    }

    @Test func aNightShiftOnTheShortDayIsAnHourShorter() throws {
        var level = Sample.bonusTable
        level.serviceTime = .weekly(hours: [.init(weekday: 7, fromMinutes: 0, toMinutes: 360)])
        // Five Sundays of six hours, the last without 02:00 to 03:00.
        #expect(try performance([], level: level).serviceTimeMilliseconds == 29 * Sample.hour)
    }

    @Test func withoutServiceTimeThereIsNoAvailability() throws {
        let all = Usage.Stoppage(interval: Sample.march, state: .outOfService)
        let excluded = try performance([all], [AttributedInterval(Sample.march, .forceMajeure)])
        #expect(excluded.serviceTimeMilliseconds == 0)
        #expect(excluded.availability == nil)
    }
}

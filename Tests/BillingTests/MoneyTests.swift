import Billing
import Testing

@Suite struct MoneyTests {
    @Test(
        arguments: [
            (5, 10, 1), (4, 10, 0), (15, 10, 2), (14, 10, 1), (-5, 10, -1), (-4, 10, 0), (-15, 10, -2),
            (5, -10, -1), (1, 3, 0), (2, 3, 1), (0, 7, 0), (1, 2, 1), (-1, 2, -1), (3, 1, 3),
        ] as [(Int128, Int128, Int64)])
    func roundsHalvesAwayFromZero(numerator: Int128, denominator: Int128, result: Int64) throws {
        #expect(try Rounding.divide(numerator, by: denominator) == result)
    }

    @Test func roundsTheLargestIntermediates() throws {
        #expect(try Rounding.scale(.max, by: .max, over: .max) == .max)
        #expect(try Rounding.scale(-.max, by: .max, over: .max) == -.max)
        #expect(try Rounding.divide(.max, by: .max) == 1)
        #expect(try Rounding.divide(.min, by: .min) == 1)
        #expect(BillingError.code { _ = try Rounding.divide(.min, by: 1) } == .overflow)
        #expect(BillingError.code { _ = try Rounding.scale(.max, by: 2, over: 1) } == .overflow)
        #expect(BillingError.code { _ = try Rounding.divide(1, by: 0) } == .zeroDenominator)
    }

    @Test func refusesToOverflow() {
        let most = MinorUnits(.max)
        #expect(BillingError.code { _ = try most.adding(MinorUnits(1)) } == .overflow)
        #expect(BillingError.code { _ = try MinorUnits(.min).subtracting(MinorUnits(1)) } == .overflow)
        #expect(BillingError.code { _ = try MinorUnits.sum([most, most]) } == .overflow)
        #expect(BillingError.code { _ = try most.scaled(by: Rate(percent: 200)) } == .overflow)
        #expect(BillingError.code { _ = try Quantity(whole: .max) } == .overflow)
        let dear = UnitPrice(millionths: .max)
        let lots = Quantity(millionths: .max)
        #expect(BillingError.code { _ = try dear.amount(for: lots, in: .euro) } == .overflow)
        #expect(BillingError(.overflow, "sum").description == "billing.overflow: sum")
    }

    @Test func pricesBelowACentCountToTheLastUnit() throws {
        let price = UnitPrice(millionths: 123)
        #expect(price.text(in: .euro) == "0.000123")
        // 0.000123 · 1 000 000 = 123.00; · 40 650 = 4.99995 → 5.00; · 40 = 0.00492 → 0.00; · 41 =
        // 0.005043 → 0.01.
        #expect(try price.amount(for: Quantity(whole: 1_000_000), in: .euro) == MinorUnits(12_300))
        #expect(try price.amount(for: Quantity(whole: 40_650), in: .euro) == MinorUnits(500))
        #expect(try price.amount(for: Quantity(whole: 40), in: .euro) == .zero)
        #expect(try price.amount(for: Quantity(whole: 41), in: .euro) == MinorUnits(1))
    }

    @Test func halfACentRoundsUpAndOneMillionthLessDoesNot() throws {
        #expect(try UnitPrice(millionths: 5000).amount(for: .one, in: .euro) == MinorUnits(1))
        #expect(try UnitPrice(millionths: 4999).amount(for: .one, in: .euro) == .zero)
        #expect(try UnitPrice(millionths: -5000).amount(for: .one, in: .euro) == MinorUnits(-1))
        #expect(try UnitPrice(millionths: -4999).amount(for: .one, in: .euro) == .zero)
    }

    @Test func followsTheCurrencysDecimals() throws {
        let yen = try #require(CurrencyCode(rawValue: "JPY"))
        let dinar = try #require(CurrencyCode(rawValue: "KWD"))
        let price = UnitPrice(millionths: 1_234_500)
        #expect(try price.amount(for: .one, in: yen) == MinorUnits(1))
        #expect(try price.amount(for: .one, in: .euro) == MinorUnits(123))
        #expect(try price.amount(for: .one, in: dinar) == MinorUnits(1235))
        #expect(MinorUnits(1235).text(in: yen) == "1235")
        #expect(MinorUnits(1235).text(in: .euro) == "12.35")
        #expect(MinorUnits(1235).text(in: dinar) == "1.235")
        #expect(MinorUnits(-5).text(in: .euro) == "-0.05")
        #expect(MinorUnits(.min).text(in: .euro) == "-92233720368547758.08")
        #expect(CurrencyCode(rawValue: "eur") == nil)
        #expect(CurrencyCode(rawValue: "XYZ") == nil)
    }

    @Test func writesQuantitiesAndRatesWithoutIdleZeros() {
        #expect(Quantity(millionths: 12_000_000).text == "12")
        #expect(Quantity(millionths: 500_000).text == "0.5")
        #expect(Quantity(millionths: 1).text == "0.000001")
        #expect(Rate(percent: 19).percentText == "19")
        #expect(Rate(ppm: 979_938).percentText == "97.9938")
        #expect(Rate(percent: 19).percentTextWithDecimals == "19.00")
    }

    @Test func convertsMillisecondsToHoursHalfUp() throws {
        #expect(try Quantity(hoursOfMilliseconds: 5_400_000).text == "1.5")
        #expect(try Quantity(hoursOfMilliseconds: 1).text == "0")
        #expect(try Quantity(hoursOfMilliseconds: 2).text == "0.000001")
    }

    @Test(
        arguments: [
            (100, [1, 1, 1], [33, 34, 33]), (1, [1, 1], [1, 0]), (7, [0, 5, 0, 5], [0, 4, 0, 3]),
            (0, [3], [0]),
        ] as [(Int64, [Int64], [Int64])])
    func apportionsWithoutLosingAUnit(total: Int64, weights: [Int64], parts: [Int64]) throws {
        let result = try MinorUnits(total).apportioned(over: weights.map { MinorUnits($0) })
        #expect(result.map(\.rawValue) == parts)
        #expect(result.reduce(0) { $0 + $1.rawValue } == total)
    }

    @Test func aShareOfNothingHasNoValue() throws {
        #expect(try Rate.of(5, 0) == nil)
        #expect(try Rate.of(0, 5) == .zero)
        #expect(try Rate.of(1, 3) == Rate(ppm: 333_333))
        #expect(try Rate.of(2, 3) == Rate(ppm: 666_667))
        #expect(BillingError.code { _ = try MinorUnits(1).apportioned(over: [.zero]) } == .zeroDenominator)
    }
}

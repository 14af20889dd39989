import Billing
import Testing

@Suite struct TariffTests {
    private func parts(_ prices: Prices, minimum: Int64? = nil) -> TariffLine {
        TariffLine(
            id: "parts", name: "Parts", basis: .perUnit(counter: "good"), prices: prices,
            minimum: minimum.map { .init(quantity: Quantity(millionths: $0 * 1_000_000)) })
    }

    private static let tiers: [Prices.Tier] = [
        .init(fromQuantity: .zero, price: Sample.price(1_000_000)),
        .init(fromQuantity: Quantity(millionths: 1_000_000_000), price: Sample.price(800_000)),
        .init(fromQuantity: Quantity(millionths: 5_000_000_000), price: Sample.price(500_000)),
    ]
    private let graduated = Prices(.graduated, tiers: tiers)
    private let volume = Prices(.volume, tiers: tiers)

    private func invoice(_ line: TariffLine, good: Int64) throws -> Invoice {
        try Sample.invoice(Sample.terms([line]), Sample.usage(good: good))
    }

    @Test(
        arguments: [
            (0, [0]), (1, [100]), (999, [99_900]), (1000, [100_000]), (1001, [100_000, 80]),
            (4999, [100_000, 319_920]), (5000, [100_000, 320_000]), (5001, [100_000, 320_000, 50]),
        ] as [(Int64, [Int64])])
    func graduatedTiersHoldAtTheirBounds(good: Int64, amounts: [Int64]) throws {
        #expect(try invoice(parts(graduated), good: good).lines.map(\.amount.rawValue) == amounts)
    }

    @Test(
        arguments: [
            (0, 0), (999, 99_900), (1000, 80_000), (1001, 80_080), (4999, 399_920), (5000, 250_000),
            (5001, 250_050),
        ] as [(Int64, Int64)])
    func volumeTiersHoldAtTheirBounds(good: Int64, amount: Int64) throws {
        #expect(try invoice(parts(volume), good: good).lines.map(\.amount.rawValue) == [amount])
    }

    @Test func whatIsMissingToTheMinimumIsALineOfItsOwn() throws {
        let line = parts(.flat(Sample.price(500_000)), minimum: 1000)
        let short = try invoice(line, good: 999)
        #expect(short.lines.map(\.amount.rawValue) == [49_950, 50])
        #expect(short.lines[1].name == "Parts, shortfall to minimum")
        #expect(try invoice(line, good: 1000).lines.map(\.amount.rawValue) == [50_000])
        #expect(try invoice(line, good: 1001).lines.map(\.amount.rawValue) == [50_050])
        #expect(try invoice(line, good: 0).lines.map(\.amount.rawValue) == [0, 50_000])
    }

    @Test func aShortfallRunsThroughTheTiers() throws {
        let line = parts(graduated, minimum: 6000)
        let amounts = try invoice(line, good: 900).lines.map(\.amount.rawValue)
        #expect(amounts == [90_000, 10_000, 320_000, 50_000])
        // Under volume prices, using less than the minimum never costs more than using it.
        let byVolume = try invoice(parts(volume, minimum: 6000), good: 900).lines.map(\.amount.rawValue)
        #expect(byVolume == [45_000, 255_000])
        #expect(try invoice(parts(volume, minimum: 6000), good: 6000).totals.lines == MinorUnits(300_000))
    }

    @Test func pricesBelowACentRoundOncePerLine() throws {
        let line = parts(.flat(Sample.price(123)))
        #expect(try invoice(line, good: 1_234_567).lines[0].amount == MinorUnits(15_185))
    }

    @Test func hoursAreChargedAsTheInvoiceShowsThem() throws {
        // 1 h 0 min 0.007 s is 1.000002 h (rounded half up from 1.00000194…), at 12.50 an hour.
        let usage = Sample.usage(executing: Sample.hour + 7)
        let line = try Sample.invoice(Sample.terms([Sample.runningHours]), usage).lines[0]
        #expect(line.quantity.text == "1.000002")
        #expect(line.amount == MinorUnits(1250))
        #expect(line.unit == .hour)
    }

    @Test func aWholeMonthIsOneMonthWhateverItsHours() throws {
        let terms = Sample.terms([Sample.baseFee])
        for (day, hours) in [("2025-03-01", 743), ("2025-10-01", 745), ("2025-02-01", 672)]
            as [(String, Int64)]
        {
            let period = try terms.period(containing: Sample.berlin(day))
            #expect(period.milliseconds == hours * Sample.hour)
            let invoice = try Sample.invoice(terms, Sample.usage(measured: [period]), period: period)
            #expect(invoice.lines[0].quantity == .one)
            #expect(invoice.lines[0].unit == .month)
            #expect(invoice.lines[0].amount == MinorUnits(150_000))
        }
    }

    @Test func aBaseFeeIsProratedByLocalDays() throws {
        // In service from noon on 30 March, the day of 23 hours: two of 31 days.
        var terms = Sample.terms([Sample.baseFee])
        let spell = Interval(from: Sample.berlin("2025-03-30", hours: 11), to: Sample.march.to)
        let line = try Sample.invoice(terms, Sample.usage(measured: [spell])).lines[0]
        #expect((line.quantity.text, line.baseQuantity.text, line.unit) == ("2", "31", .day))
        #expect(line.name == "Base fee, 2 of 31 days")
        #expect(line.amount == MinorUnits(9677))
        // Terms that end with 25 October's last millisecond, and one millisecond into the day of 25
        // hours.
        let october = try terms.period(containing: Sample.berlin("2025-10-15"))
        for (extra, days) in [(0, "25"), (1, "26")] as [(Int64, String)] {
            terms.validity.to = Sample.berlin("2025-10-26") + extra
            let spell = try terms.billingInterval(containing: october.from)
            #expect(spell == Interval(from: october.from, to: terms.validity.to))
            let invoice = try Sample.invoice(terms, Sample.usage(measured: [spell]), period: spell)
            #expect(invoice.lines[0].quantity.text == days)
        }
    }

    /// Terms from the 12th, with others from the 20th: the parts of the month add up to its fee and minimum.
    @Test func theFeeOfAMonthIsSharedByTheTermsInIt() throws {
        let line = parts(.flat(Sample.price(1_000_000)), minimum: 3100)
        var terms = Sample.terms([Sample.baseFee, line])
        terms.validity.from = Sample.berlin("2025-03-12")
        let change = Sample.berlin("2025-03-20")
        let first = try terms.billingInterval(containing: Sample.march.from, before: change)
        #expect(first == Interval(from: terms.validity.from, to: change))
        let before = try Sample.invoice(terms, Sample.usage(measured: [first]), period: first)
        #expect(before.lines.map(\.quantity.text) == ["8", "0", "800"])
        #expect(before.lines[0].name == "Base fee, 8 of 31 days")
        #expect(before.periodStart == Sample.date("2025-03-12"))
        #expect(before.periodEnd == Sample.date("2025-03-19"))
        terms.validity.from = change
        let second = try terms.billingInterval(containing: Sample.march.from)
        #expect(second == Interval(from: change, to: Sample.march.to))
        let after = try Sample.invoice(terms, Sample.usage(measured: [second]), period: second)
        #expect(after.lines.map(\.quantity.text) == ["12", "0", "1200"])
    }

    @Test func whereTermsBeginOrEndWithinAPeriodItIsBilledInPart() throws {
        var terms = Sample.terms([Sample.baseFee])
        terms.validity = Sample.march
        #expect(try terms.partialPeriods().isEmpty)
        terms.validity.from = Sample.berlin("2025-03-12")
        let first = Terms.PartialPeriod(begins: true, ends: false, days: 20, all: 31)
        #expect(try terms.partialPeriods() == [first])
        terms.validity.to = Sample.berlin("2025-04-16") + 1
        let last = Terms.PartialPeriod(begins: false, ends: true, days: 16, all: 30)
        #expect(try terms.partialPeriods() == [first, last])
        terms.validity.to = Sample.berlin("2025-03-20")
        #expect(try terms.partialPeriods() == [.init(begins: true, ends: true, days: 8, all: 31)])
        terms.billingPeriod = .custom(from: Sample.berlin("2025-03-01"), to: Sample.berlin("2025-03-20"))
        #expect(try terms.partialPeriods() == [.init(begins: true, ends: false, days: 8, all: 19)])
        terms.billingPeriod = .custom(from: Sample.berlin("2025-02-01"), to: Sample.berlin("2025-03-01"))
        #expect(try terms.partialPeriods().isEmpty)
    }

    @Test func aMinimumIsProratedByDaysToo() throws {
        let line = parts(.flat(Sample.price(1_000_000)), minimum: 3100)
        let spell = Interval(from: Sample.berlin("2025-03-22"), to: Sample.march.to)
        let usage = Sample.usage(good: 400, measured: [spell])
        #expect(try Sample.invoice(Sample.terms([line]), usage).lines.map(\.quantity.text) == ["400", "600"])
    }

    @Test func theCapHoldsAndOneUnitAboveIsTakenOff() throws {
        var terms = Sample.terms([parts(.flat(Sample.price(10_000)))])
        terms.tariff.cap = MinorUnits(1000)
        for (good, taken) in [(999, []), (1000, []), (1001, [1]), (5000, [4000])] as [(Int64, [Int64])] {
            let invoice = try Sample.invoice(terms, Sample.usage(good: good))
            #expect(invoice.adjustments.map(\.amount.rawValue) == taken)
            #expect(invoice.totals.exclusive.rawValue == min(good, 1000))
        }
        terms.tariff.cap = .zero
        #expect(try Sample.invoice(terms, Sample.usage(good: 5)).totals.payable == .zero)
    }

    /// March with other terms from the 20th, by the same tariff: 19 and 12 of 31 days.
    private func marchInTwo(
        _ terms: Terms, good: (Int64, Int64)
    ) throws -> (before: Invoice, after: Invoice) {
        let change = Sample.berlin("2025-03-20")
        let first = try terms.billingInterval(containing: Sample.march.from, before: change)
        let before = try Sample.invoice(
            terms, Sample.usage(good: good.0, measured: [first]), period: first)
        var later = terms
        later.validity.from = change
        let second = try later.billingInterval(containing: change)
        return (
            before,
            try Sample.invoice(later, Sample.usage(good: good.1, measured: [second]), period: second)
        )
    }

    /// A cap of 3100.00 a month is 1900.00 for 19 days and 1200.00 for the other 12.
    @Test func theCapOfAMonthIsSharedByTheTermsInIt() throws {
        var terms = Sample.terms([parts(.flat(Sample.price(1_000_000)))])
        terms.tariff.cap = MinorUnits(310_000)
        let (before, after) = try marchInTwo(terms, good: (5000, 1200))
        #expect(before.totals.exclusive == MinorUnits(190_000))
        #expect(before.adjustments.map(\.reason) == ["Cap of 1900.00 EUR, 19 of 31 days"])
        #expect(after.totals.exclusive == MinorUnits(120_000) && after.adjustments.isEmpty)
        // 61.2903… and 38.7096… are rounded half up.
        terms.tariff.cap = MinorUnits(10_000)
        let (odd, rest) = try marchInTwo(terms, good: (5000, 5000))
        #expect([odd, rest].map(\.totals.exclusive.rawValue) == [6129, 3871])
        // Terms that name the rules from before are computed by them.
        terms.rulesVersion = 1
        let old = try marchInTwo(terms, good: (5000, 5000))
        #expect([old.before, old.after].map(\.totals.exclusive.rawValue) == [10_000, 10_000])
        #expect(old.before.evidence.rulesVersion == 1 && before.evidence.rulesVersion == 2)
    }

    /// A tier from 31 000 a month begins at 19 000 in 19 days and at 12 000 in the other 12: steady use costs
    /// what it costs in one month.
    @Test(arguments: [Prices.Mode.graduated, .volume])
    func theTiersOfAMonthAreSharedByTheTermsInIt(mode: Prices.Mode) throws {
        let line = parts(
            Prices(
                mode,
                tiers: [
                    .init(fromQuantity: .zero, price: Sample.price(1_000_000)),
                    .init(fromQuantity: Quantity(millionths: 31_000_000_000), price: Sample.price(800_000)),
                ]))
        let terms = Sample.terms([line])
        let (before, after) = try marchInTwo(terms, good: (20_000, 13_000))
        let whole = try Sample.invoice(terms, Sample.usage(good: 33_000))
        let amounts = (before.lines + after.lines).map(\.amount.rawValue)
        switch mode {
        case .graduated:
            #expect(amounts == [1_900_000, 80_000, 1_200_000, 80_000])
            #expect(before.lines[1].name == "Parts, from 19000, 19 of 31 days")
            #expect(whole.lines[1].name == "Parts, from 31000")
        case .volume: #expect(amounts == [1_600_000, 1_040_000])
        }
        #expect(amounts.reduce(0, +) == whole.totals.lines.rawValue)
    }

    /// The minimum follows the days that are billed, the cap those of the terms.
    @Test func aStopCostsNobodyAPartOfTheCap() throws {
        var terms = Sample.terms([parts(.flat(Sample.price(1_000_000)))])
        terms.tariff.cap = MinorUnits(310_000)
        let spell = Interval(from: Sample.berlin("2025-03-22"), to: Sample.march.to)
        let invoice = try Sample.invoice(terms, Sample.usage(good: 9000, measured: [spell]))
        #expect(invoice.totals.exclusive == MinorUnits(310_000))
        #expect(invoice.adjustments.map(\.reason) == ["Cap of 3100.00 EUR"])
    }

    @Test func theCapIsSharedAmongVATCategoriesToTheLastUnit() throws {
        var reduced = parts(.flat(Sample.price(10_000)))
        reduced.vat = VAT(.standard, rate: Rate(percent: 7))
        var other = reduced
        (other.id, other.vat) = ("more", Sample.standard)
        var third = reduced
        (third.id, third.vat) = ("free", VAT(.exempt, rate: .zero, exemptionReason: "Training"))
        var terms = Sample.terms([other, reduced, third])
        terms.tariff.cap = MinorUnits(200)
        let invoice = try Sample.invoice(terms, Sample.usage(good: 100))
        #expect(invoice.vat.map(\.vat.category) == [.exempt, .standard, .standard])
        #expect(invoice.adjustments.map(\.amount.rawValue) == [33, 34, 33])
        #expect(invoice.vat.map(\.taxable.rawValue) == [67, 66, 67])
        #expect(invoice.vat.map(\.tax.rawValue) == [0, 5, 13])
        #expect(invoice.totals.exclusive == MinorUnits(200))
        #expect(invoice.totals.payable == MinorUnits(218))
    }
}

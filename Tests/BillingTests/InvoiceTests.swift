import Billing
import Codec
import Cryptography
import Testing

@Suite struct InvoiceTests {
    @Test func addsUpInTheAgreedOrder() throws {
        // 1500.00 + 10 000 · 0.125 + 300 h · 12.50 = 6500.00; cap 6000.00; availability 95 % → −4 % of
        // 6000.00; 19 % of 5760.00.
        var terms = Sample.terms(level: Sample.bonusTable)
        terms.tariff.cap = MinorUnits(600_000)
        let whole = Sample.march.milliseconds
        let stop = Sample.stopped(Sample.march.from, for: whole / 20)
        let usage = Sample.usage(
            good: 10_000, produced: 10_100, executing: 300 * Sample.hour, stoppages: [stop])
        let invoice = try Sample.invoice(terms, usage)
        #expect(invoice.lines.map(\.amount.rawValue) == [150_000, 125_000, 375_000])
        #expect(invoice.performance.availability == Rate(percent: 95))
        #expect(invoice.adjustments.map(\.kind) == [.cap, .malus])
        #expect(invoice.adjustments.map(\.amount.rawValue) == [50_000, 24_000])
        #expect(invoice.adjustments[1].reason == "Malus for availability of 95 %")
        #expect(invoice.totals.exclusive == MinorUnits(576_000))
        #expect(invoice.totals.tax == MinorUnits(109_440))
        #expect(invoice.totals.payable == MinorUnits(685_440))
        #expect(invoice.dueDate == Sample.date("2025-05-02"))
        #expect(invoice.periodStart == Sample.date("2025-03-01"))
        #expect(invoice.periodEnd == Sample.date("2025-03-31"))
    }

    @Test func aBonusIsACharge() throws {
        let invoice = try Sample.invoice(Sample.terms(level: Sample.bonusTable))
        #expect(invoice.adjustments.map(\.kind) == [.bonus])
        #expect(invoice.totals.charges == MinorUnits(6500))
        #expect(invoice.totals.exclusive == MinorUnits(656_500))
    }

    @Test func belowTheFloorNothingIsDue() throws {
        let stop = Usage.Stoppage(interval: Sample.march, state: .outOfService)
        let usage = Sample.usage(good: 1, stoppages: [stop])
        let invoice = try Sample.invoice(Sample.terms(level: Sample.clause), usage)
        #expect(invoice.performance.availability == .zero)
        #expect(invoice.totals.allowances == invoice.totals.lines)
        #expect(invoice.totals.payable == .zero)
    }

    @Test func withoutAvailabilityThePriceStays() throws {
        let stop = Usage.Stoppage(interval: Sample.march, state: .unknown)
        let usage = Sample.usage(good: 1, stoppages: [stop])
        let invoice = try Sample.invoice(Sample.terms(level: Sample.clause), usage)
        #expect(invoice.performance.availability == nil)
        #expect(invoice.adjustments.isEmpty)
    }

    @Test func eachVATCategoryRoundsOnce() throws {
        // Three lines of 0.03 at 19 %: tax of 0.09 is 0.0171 → 0.02, not three times 0.01.
        let lines = (1...3).map {
            TariffLine(
                id: "\($0)", name: "Part \($0)", basis: .perUnit(counter: "good"),
                prices: .flat(Sample.price(30_000)))
        }
        let invoice = try Sample.invoice(Sample.terms(lines), Sample.usage(good: 1))
        #expect(invoice.totals.tax == MinorUnits(2))
        #expect(invoice.totals.payable == MinorUnits(11))
    }

    @Test func reverseChargeHasNoTax() throws {
        var terms = Sample.terms()
        terms.tariff.vat = Sample.reverseCharge
        terms.buyer.countryCode = "AT"
        terms.buyer.vatID = "ATU12345678"
        let invoice = try Sample.invoice(terms)
        #expect(invoice.vat.map(\.vat) == [Sample.reverseCharge])
        #expect(invoice.totals.tax == .zero)
        #expect(invoice.totals.payable == invoice.totals.exclusive)
    }

    @Test func yenHaveNoDecimals() throws {
        var terms = Sample.terms([Sample.goodParts])
        terms.currency = try #require(CurrencyCode(rawValue: "JPY"))
        terms.tariff.vat = VAT(.standard, rate: Rate(percent: 10))
        let invoice = try Sample.invoice(terms, Sample.usage(good: 804))
        // 804 · 0.125 = 100.5 → 101; 10 % of it is 10.1 → 10.
        #expect(invoice.totals.exclusive == MinorUnits(101))
        #expect(invoice.totals.tax == MinorUnits(10))
        #expect(invoice.totals.payable.text(in: invoice.currency) == "111")
    }

    @Test func oeeIsOnTheInvoice() throws {
        // domain.md's shift, as telemetry would give it.
        let planned = Sample.stopped(Sample.march.from, for: 1_800_000)
        let usage = Usage(
            measured: [Interval(from: Sample.march.from, to: Sample.march.from + 8 * Sample.hour)],
            firstSequence: 1, lastSequence: 481,
            durations: [
                .init(state: .outOfService, mode: .maintenance, milliseconds: 1_800_000),
                .init(state: .notExecuting, mode: .none, milliseconds: 3_000_000),
                .init(state: .executing, mode: .setup, milliseconds: 2_400_000),
                .init(state: .executing, mode: .processing, milliseconds: 21_600_000),
            ],
            counters: [
                .init(name: "good", rise: 635, resets: 0), .init(name: "produced", rise: 648, resets: 0),
            ], stoppages: [planned], failures: 1)
        let set = try AttributionSet([AttributedInterval(planned.interval, .plannedMaintenance)])
        let oee = try Sample.invoice(usage: usage, attributions: set).performance.effectiveness
        #expect(oee.plannedBusyTimeMilliseconds == 27_000_000)
        #expect(oee.availability?.ppm == 800_000)
        #expect(oee.effectiveness?.ppm == 900_000)
        #expect(oee.quality?.ppm == 979_938)
        #expect(oee.oee?.ppm == 705_556)
        #expect(oee.meanTimeBetweenFailuresMilliseconds == 27_000_000)
        #expect(oee.meanTimeToRepairMilliseconds == 1_800_000)
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let terms = Sample.terms(level: Sample.clause)
        let stop = Sample.stopped(Sample.berlin("2025-03-10"), for: 40 * Sample.hour)
        let usage = Sample.usage(good: 98_765, produced: 99_999, executing: 1_234_567_890, stoppages: [stop])
        let first = try Sample.invoice(terms, usage)
        let again = try Sample.invoice(try Round.trip(terms), try Round.trip(usage))
        #expect(try CBOR.encode(first) == CBOR.encode(again))
        #expect(try UBLDocument.encode(first) == UBLDocument.encode(again))
        #expect(try Round.trip(first) == first)
        #expect(first.difference(from: again).isEmpty)
    }

    @Test func refusesTermsAndPeriodsThatDoNotFit() throws {
        var terms = Sample.terms()
        terms.rulesVersion = InvoiceComputation.rulesVersion + 1
        #expect(BillingError.code { _ = try Sample.invoice(terms) } == .invalidTerms)
        let shifted = Interval(from: Sample.march.from + 1, to: Sample.march.to)
        #expect(BillingError.code { _ = try Sample.invoice(period: shifted) } == .wrongPeriod)
        let beyond = Interval(from: Sample.march.from, to: Sample.march.to + 1)
        let usage = Sample.usage(measured: [beyond])
        #expect(BillingError.code { _ = try Sample.invoice(usage: usage) } == .wrongPeriod)
        terms = Sample.terms()
        terms.validity.from = Sample.berlin("2025-03-02")
        #expect(BillingError.code { _ = try Sample.invoice(terms) } == .wrongPeriod)
        let twice = Sample.usage(measured: [Sample.march, Sample.march])
        #expect(BillingError.code { _ = try Sample.invoice(usage: twice) } == .invalidInterval)
    }

    @Test func overflowIsAnErrorNotATrap() {
        let most = Sample.usage(good: .max)
        #expect(BillingError.code { _ = try Sample.invoice(usage: most) } == .overflow)
        var terms = Sample.terms([Sample.goodParts])
        terms.tariff.lines[0].prices = .flat(UnitPrice(millionths: .max))
        let many = Sample.usage(good: 1_000_000)
        #expect(BillingError.code { _ = try Sample.invoice(terms, many) } == .overflow)
    }

    @Test func billedTimeIsInServiceAndValid() {
        var terms = Sample.terms()
        terms.validity.from = Sample.march.from + 500
        let spells = [
            Interval(from: Sample.march.from + 900, to: Sample.march.from + 1000),
            Interval(from: 0, to: Sample.march.from + 600),
            Interval(from: Sample.march.to - 1, to: Sample.march.to + 10),
        ]
        #expect(
            terms.billedTime(in: Sample.march, inService: spells) == [
                Interval(from: Sample.march.from + 500, to: Sample.march.from + 600),
                Interval(from: Sample.march.from + 900, to: Sample.march.from + 1000),
                Interval(from: Sample.march.to - 1, to: Sample.march.to),
            ])
        #expect(terms.billedTime(in: Interval(from: 0, to: 5), inService: spells).isEmpty)
    }

    @Test func aDisputeNamesEveryFieldThatDiffers() throws {
        let ours = try Sample.invoice()
        let theirs = try Sample.invoice(
            usage: Sample.usage(good: 10_001, produced: 10_100, executing: 300 * Sample.hour))
        let found = ours.difference(from: theirs)
        #expect(found.first?.hasPrefix("line 2: 2 Good parts, 10000 H87 at 0.125 = 1250.00") == true)
        #expect(found.contains("sum of lines: 6500.00, not 6500.13"))
        #expect(found.contains("payable: 7735.00, not 7735.15"))
        #expect(found.contains { $0.hasPrefix("OEE: ") })
        var other = ours
        other.lines.removeLast()
        other.buyer.city = "Köln"
        other.evidence.telemetryRoot = .zero
        let changes = ours.difference(from: other)
        #expect(changes.count == 3)
        #expect(changes[1].hasPrefix("line 3: 3 Running hours"))
        #expect(other.difference(from: ours)[1].hasPrefix("line 3: missing, the other has"))
    }
}

extension Sample {
    static func invoice(usage: Usage, attributions: AttributionSet = .empty) throws -> Invoice {
        try invoice(terms(), usage, attributions: attributions)
    }

    static func invoice(period: Interval) throws -> Invoice {
        try invoice(terms(), usage(), period: period)
    }
}

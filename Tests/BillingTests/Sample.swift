import Billing
import Codec
import Cryptography

/// Terms, usage and invoices that the tests vary.
enum Sample {
    static let berlin = ZoneRules(
        name: "Europe/Berlin", tzdataVersion: "2025b", initialOffsetSeconds: 3600,
        transitions: [
            .init(at: 1_743_296_400, offsetSeconds: 7200), .init(at: 1_761_440_400, offsetSeconds: 3600),
        ])

    static func date(_ text: String) -> CivilDate { CivilDate(rawValue: text)! }

    /// The instant of a local midnight in Berlin, and hours after it.
    static func berlin(_ day: String, hours: Int64 = 0) -> Int64 {
        try! berlin.milliseconds(of: date(day)) + hours * hour
    }

    static let hour: Int64 = 3_600_000
    static let minute: Int64 = 60_000

    static let standard = VAT(.standard, rate: Rate(percent: 19))
    static let reverseCharge = VAT(.reverseCharge, rate: .zero, exemptionReason: "Reverse charge")

    static let seller = Party(
        id: "oem", registrationName: "Pressenwerk Süd GmbH", addressLine: "Industriestraße 7",
        city: "Augsburg", postalCode: "86150", countryCode: "DE", vatID: "DE123456789")
    static let buyer = Party(
        id: "customer", registrationName: "Müller & Söhne <Stanztechnik> KG", addressLine: "Am Kanal 12",
        city: "Bremen", postalCode: "28195", countryCode: "DE", vatID: "DE987654321")

    static func price(_ millionths: Int64) -> UnitPrice { UnitPrice(millionths: millionths) }

    static let baseFee = TariffLine(
        id: "base", name: "Base fee", basis: .baseFee, prices: .flat(price(1_500_000_000)))
    static let goodParts = TariffLine(
        id: "parts", name: "Good parts", basis: .perUnit(counter: "good"), prices: .flat(price(125_000)))
    static let runningHours = TariffLine(
        id: "hours", name: "Running hours", basis: .perHour(states: [.executing]),
        prices: .flat(price(12_500_000)))

    static func terms(
        _ lines: [TariffLine] = [baseFee, goodParts, runningHours], level: ServiceLevel? = nil
    ) -> Terms {
        Terms(
            seller: seller, buyer: buyer, machine: "press-7", currency: .euro, zone: berlin,
            validity: Interval(from: berlin("2025-01-01"), to: berlin("2026-01-01")),
            billingPeriod: .calendarMonth, tariff: Tariff(lines: lines, vat: standard),
            serviceLevel: level, defaultAttribution: .oem,
            classificationWindowMilliseconds: 5 * 24 * hour, disputeWindowBusinessDays: 10,
            paymentDays: 30, holidays: [date("2025-04-18"), date("2025-04-21")],
            reportingIntervalMilliseconds: minute, plannedRunTimePerUnitMilliseconds: 30_000,
            arbiter: "arbiter", paymentReference: "PRESS-7 2025-03")
    }

    static let march = Interval(from: berlin("2025-03-01"), to: berlin("2025-04-01"))

    static func usage(
        good: Int64 = 0, produced: Int64 = 0, executing: Int64 = 0, measured: [Interval] = [march],
        stoppages: [Usage.Stoppage] = []
    ) -> Usage {
        var durations: [Usage.Duration] = []
        let down = stoppages.filter { $0.state == .outOfService }.reduce(0) { $0 + $1.interval.milliseconds }
        if down > 0 { durations.append(.init(state: .outOfService, mode: .none, milliseconds: down)) }
        if executing > 0 {
            durations.append(.init(state: .executing, mode: .processing, milliseconds: executing))
        }
        return Usage(
            measured: measured, firstSequence: 1, lastSequence: 44_580, durations: durations,
            counters: [
                .init(name: "good", rise: good, resets: 0),
                .init(name: "produced", rise: produced, resets: 0),
            ], stoppages: stoppages)
    }

    static func stopped(_ from: Int64, for length: Int64, _ state: MachineState = .outOfService)
        -> Usage.Stoppage
    {
        Usage.Stoppage(interval: Interval(from: from, to: from + length), state: state)
    }

    static func invoice(
        _ terms: Terms = terms(),
        _ usage: Usage = usage(good: 10_000, produced: 10_100, executing: 300 * hour),
        attributions: AttributionSet = .empty, period: Interval = march, number: String = "2025-0042"
    ) throws -> Invoice {
        try InvoiceComputation.compute(
            terms: terms, usage: usage, attributions: attributions, period: period, number: number,
            issueDate: date("2025-04-02"), telemetryRoot: SHA256.digest([1]),
            termsHash: try terms.digest(with: SHA256.hash),
            attributionHash: try attributions.digest(with: SHA256.hash))
    }

    static let bonusTable = ServiceLevel(
        consequence: .table(steps: [
            .init(from: .zero, adjustment: Rate(percent: -10)),
            .init(from: Rate(percent: 94), adjustment: Rate(percent: -4)),
            .init(from: Rate(percent: 96), adjustment: .zero),
            .init(from: Rate(percent: 98), adjustment: Rate(percent: 1)),
        ]), maximumAdjustment: Rate(percent: 15))

    static let clause = ServiceLevel(
        consequence: .proportional(target: Rate(percent: 98), floor: Rate(percent: 70), slope: 2))
}

extension BillingError {
    /// The code that a closure throws; nil where it does not throw.
    static func code(_ body: () throws -> Void) -> Code? {
        do { try body() } catch { return (error as? BillingError)?.code }
        return nil
    }
}

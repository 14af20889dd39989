import Billing
import Testing

@Suite struct TermsTests {
    @Test func goodTermsHaveNoProblems() throws {
        for level in [nil, Sample.bonusTable, Sample.clause] {
            let terms = Sample.terms(level: level)
            #expect(terms.validate().isEmpty)
            #expect(try Round.trip(terms) == terms)
        }
    }

    private static let mutations: [(TermsProblem.Code, @Sendable (inout Terms) -> Void)] = [
        (.party, { $0.seller.registrationName = "" }),
        (.country, { $0.buyer.countryCode = "Germany" }),
        (.vatID, { $0.seller.vatID = nil }),
        (.vatID, { $0.buyer.vatID = "12345" }),
        (
            .vatID,
            {
                $0.tariff.vat = Sample.reverseCharge
                $0.buyer.vatID = nil
            }
        ),
        (.machine, { $0.machine = "" }),
        (.arbiter, { $0.arbiter = "" }),
        (.text, { $0.seller.city = "Augs\u{0}burg" }),
        (.text, { $0.tariff.lines[0].name = String(repeating: "x", count: 201) }),
        (.zone, { $0.zone.transitions.reverse() }),
        (.zone, { $0.zone.initialOffsetSeconds = .max }),
        (.validity, { $0.validity.to = $0.validity.from }),
        (.validity, { $0.validity = Interval(from: .min, to: .max) }),
        (.billingPeriod, { $0.billingPeriod = .custom(from: 5, to: 5) }),
        (.tariffEmpty, { $0.tariff.lines = [] }),
        (.lineID, { $0.tariff.lines[1].id = $0.tariff.lines[0].id }),
        (.tiers, { $0.tariff.lines[1].prices.tiers = [] }),
        (.tiers, { $0.tariff.lines[1].prices.tiers[0].fromQuantity = .one }),
        (.price, { $0.tariff.lines[1].prices.tiers[0].price = Sample.price(-1) }),
        (.basis, { $0.tariff.lines[0].minimum = .init(quantity: .one) }),
        (.basis, { $0.tariff.lines[2].basis = .perHour(states: [.unknown]) }),
        (.basis, { $0.tariff.lines[2].basis = .perHour(states: [.executing, .executing]) }),
        (.minimum, { $0.tariff.lines[1].minimum = .init(quantity: .zero) }),
        (.cap, { $0.tariff.cap = MinorUnits(-1) }),
        (.vatRate, { $0.tariff.vat.rate = .zero }),
        (.vatRate, { $0.tariff.vat.rate = Rate(ppm: 190_001) }),
        (.vatRate, { $0.tariff.lines[0].vat = VAT(.zero, rate: Rate(percent: 1)) }),
        (.vatReason, { $0.tariff.vat = VAT(.exempt, rate: .zero) }),
        (.vatReason, { $0.tariff.vat.exemptionReason = "none" }),
        (
            .vatReason,
            {
                $0.tariff.vat = Sample.reverseCharge
                $0.tariff.lines[0].vat = VAT(.reverseCharge, rate: .zero, exemptionReason: "Other")
            }
        ),
        (
            .vatMixed,
            {
                $0.tariff.vat = VAT(.outsideScope, rate: .zero, exemptionReason: "Outside")
                $0.tariff.lines[0].vat = Sample.standard
            }
        ),
        (.serviceHours, { $0.serviceLevel?.serviceTime = .weekly(hours: []) }),
        (
            .serviceHours,
            {
                $0.serviceLevel?.serviceTime = .weekly(hours: [
                    .init(weekday: 8, fromMinutes: 0, toMinutes: 1)
                ])
            }
        ),
        (.excluded, { $0.serviceLevel?.excluded = [.oem] }),
        (.steps, { $0.serviceLevel?.consequence = .table(steps: []) }),
        (
            .steps,
            {
                $0.serviceLevel?.consequence = .table(steps: [.init(from: .zero, adjustment: Rate(ppm: .min))]
                )
            }
        ),
        (
            .steps,
            {
                $0.serviceLevel?.consequence = .proportional(target: .zero, floor: .whole, slope: 2)
            }
        ),
        (.adjustment, { $0.serviceLevel?.maximumAdjustment = Rate(percent: -1) }),
        (.windows, { $0.paymentDays = -1 }),
        (.windows, { $0.disputeWindowBusinessDays = .max }),
        (.holidays, { $0.holidays.reverse() }),
        (.reportingInterval, { $0.reportingIntervalMilliseconds = 0 }),
        (.plannedRunTime, { $0.plannedRunTimePerUnitMilliseconds = 0 }),
        (.rulesVersion, { $0.rulesVersion = 0 }),
    ]

    @Test(arguments: mutations.indices)
    func eachProblemHasItsCode(index: Int) {
        let (code, change) = TermsTests.mutations[index]
        var terms = Sample.terms(level: Sample.bonusTable)
        change(&terms)
        #expect(terms.validate().contains { $0.code == code }, "\(terms.validate())")
    }

    @Test func everyCodeIsTested() {
        for code in TermsProblem.Code.allCases {
            #expect(TermsTests.mutations.contains { $0.0 == code }, "\(code)")
        }
    }

    /// What both parties accept is these bytes: a change of the format must be deliberate.
    @Test func everyPartOfTheTermsChangesTheirBytes() throws {
        let base = try Round.bytes(Sample.terms(level: Sample.bonusTable))
        for (_, change) in TermsTests.mutations {
            var terms = Sample.terms(level: Sample.bonusTable)
            change(&terms)
            #expect(try Round.bytes(terms) != base)
        }
    }
}

import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Testing

@Suite struct ClassificationTests {
    typealias Steps = AgreementSteps
    typealias Refused = Refusal<AgreementContract>

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(AgreementContract.self) }

    func record(_ interval: Interval = Steps.days(2, 3)) throws -> ClassificationRecord {
        try harness.existing(ClassificationRecord.self, .init(agreement: Steps.id, interval: interval))
    }

    @Test func takesEffectWhenBothSaidTheSame() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        #expect(try record().decision == nil)
        #expect(harness.events == ["classificationSaid"])
        try harness.agreement(Steps.classify(), by: "customer")
        #expect(try record().decision?.attribution == .material)
        #expect(try record().decision?.origin == .parties)
        #expect(harness.events == ["classified"])
        #expect(try harness.timers().map(\.kind) == ["end"])
    }

    @Test func aPartyChangesItsWordUntilTheyAgree() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        try harness.agreement(Steps.classify(Steps.days(2, 3), .oem), by: "customer")
        #expect(try record().decision == nil)
        try harness.agreement(Steps.classify(Steps.days(2, 3), .oem), by: "oem")
        #expect(try record().decision?.attribution == .oem)
    }

    /// The last moment of the first period's window, and the first one after it.
    static let closing = Timestamp(nanoseconds: (Steps.start + .days(33)).nanoseconds - 1)
    static let closed = Steps.start + .days(33)

    @Test func theDefaultTakesEffectWhenTheWindowCloses() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "customer")
        harness.advance(to: Self.closing)
        #expect(try record().decision == nil)
        harness.advance(to: Self.closed)
        #expect(try record().decision?.attribution == .oem)
        #expect(try record().decision?.origin == .agreedDefault)
    }

    @Test func aWordTakenBackLeavesNothing() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        try harness.agreement(Steps.classify(Steps.days(2, 3), nil), by: "oem")
        #expect(
            try harness.get(
                ClassificationRecord.self, .init(agreement: Steps.id, interval: Steps.days(2, 3))) == nil)
        #expect(try harness.timers().map(\.kind) == ["end"])
    }

    @Test func theRootIsThatOfBillingsSetInAnyOrder() throws {
        try Steps.active(harness)
        for (interval, attribution) in [
            (Steps.days(9, 10), Attribution.oem), (Steps.days(2, 3), .material),
            (Steps.days(3, 9), .forceMajeure),
        ] {
            try harness.agreement(Steps.classify(interval, attribution), by: "oem")
            try harness.agreement(Steps.classify(interval, attribution), by: "customer")
        }
        try harness.agreement(Steps.classify(Steps.days(20, 21)), by: "oem")
        let found = try AgreementContract.classifications(
            of: Steps.id, overlapping: Steps.days(0, 30), in: harness.context())
        #expect(found.count == 4)
        let expected = try AttributionSet([
            AttributedInterval(Steps.days(2, 3), .material),
            AttributedInterval(Steps.days(3, 9), .forceMajeure), AttributedInterval(Steps.days(9, 10), .oem),
        ]).digest(with: SHA256.hash)
        #expect(try AgreementContract.attributionRoot(of: found, hash: SHA256.hash) == expected)
        #expect(try AgreementContract.attributionRoot(of: found.reversed(), hash: SHA256.hash) == expected)
    }

    @Test func overlapsAreFoundAcrossWeeks() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(Steps.days(1, 29)), by: "oem")
        let code = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(28, 30)), as: harness.member("customer"))
        #expect(code == "agreement.interval_overlaps")
        try harness.agreement(Steps.classify(Steps.days(29, 30)), by: "customer")
    }

    // MARK: The window

    @Test func aWordIsTakenUntilTheWindowsLastMoment() throws {
        try Steps.active(harness)
        harness.advance(to: Self.closing)
        try harness.agreement(Steps.classify(), by: "customer")
        harness.advance(to: Self.closed)
        #expect(try record().decision?.origin == .agreedDefault)
        let late = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(4, 5)), as: harness.member("customer"))
        #expect(late == "agreement.classification_closed")
        // The next period's has only begun.
        try harness.agreement(Steps.classify(Steps.days(30, 31)), by: "customer")
    }

    @Test func anInvoiceWaitsForTheWindowsEnd() throws {
        try Steps.active(harness)
        let issue = Steps.invoice(at: Self.closed)
        for time in [Steps.start + .days(30), Self.closing] {
            harness.advance(to: time)
            let early = try harness.rejection(AgreementContract.self, issue, as: harness.member("oem"))
            #expect(early == "agreement.classification_open")
        }
        harness.advance(to: Self.closed)
        try harness.agreement(issue, by: "oem")
    }

    @Test func onePartysConclusionTakesNoWordFromTheOther() throws {
        try Steps.active(harness)
        harness.advance(to: Steps.start + .days(30))
        try harness.agreement(Steps.conclude(), by: "oem")
        let early = try harness.rejection(
            AgreementContract.self, Steps.invoice(), as: harness.member("oem"))
        #expect(early == "agreement.classification_open")
        try harness.agreement(Steps.classify(), by: "customer")
        // Nor from the one that has concluded, where it agrees after all.
        try harness.agreement(Steps.classify(), by: "oem")
        #expect(try record().decision?.origin == .parties)
    }

    @Test func bothPartiesConclusionClosesTheWindow() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "customer")
        try harness.agreement(Steps.classify(Steps.days(30, 31)), by: "customer")
        harness.advance(to: Steps.start + .days(30))
        try Steps.concluded(harness)
        #expect(try record().decision?.origin == .agreedDefault)
        #expect(try record(Steps.days(30, 31)).decision == nil)
        #expect(try harness.timers().map(\.kind) == ["classification", "end"])
        try harness.agreement(Steps.invoice(), by: "oem")
        let late = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(4, 5)), as: harness.member("customer"))
        #expect(late == "agreement.classification_closed")
    }

    /// What is said of the next period never delays this one, however often it is said.
    @Test func nothingThatFollowsThePeriodHoldsItsInvoiceUp() throws {
        try Steps.active(harness)
        for from in Int64(30)..<33 {
            try harness.agreement(Steps.classify(Steps.days(from, from + 1)), by: "customer")
        }
        harness.advance(to: Self.closed)
        try harness.agreement(Steps.invoice(at: Self.closed), by: "oem")
    }

    @Test func termsThatOthersFollowEndABillingInterval() throws {
        try Steps.active(harness)
        let action = Steps.amend {
            ($0.validFrom, $0.periodEnds) = (Steps.start + .days(40), Steps.ends(2, through: 11))
        }
        try harness.agreement(action, by: "oem")
        try harness.agreement(Steps.accept(2, "terms 2"), by: "customer")
        let agreement = try harness.agreement()
        let expected: [(Int64, Int64, Int64)] = [
            (0, 0, 30), (29, 0, 30), (30, 30, 40), (39, 30, 40), (40, 40, 60), (359, 330, 365),
        ]
        for (day, from, end) in expected {
            let found = try #require(agreement.billingInterval(at: Steps.days(day, day + 1).from))
            #expect(found.interval == Steps.days(from, end))
            #expect(found.version.number == (from < 40 ? 1 : 2))
        }
        #expect(agreement.billingInterval(at: Steps.days(0, 365).to) == nil)
        #expect(agreement.billingInterval(at: Steps.start.milliseconds - 1) == nil)
    }

    static func concluding(
        _ code: String, _ name: String, by party: String = "customer", _ until: Int64,
        before: @escaping @Sendable (ContractHarness) throws -> Void = Steps.active
    ) -> Refused {
        Refused(
            code, name, by: party, before: before,
            .concludeClassification(.init(agreement: Steps.id, until: until)))
    }

    @Test(arguments: [
        concluding("agreement.not_a_party", "strangers do not", by: "arbiter", Steps.days(0, 30).to),
        concluding("agreement.no_period_end", "it is a period's end", Steps.days(0, 30).to - 1),
        concluding("agreement.no_period_end", "and not the moment after", Steps.days(0, 30).to + 1),
        concluding("agreement.no_period_end", "nor the beginning of all", Steps.start.milliseconds),
        concluding("agreement.no_period_end", "nor out of range", .min),
        concluding("agreement.no_period_end", "in force", Steps.days(0, 30).to, before: Steps.proposed),
        concluding(
            "agreement.period_not_over", "a period is over", Steps.days(0, 30).to,
            before: {
                try Steps.active($0)
                $0.advance(to: Timestamp(nanoseconds: (Steps.start + .days(30)).nanoseconds - 1))
            }),
        concluding(
            "agreement.already_concluded", "it is said once", Steps.days(0, 30).to, before: Steps.periodOver),
    ])
    func refusesToConclude(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    // MARK: Refusals

    static func classifying(
        _ code: String, _ name: String, _ interval: Interval,
        before: @escaping @Sendable (ContractHarness) throws -> Void = Steps.active
    ) -> Refused {
        Refused(code, name, by: "customer", before: before, Steps.classify(interval))
    }

    @Test(arguments: [
        Refused(
            "agreement.not_a_party", "strangers do not classify", by: "arbiter", before: Steps.active,
            Steps.classify()),
        classifying("agreement.interval_invalid", "an interval is not empty", Steps.days(3, 3)),
        classifying("agreement.interval_invalid", "an interval has a bound", Steps.days(1, 33)),
        classifying(
            "agreement.interval_invalid", "ends that overflow are no interval", Interval(from: .min, to: .max)
        ),
        classifying("agreement.no_terms", "terms are in force", Steps.days(365, 366)),
        classifying("agreement.crosses_period", "to the interval's end", Steps.days(364, 366)),
        classifying("agreement.no_terms", "terms are accepted", Steps.days(2, 3), before: Steps.proposed),
        // Only other terms, with a longer window, could bring it about.
        classifying(
            "agreement.period_billed", "what is invoiced is classified", Steps.days(29, 30),
            before: {
                try Steps.issued($0)
                try $0.change(AgreementRecord.self, Steps.id) { $0.customerConcluded = nil }
            }),
        classifying(
            "agreement.crosses_period", "an interval lies in one period",
            Interval(from: Steps.days(29, 30).from, to: Steps.days(29, 30).to + 1)),
        classifying(
            "agreement.classification_closed", "the window closes", Steps.days(26, 27),
            before: Steps.periodOver),
        Refused(
            "agreement.nothing_said", "only a word can be taken back", by: "oem", before: Steps.active,
            Steps.classify(Steps.days(2, 3), nil)),
        classifying(
            "agreement.already_classified", "a decision stays", Steps.days(2, 3),
            before: {
                try Steps.active($0)
                try $0.agreement(Steps.classify(), by: "oem")
                try $0.agreement(Steps.classify(), by: "customer")
            }),
        classifying(
            "agreement.interval_overlaps", "an interval has one pair of ends", Steps.days(1, 4),
            before: {
                try Steps.active($0)
                try $0.agreement(Steps.classify(), by: "oem")
            }),
        classifying(
            "agreement.too_many_classifications", "open intervals have a bound", Steps.days(40, 41),
            before: { harness in
                try Steps.active(harness)
                for index in 0..<500 {
                    let from = Steps.start.milliseconds + Int64(index)
                    let id = ClassificationRecord.ID(
                        agreement: Steps.id, interval: Interval(from: from, to: from + 1))
                    try harness.plant(ClassificationRecord(id: id, deadline: .maximum))
                }
            }),
    ])
    func refusesToClassify(_ refused: Refused) throws { try refused.checkWithDeadlines() }
}

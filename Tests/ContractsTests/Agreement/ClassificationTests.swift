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

    @Test func theDefaultTakesEffectWhenTheWindowCloses() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.classify(), by: "customer")
        harness.advance(to: Timestamp(nanoseconds: (Steps.start + .days(6)).nanoseconds - 1))
        #expect(try record().decision == nil)
        harness.advance(to: Steps.start + .days(6))
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
        try harness.agreement(Steps.classify(Steps.days(1, 32)), by: "oem")
        let code = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(31, 33)), as: harness.member("customer"))
        #expect(code == "agreement.interval_overlaps")
        try harness.agreement(Steps.classify(Steps.days(32, 33)), by: "customer")
    }

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
        classifying("agreement.no_terms", "terms are in force", Steps.days(364, 366)),
        classifying("agreement.no_terms", "terms are accepted", Steps.days(2, 3), before: Steps.proposed),
        classifying(
            "agreement.period_billed", "what is invoiced is classified", Steps.days(29, 30),
            before: Steps.issued),
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

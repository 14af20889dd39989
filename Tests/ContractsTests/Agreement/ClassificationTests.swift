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

    func word(
        of party: ClassificationRecord.Party, _ interval: Interval = Steps.days(2, 3)
    ) throws -> ClassificationRecord? {
        try harness.get(
            ClassificationRecord.self, .init(agreement: Steps.id, party: party, until: interval.to))
    }

    /// All words on the first period.
    func words() throws -> [ClassificationRecord] {
        try harness.context().all(ClassificationRecord.self)
    }

    /// What the first period's invoice is computed with.
    func agreed() throws -> [AttributedInterval] {
        try AgreementContract.attributionSet(of: words(), in: Steps.days(0, 30)).agreed
    }

    @Test func holdsWhereBothSaidTheSame() throws {
        try Steps.running(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        #expect(harness.events == ["classificationSaid"])
        #expect(try agreed().isEmpty)
        try harness.agreement(Steps.classify(), by: "customer")
        #expect(harness.events == ["classified"])
        #expect(try agreed() == [AttributedInterval(Steps.days(2, 3), .material)])
        #expect(try word(of: .oem)?.said == harness.now)
        #expect(try harness.timers().map(\.kind) == ["end"])
    }

    @Test func aPartyChangesItsWordUntilTheyAgree() throws {
        try Steps.running(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        try harness.agreement(Steps.classify(Steps.days(2, 3), .oem), by: "customer")
        #expect(try agreed().isEmpty)
        try harness.agreement(Steps.classify(Steps.days(2, 3), .oem), by: "oem")
        #expect(try agreed() == [AttributedInterval(Steps.days(2, 3), .oem)])
    }

    /// The OEM speaks first, of all that is over, and takes nothing from the customer by it.
    @Test func whoeverSpeaksFirstTakesNoWordFromTheOther() throws {
        try Steps.running(harness)
        try harness.agreement(Steps.classify(Steps.days(0, 10), .customerOperation), by: "oem")
        try harness.agreement(Steps.classify(Steps.days(2, 3), .customerOperation), by: "customer")
        try harness.agreement(Steps.classify(Steps.days(4, 6), .oem), by: "customer")
        #expect(try agreed() == [AttributedInterval(Steps.days(2, 3), .customerOperation)])
        let said = try AgreementContract.jointWords(of: words(), in: Steps.days(0, 5))
        #expect(said.map(\.interval) == [(0, 2), (2, 3), (3, 4), (4, 5)].map { Steps.days($0.0, $0.1) })
        #expect(said.map(\.buyer) == [nil, .customerOperation, nil, .oem])
    }

    /// The last moment of the first period's window, and the first one after it.
    static let closing = Timestamp(nanoseconds: (Steps.start + .days(33)).nanoseconds - 1)
    static let closed = Steps.start + .days(33)

    /// What only one has spoken about is no agreement when the window has closed; what both have, stays one.
    @Test func silenceLeavesTheDefaultWhenTheWindowCloses() throws {
        try Steps.running(harness)
        try harness.agreement(Steps.classify(), by: "customer")
        harness.advance(to: Self.closed)
        #expect(try agreed().isEmpty)
        try harness.agreement(Steps.invoice(at: Self.closed), by: "oem")
    }

    @Test func aWordTakenBackLeavesNothing() throws {
        try Steps.running(harness)
        try harness.agreement(Steps.classify(), by: "oem")
        try harness.agreement(Steps.classify(Steps.days(2, 3), nil), by: "oem")
        #expect(try words().isEmpty)
        #expect(harness.events == ["classificationTakenBack"])
        let count = try harness.existing(
            ClassificationCount.self, .init(agreement: Steps.id, until: Steps.days(0, 30).to))
        #expect(count.oem == 0 && count.customer == 0)
    }

    @Test func theRootIsThatOfBillingsSetInAnyOrder() throws {
        try Steps.periodOver(harness)
        try harness.change(AgreementRecord.self, Steps.id) { $0.customerConcluded = nil }
        for (interval, attribution) in [
            (Steps.days(9, 10), Attribution.oem), (Steps.days(2, 3), .material),
            (Steps.days(3, 9), .forceMajeure),
        ] {
            try harness.agreement(Steps.classify(interval, attribution), by: "oem")
            try harness.agreement(Steps.classify(interval, attribution), by: "customer")
        }
        try harness.agreement(Steps.classify(Steps.days(20, 21)), by: "oem")
        let found = try words()
        #expect(found.count == 7)
        let expected = try AttributionSet([
            AttributedInterval(Steps.days(2, 3), .material),
            AttributedInterval(Steps.days(3, 9), .forceMajeure), AttributedInterval(Steps.days(9, 10), .oem),
        ]).digest(with: SHA256.hash)
        for words in [found, found.reversed()] {
            let root = try AgreementContract.attributionRoot(
                of: words, in: Steps.days(0, 30), hash: SHA256.hash)
            #expect(root == expected)
        }
    }

    @Test func aPartysOwnWordsDoNotOverlap() throws {
        try Steps.active(harness)
        harness.advance(to: Steps.start + .days(30))
        for (from, to) in [(10, 12), (1, 5), (20, 29)] as [(Int64, Int64)] {
            try harness.agreement(Steps.classify(Steps.days(from, to)), by: "oem")
        }
        for (from, to) in [(0, 2), (2, 3), (4, 11), (5, 20 + 1), (28, 30), (0, 30), (1, 4), (2, 5)]
            as [(Int64, Int64)]
        {
            let code = try harness.rejection(
                AgreementContract.self, Steps.classify(Steps.days(from, to)), as: harness.member("oem"))
            #expect(code == "agreement.interval_overlaps", "\(from) to \(to)")
            try harness.agreement(Steps.classify(Steps.days(from, to)), by: "customer")
            try harness.agreement(Steps.classify(Steps.days(from, to), nil), by: "customer")
        }
        for (from, to) in [(0, 1), (5, 10), (12, 20), (29, 30)] as [(Int64, Int64)] {
            try harness.agreement(Steps.classify(Steps.days(from, to)), by: "oem")
        }
    }

    // MARK: The window

    @Test func aWordIsTakenUntilTheWindowsLastMoment() throws {
        try Steps.active(harness)
        harness.advance(to: Self.closing)
        try harness.agreement(Steps.classify(), by: "customer")
        harness.advance(to: Self.closed)
        let late = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(4, 5)), as: harness.member("customer"))
        #expect(late == "agreement.classification_closed")
        // The next period's is open.
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
        #expect(try agreed() == [AttributedInterval(Steps.days(2, 3), .material)])
    }

    @Test func bothPartiesConclusionClosesTheWindow() throws {
        try Steps.active(harness)
        harness.advance(to: Steps.start + .days(31))
        try harness.agreement(Steps.classify(), by: "customer")
        try Steps.concluded(harness)
        // The next period is still open.
        try harness.agreement(Steps.classify(Steps.days(30, 31)), by: "customer")
        try harness.agreement(Steps.invoice(at: Steps.start + .days(31)), by: "oem")
        let late = try harness.rejection(
            AgreementContract.self, Steps.classify(Steps.days(4, 5)), as: harness.member("customer"))
        #expect(late == "agreement.classification_closed")
    }

    /// What is said of the next period never delays this one, however often it is said.
    @Test func nothingThatFollowsThePeriodHoldsItsInvoiceUp() throws {
        try Steps.active(harness)
        harness.advance(to: Self.closing)
        for from in Int64(30)..<32 {
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
            let time = Steps.days(day, day + 1).from
            let found = try #require(agreement.version(at: time))
            #expect(found.version.number == (from < 40 ? 1 : 2))
            let terms = try harness.terms(found.version.number).terms
            #expect(terms.billingInterval(at: time, before: found.end) == Steps.days(from, end))
        }
        #expect(agreement.version(at: Steps.days(0, 365).to) == nil)
        #expect(agreement.version(at: Steps.start.milliseconds - 1) == nil)
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
        before: @escaping @Sendable (ContractHarness) throws -> Void = Steps.running
    ) -> Refused {
        Refused(code, name, by: "customer", before: before, Steps.classify(interval))
    }

    /// The end of the second period, in which the first one's window has closed.
    @Sendable static func later(_ harness: ContractHarness) throws {
        try Steps.active(harness)
        harness.advance(to: Steps.start + .days(60))
    }

    @Test(arguments: [
        Refused(
            "agreement.not_a_party", "strangers do not classify", by: "arbiter", before: Steps.running,
            Steps.classify()),
        classifying("agreement.interval_invalid", "an interval is not empty", Steps.days(3, 3)),
        classifying(
            "agreement.interval_invalid", "ends that overflow are no interval", Interval(from: .min, to: .max)
        ),
        classifying("agreement.interval_not_over", "nothing is foreseen", Steps.days(10, 11)),
        classifying(
            "agreement.interval_not_over", "not by a millisecond",
            Interval(from: Steps.days(9, 10).from, to: Steps.days(9, 10).to + 1)),
        classifying("agreement.no_terms", "terms are in force", Steps.days(-2, -1)),
        classifying(
            "agreement.no_terms", "terms are accepted", Steps.days(2, 3),
            before: {
                try Steps.proposed($0)
                $0.advance(to: Steps.start + .days(10))
            }),
        // Only other terms, with a longer window, could bring it about.
        classifying(
            "agreement.period_billed", "what is invoiced is classified", Steps.days(29, 30),
            before: {
                try Steps.issued($0)
                try $0.change(AgreementRecord.self, Steps.id) { $0.customerConcluded = nil }
            }),
        classifying(
            "agreement.crosses_period", "an interval lies in one billing interval", Steps.days(29, 31),
            before: later),
        classifying(
            "agreement.classification_closed", "the window closes", Steps.days(26, 27),
            before: Steps.periodOver),
        classifying(
            "agreement.classification_closed", "it closes by itself", Steps.days(26, 27), before: later),
        Refused(
            "agreement.nothing_said", "only a word can be taken back", by: "oem", before: Steps.running,
            Steps.classify(Steps.days(2, 3), nil)),
        Refused(
            "agreement.nothing_said", "nobody takes the other's word back", by: "oem",
            before: {
                try Steps.running($0)
                try $0.agreement(Steps.classify(), by: "customer")
            }, Steps.classify(Steps.days(2, 3), nil)),
        Refused(
            "agreement.already_classified", "what both have said stays", by: "customer",
            before: {
                try Steps.running($0)
                try $0.agreement(Steps.classify(), by: "oem")
                try $0.agreement(Steps.classify(), by: "customer")
            }, Steps.classify(Steps.days(2, 3), nil)),
        classifying(
            "agreement.interval_overlaps", "a party says one thing at a time", Steps.days(1, 4),
            before: {
                try Steps.running($0)
                try $0.agreement(Steps.classify(), by: "customer")
            }),
        classifying(
            "agreement.too_many_classifications", "a party's words have a bound", Steps.days(4, 5),
            before: { try counted(1000, of: .customer, $0) }),
    ])
    func refusesToClassify(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    /// So many words of one party on the first period.
    @Sendable static func counted(
        _ words: Int64, of party: ClassificationRecord.Party, _ harness: ContractHarness
    ) throws {
        try Steps.running(harness)
        let id = ClassificationCount.ID(agreement: Steps.id, until: Steps.days(0, 30).to)
        try harness.plant(
            ClassificationCount(
                id: id, oem: party == .oem ? words : 0, customer: party == .customer ? words : 0))
    }

    @Test func onePartysManyWordsLeaveTheOtherItsOwn() throws {
        try Self.counted(1000, of: .oem, harness)
        try harness.agreement(Steps.classify(), by: "customer")
        try harness.change(
            ClassificationCount.self, .init(agreement: Steps.id, until: Steps.days(0, 30).to)
        ) { $0.customer = 999 }
        try harness.agreement(Steps.classify(Steps.days(4, 5)), by: "customer")
    }
}

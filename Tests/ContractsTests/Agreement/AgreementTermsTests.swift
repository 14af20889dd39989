import Billing
import Codec
import Contracts
import Ledger
import Testing

/// Proposing, accepting, amending, withdrawing and ending.
@Suite struct AgreementTermsTests {
    typealias Steps = AgreementSteps
    typealias Refused = Refusal<AgreementContract>

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(AgreementContract.self) }

    @Test(arguments: [("oem", "customer"), ("customer", "oem")])
    func eitherPartyProposesAndTheOtherAccepts(proposer: String, acceptor: String) throws {
        try Steps.machine(harness)
        try harness.agreement(Steps.propose(), by: proposer)
        #expect(harness.events == ["proposed"])
        #expect(try harness.agreement().state == .proposed)
        try harness.agreement(Steps.accept(), by: acceptor)
        let agreement = try harness.agreement()
        #expect(agreement.state == .active && agreement.pending == nil)
        #expect(agreement.versions.map(\.number) == [1])
        let terms = try harness.terms(1)
        #expect(terms.proposed.member.text == proposer)
        #expect(terms.accepted?.member.text == acceptor)
        #expect(terms.accepted?.key == ContractHarness.keyID(acceptor))
        #expect(harness.events == ["accepted"])
    }

    @Test func amendedTermsHoldFromTheirOwnBeginning() throws {
        try Steps.amending(harness)
        #expect(try harness.agreement().state == .amending)
        #expect(try harness.agreement().versions.count == 1)
        try harness.agreement(Steps.accept(2, "terms 2"), by: "oem")
        let agreement = try harness.agreement()
        #expect(agreement.state == .active)
        for (day, number) in [(0, 1), (59, 1), (60, 2), (364, 2)] as [(Int64, Int64)] {
            #expect(agreement.version(at: Steps.days(day, day + 1).from)?.version.number == number)
        }
        #expect(harness.events == ["amended"])
    }

    @Test func aCounterProposalReplacesTheProposalAndItsNumber() throws {
        try Steps.amending(harness)
        try harness.agreement(Steps.amend { $0.paymentDays = 30 }, by: "oem")
        #expect(try harness.agreement().pending == 3)
        let old = try harness.rejection(
            AgreementContract.self, Steps.accept(2, "terms 2"), as: harness.member("customer"))
        #expect(old == "agreement.other_terms")
        try harness.agreement(Steps.accept(3, "terms 2"), by: "customer")
        #expect(try harness.agreement().versions.map(\.number) == [1, 3])
        #expect(try harness.terms(3).terms.paymentDays == 30)
        // What was replaced leaves no row.
        #expect(try harness.context().all(TermsRecord.self).map(\.id.number) == [1, 3])
    }

    @Test func theProposerWithdraws() throws {
        try Steps.proposed(harness)
        try harness.agreement(.withdraw(.init(agreement: Steps.id)), by: "oem")
        #expect(try harness.agreement().state == .withdrawn)
        #expect(try harness.isSettled())
    }

    @Test func aWithdrawnAmendmentLeavesTheAgreementActive() throws {
        try Steps.amending(harness)
        try harness.agreement(.withdraw(.init(agreement: Steps.id)), by: "customer")
        #expect(try harness.agreement().state == .active)
        #expect(try harness.agreement().pending == nil)
        #expect(try harness.context().all(TermsRecord.self).map(\.id.number) == [1])
    }

    /// What an action reads and writes of an agreement stays small, whatever terms it has had.
    @Test func anAgreementDoesNotGrowWithItsTerms() throws {
        try Steps.active(harness)
        for number in Int64(2)...64 {
            let action = Steps.amend {
                $0.periodEnds = (1...800).map { (Steps.start + .days(60)).milliseconds + $0 }
            }
            try harness.agreement(action, by: "oem")
            try harness.agreement(Steps.accept(number, "terms 2"), by: "customer")
        }
        let agreement = try harness.agreement()
        #expect(agreement.versions.count == 64)
        #expect(try CBOR.encode(agreement).count < 12_000)
    }

    @Test func itEndsWithItsValidityAndTakesTheAmendmentAlong() throws {
        try Steps.amending(harness)
        harness.advance(to: Steps.start + .days(365))
        let agreement = try harness.agreement()
        #expect(agreement.state == .ended && agreement.pending == nil)
        #expect(agreement.ended == Steps.start + .days(365))
    }

    @Test func anAmendmentMovesTheEnd() throws {
        try Steps.active(harness)
        try harness.agreement(Steps.amend { $0.validTo = Steps.start + .days(400) }, by: "oem")
        try harness.agreement(Steps.accept(2, "terms 2"), by: "customer")
        harness.advance(to: Steps.start + .days(399))
        #expect(try harness.agreement().state == .active)
        harness.advance(to: Steps.start + .days(400))
        #expect(try harness.agreement().state == .ended)
        #expect(try harness.timers().isEmpty)
    }

    @Test func itEndsWithTheMachine() throws {
        try Steps.active(harness)
        try AgreementContract.endAgreements(of: Steps.press, in: harness.context("machine"))
        #expect(try harness.agreement().state == .ended)
        harness.advance(to: Steps.start + .days(365))
        #expect(try harness.agreement().ended == Steps.start)
    }

    @Test func oneAgreementFollowsAnother() throws {
        try Steps.active(harness)
        let next = AgreementID("rent-2")!
        let proposal = Steps.propose(next) {
            ($0.validFrom, $0.validTo) = (Steps.start + .days(365), Steps.start + .days(700))
            $0.periodEnds = Steps.ends(13, through: 23)
        }
        try harness.agreement(proposal, by: "oem")
        try harness.agreement(Steps.accept(agreement: next), by: "customer")
        #expect(try harness.agreement("rent-2").state == .active)
    }

    @Test func indexesFindItByMachine() throws {
        try Steps.active(harness)
        for index in ["inForce", "unsettled"] {
            let found = try harness.context().records(
                AgreementRecord.self, where: index, equals: Array("press-7".utf8))
            #expect(found.map(\.id) == [Steps.id], "\(index)")
        }
    }

    // MARK: Refusals

    static func proposing(
        _ code: String, _ name: String, _ change: @escaping @Sendable (inout AgreedTerms) -> Void
    ) -> Refused {
        Refused(code, name, by: "oem", before: Steps.machine, Steps.propose(Steps.id, change))
    }

    @Test(arguments: [
        Refused("machine.unknown", "there is a machine", by: "oem", Steps.propose()),
        Refused(
            "agreement.not_a_party", "strangers do not propose", by: "oem2", before: Steps.machine,
            Steps.propose()),
        Refused(
            "agreement.not_a_member_key", "a device agrees to nothing",
            signer: .device(of: "press-7"), before: Steps.machine, Steps.propose()),
        Refused(
            "agreement.exists", "a name is taken once", by: "oem", before: Steps.proposed, Steps.propose()),
        proposing("agreement.arbiter_is_party", "nobody rules on itself") {
            $0.arbiter = MemberID("customer")!
        },
        proposing("agreement.arbiter_is_party", "nor does its own substitute") {
            $0.substitute = MemberID("oem")!
        },
        proposing("agreement.substitute_is_arbiter", "a substitute is another") {
            $0.substitute = $0.arbiter
        },
        proposing("agreement.role_required", "a substitute has the role") {
            $0.substitute = MemberID("m1")!
        },
        proposing("agreement.role_required", "an arbiter has the role") { $0.arbiter = MemberID("m1")! },
        proposing("member.unknown", "an arbiter is a member") { $0.arbiter = MemberID("nobody")! },
        proposing("agreement.validity_empty", "terms begin before they end") { $0.validFrom = $0.validTo },
        proposing("agreement.validity_not_whole", "terms begin at a whole millisecond") {
            $0.validFrom = Timestamp(nanoseconds: $0.validFrom.nanoseconds + 1)
        },
        proposing("agreement.expired", "terms are not over") {
            ($0.validFrom, $0.validTo, $0.periodEnds) = (.zero, Steps.start, [])
        },
        proposing("agreement.number_out_of_range", "payment days have a bound") { $0.paymentDays = 367 },
        proposing("agreement.number_out_of_range", "payment days are not negative") { $0.paymentDays = -1 },
        proposing("agreement.number_out_of_range", "an arbiter has a day") {
            $0.rulingWindow = Span(nanoseconds: Span.days(1).nanoseconds - 1)
        },
        proposing("agreement.number_out_of_range", "an arbiter has a year") {
            $0.rulingWindow = .days(366) + 1
        },
        proposing("agreement.periods_invalid", "periods end in order") {
            $0.periodEnds = [Steps.days(0, 60).to, Steps.days(0, 30).to]
        },
        proposing("agreement.periods_invalid", "a period ends once") {
            $0.periodEnds = [Steps.days(0, 30).to, Steps.days(0, 30).to]
        },
        proposing("agreement.periods_invalid", "a period ends after the terms begin") {
            $0.periodEnds = [Steps.start.milliseconds]
        },
        proposing("agreement.periods_invalid", "a period ends with the terms") {
            $0.periodEnds = [Steps.days(0, 365).to + 1]
        },
        proposing("agreement.list_too_long", "periods have a bound") {
            $0.periodEnds = (1...801).map { Steps.start.milliseconds + $0 }
        },
        proposing("agreement.number_out_of_range", "a window is not negative") {
            $0.minimumDisputeWindow = Span(nanoseconds: -1)
        },
        proposing("agreement.number_out_of_range", "a window has a bound") {
            $0.classificationWindow = .days(366) + 1
        },
        proposing("agreement.cid_malformed", "terms are in the vault") { $0.document.cid = "somewhere" },
    ])
    func refusesToPropose(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    @Test(arguments: [
        Refused(
            "agreement.not_a_party", "nobody accepts their own proposal", by: "oem", before: Steps.proposed,
            Steps.accept()),
        Refused(
            "agreement.not_a_party", "strangers do not accept", by: "customer2", before: Steps.proposed,
            Steps.accept()),
        Refused(
            "agreement.other_terms", "terms are named by hash", by: "customer", before: Steps.proposed,
            Steps.accept(1, "other terms")),
        Refused(
            "agreement.other_terms", "and by number", by: "customer", before: Steps.proposed,
            Steps.accept(2)),
        Refused(
            "agreement.nothing_proposed", "there is a proposal", by: "customer", before: Steps.active,
            Steps.accept()),
        Refused(
            "agreement.unknown", "there is an agreement", by: "customer", before: Steps.machine,
            Steps.accept()),
        Refused(
            "agreement.expired", "a proposal can be too old", by: "customer",
            before: {
                try Steps.proposed($0)
                $0.advance(by: .days(365))
            }, Steps.accept()),
        Refused(
            "agreement.member_not_active", "the arbiter is still active", by: "customer",
            before: {
                try Steps.proposed($0)
                try $0.change(MemberRecord.self, MemberID("arbiter")!) { $0.status = .suspended }
            }, Steps.accept()),
        Refused(
            "agreement.machine_terminated", "the machine is still rented", by: "customer",
            before: {
                try Steps.proposed($0)
                try $0.change(MachineRecord.self, Steps.press) { $0.state = .terminated }
            }, Steps.accept()),
        Refused(
            "agreement.period_billed", "nothing was invoiced meanwhile", by: "oem",
            before: {
                try Steps.periodOver($0)
                try $0.agreement(Steps.amend { $0.validFrom = Steps.start + .days(15) }, by: "customer")
                try $0.agreement(Steps.invoice(), by: "oem")
            }, Steps.accept(2, "terms 2")),
        Refused(
            "agreement.overlaps", "a machine is billed once", by: "customer",
            before: {
                try Steps.active($0)
                try $0.agreement(Steps.propose(AgreementID("rent-2")!), by: "oem")
            }, Steps.accept(agreement: AgreementID("rent-2")!)),
    ])
    func refusesToAccept(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    @Test(arguments: [
        Refused(
            "agreement.wrong_state", "only what holds is amended", by: "oem", before: Steps.proposed,
            Steps.amend()),
        Refused(
            "agreement.not_a_party", "strangers do not amend", by: "arbiter", before: Steps.active,
            Steps.amend()),
        Refused(
            "agreement.validity_order", "terms follow one another", by: "oem", before: Steps.active,
            Steps.amend { $0.validFrom = Timestamp(nanoseconds: Steps.start.nanoseconds - 1_000_000) }),
        Refused(
            "agreement.period_billed", "what is invoiced stays as it is", by: "oem", before: Steps.issued,
            Steps.amend {
                $0.validFrom = Timestamp(nanoseconds: (Steps.start + .days(30)).nanoseconds - 1_000_000)
            }),
        Refused(
            "agreement.arbiter_is_party", "amended terms are checked too", by: "oem", before: Steps.active,
            Steps.amend { $0.arbiter = MemberID("oem")! }),
        Refused(
            "agreement.too_many_versions", "versions have a bound", by: "oem",
            before: {
                try Steps.active($0)
                try $0.change(AgreementRecord.self, Steps.id) {
                    $0.versions = Array(repeating: $0.versions[0], count: 64)
                }
            }, Steps.amend()),
        Refused(
            "agreement.not_a_party", "only the proposer withdraws", by: "customer", before: Steps.proposed,
            .withdraw(.init(agreement: Steps.id))),
        Refused(
            "agreement.nothing_proposed", "what holds stays", by: "oem", before: Steps.active,
            .withdraw(.init(agreement: Steps.id))),
    ])
    func refusesToAmendOrWithdraw(_ refused: Refused) throws { try refused.checkWithDeadlines() }
}

private func + (span: Span, nanoseconds: Int64) -> Span { Span(nanoseconds: span.nanoseconds + nanoseconds) }

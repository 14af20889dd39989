import Codec
import Contracts
import Ledger
import Testing

@Suite struct ProposalTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    private func vote(_ approve: Bool, on id: TransactionID, by name: String) throws {
        try harness.consortium(.vote(.init(proposal: id, approve: approve)), as: harness.member(name))
    }

    @Test func moreThanHalfOfTheBoardDecides() throws {
        try harness.consortium(
            ConsortiumSteps.propose(.setParameters(ConsortiumSteps.parameters)), as: harness.member("b1"))
        let id = harness.lastTransaction
        #expect(try harness.existing(ProposalRecord.self, id).state == .open)
        try vote(true, on: id, by: "b2")
        let proposal = try harness.existing(ProposalRecord.self, id)
        #expect(proposal.state == .passed && proposal.votes.map(\.member.text) == ["b1", "b2"])
        #expect(try harness.timers().isEmpty)
        let parameters = try harness.existing(ParametersRecord.self, .init())
        #expect(parameters.transactionsPerSecond == 100 && parameters.invitationDays == 7)
        #expect(parameters.engines == ConsortiumSteps.parameters.engines && parameters.contractsVersion == 1)
    }

    @Test func halfOfTheBoardRefuses() throws {
        try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member("b1"))
        let id = harness.lastTransaction
        try vote(false, on: id, by: "b2")
        #expect(try harness.existing(ProposalRecord.self, id).state == .rejected)
        #expect(try harness.status("oem") == .active)
    }

    @Test func aBoardOfOneDecidesAtOnce() throws {
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b1"])))
        try harness.decide(.suspend(member: MemberID("b2")!))
        try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member("b1"))
        #expect(try harness.status("oem") == .suspended)
    }

    @Test func aProposalExpires() throws {
        try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member("b1"))
        let id = harness.lastTransaction
        harness.advance(by: ConsortiumContract.proposalLifetime)
        #expect(try harness.existing(ProposalRecord.self, id).state == .expired)
        let code = try harness.rejection(
            ConsortiumContract.self, .vote(.init(proposal: id, approve: true)), as: harness.member("b2"))
        #expect(code == "consortium.proposal_closed")
    }

    @Test func aVoteCanBeChangedWhileOpen() throws {
        try harness.applicant("third", roles: [.board])
        try harness.decide(.admit(member: MemberID("third")!))
        try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member("b1"))
        let id = harness.lastTransaction
        try vote(false, on: id, by: "b1")
        try vote(true, on: id, by: "b2")
        #expect(try harness.existing(ProposalRecord.self, id).state == .open)
        try vote(true, on: id, by: "b1")
        #expect(try harness.existing(ProposalRecord.self, id).votes.count == 2)
        #expect(try harness.status("oem") == .suspended)
    }

    @Test func votesOfThoseWhoLeftTheBoardDoNotCount() throws {
        try harness.applicant("third", roles: [.board])
        try harness.decide(.admit(member: MemberID("third")!))
        try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member("third"))
        let id = harness.lastTransaction
        try harness.decide(.suspend(member: MemberID("third")!))
        try vote(true, on: id, by: "b1")
        #expect(try harness.existing(ProposalRecord.self, id).state == .open)
        try vote(true, on: id, by: "b2")
        #expect(try harness.status("oem") == .suspended)
    }

    @Test func validatorsWaitForTheNextEpochAndAreSorted() throws {
        let validators = ContractHarness.validators(["oem", "b1", "customer"])
        try harness.decide(.setValidators(validators: validators))
        let record = try harness.existing(ValidatorsRecord.self, .init())
        #expect(record.current.map(\.member.text) == ["b1", "b2"])
        #expect(record.next?.map(\.member.text) == ["b1", "customer", "oem"])
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b2", "b1"])))
        #expect(try harness.existing(ValidatorsRecord.self, .init()).next == nil)
    }

    @Test func newRulesAreAnnounced() throws {
        let announcement = ParametersRecord.Announcement(version: 2, digest: .zero, activation: 1000)
        try harness.decide(.announceContracts(announcement))
        #expect(try harness.existing(ParametersRecord.self, .init()).announced == announcement)
    }

    @Test func whatCanNoLongerBeCarriedOutIsRefusedToTheLastVoter() throws {
        let announcement = ParametersRecord.Announcement(version: 2, digest: .zero, activation: 2)
        try harness.consortium(
            ConsortiumSteps.propose(.announceContracts(announcement)), as: harness.member("b1"))
        let code = try harness.rejection(
            ConsortiumContract.self, .vote(.init(proposal: harness.lastTransaction, approve: true)),
            as: harness.member("b2"))
        #expect(code == "consortium.activation_past")
    }

    typealias Refused = Refusal<ConsortiumContract>

    static func subject(
        _ code: String, _ name: String,
        before: @escaping @Sendable (ContractHarness) throws -> Void = { _ in },
        _ subject: ProposalSubject
    ) -> Refused {
        Refused(code, name, by: "b1", before: before, ConsortiumSteps.propose(subject))
    }

    static func parameters(
        _ code: String, _ name: String, _ change: (inout ParametersChange) -> Void
    ) -> Refused {
        var parameters = ConsortiumSteps.parameters
        change(&parameters)
        return subject(code, name, .setParameters(parameters))
    }

    @Test(arguments: [
        Refused(
            "consortium.role_required", "only the board proposes", by: "auditor",
            .admit(ConsortiumSteps.decision("oem"))),
        Refused(
            "consortium.role_required", "only the board votes", by: "oem",
            .vote(.init(proposal: .zero, approve: true))),
        Refused(
            "proposal.unknown", "a vote names a proposal", by: "b1",
            .vote(.init(proposal: .zero, approve: true))),
        Refused(
            "consortium.text_too_long", "a reason has a bound", by: "b1",
            .suspend(.init(member: MemberID("oem")!, reason: String(repeating: "x", count: 1001)))),
        Refused(
            "consortium.text_invalid", "a reason is text", by: "b1",
            .suspend(.init(member: MemberID("oem")!, reason: "\u{7}"))),
        Refused(
            "consortium.too_many_proposals", "a member has 16 open proposals", by: "b1",
            before: { harness in
                for version in 0..<16 {
                    let announcement = ParametersRecord.Announcement(
                        version: 2, digest: .zero, activation: 1000 + UInt64(version))
                    try harness.consortium(
                        ConsortiumSteps.propose(.announceContracts(announcement)), as: harness.member("b1"))
                }
            }, .suspend(ConsortiumSteps.decision("oem"))),
        subject("member.unknown", "a decision names a member", .admit(member: MemberID("nobody")!)),
        subject(
            "consortium.wrong_status", "an active member is not admitted", .admit(member: MemberID("oem")!)),
        subject(
            "consortium.wrong_status", "an active member is not reinstated",
            .reinstate(member: MemberID("oem")!)),
        subject(
            "consortium.wrong_status", "an applicant is not suspended", before: { try $0.applicant() },
            .suspend(member: MemberID("newco")!)),
        subject("consortium.still_validator", "a validator is not removed", .remove(member: MemberID("b2")!)),
        subject(
            "consortium.last_board_member", "somebody has to decide",
            before: { try $0.decide(.suspend(member: MemberID("b2")!)) }, .suspend(member: MemberID("b1")!)),
        subject(
            "consortium.last_board_member", "the last one is not removed",
            before: { try $0.decide(.suspend(member: MemberID("b2")!)) }, .remove(member: MemberID("b1")!)),
        subject("consortium.list_too_short", "somebody has to validate", .setValidators(validators: [])),
        subject(
            "consortium.duplicate_entry", "a member validates once",
            .setValidators(validators: ContractHarness.validators(["b1", "b1"]))),
        subject(
            "consortium.duplicate_entry", "voting keys are distinct",
            .setValidators(validators: [
                .init(member: MemberID("b1")!, votingKey: ContractHarness.publicKey("v")),
                .init(member: MemberID("b2")!, votingKey: ContractHarness.publicKey("v")),
            ])),
        subject(
            "consortium.key_malformed", "a voting key is 32 bytes",
            .setValidators(validators: [.init(member: MemberID("b1")!, votingKey: Bytes([1]))])),
        subject(
            "consortium.member_not_active", "a validator is active",
            before: { try $0.decide(.suspend(member: MemberID("oem")!)) },
            .setValidators(validators: ContractHarness.validators(["oem"]))),
        parameters("consortium.number_out_of_range", "too few transactions") { $0.transactionsPerSecond = 9 },
        parameters("consortium.number_out_of_range", "too few bytes") { $0.bytesPerSecond = 65_535 },
        parameters("consortium.number_out_of_range", "invitations of no time") { $0.invitationDays = 0 },
        parameters("consortium.number_out_of_range", "too long a grace") { $0.auctionGraceSeconds = 3601 },
        parameters("consortium.list_too_short", "there is an engine") { $0.engines = [] },
        parameters("consortium.engines_invalid", "the last resort is embedded") { $0.engines = ["nats://x"] },
        parameters("consortium.engines_invalid", "an engine is a URL") {
            $0.engines = ["nats", "embedded:"]
        },
        parameters("consortium.duplicate_entry", "an engine is listed once") {
            $0.engines = ["embedded:", "embedded:"]
        },
        subject(
            "consortium.wrong_version", "versions follow one another",
            .announceContracts(.init(version: 3, digest: .zero, activation: 1000))),
        subject(
            "consortium.activation_past", "rules change ahead",
            .announceContracts(.init(version: 2, digest: .zero, activation: 1))),
    ]) func refusesAProposal(_ refusal: Refused) throws { try refusal.check() }

    @Test func anApplicantsKeyIsKeptForIt() throws {
        try harness.applicant()
        let key = ContractHarness.keyID("newco")
        #expect(try harness.existing(KeyRecord.self, key).since == .max, "it signs nothing yet")
        let rotation = ConsortiumContract.RotateKeys(
            signingKey: ContractHarness.newKey(
                "newco", for: "oem", sealing: ContractHarness.sealingKey("oem")))
        let brought = try harness.rejection(
            ConsortiumContract.self, .rotateKeys(rotation), as: harness.member("oem"))
        #expect(brought == "consortium.key_taken")
        var machine = ContractHarness.registration("press-9", customer: "customer")
        machine.devices = [.init(publicKey: ContractHarness.publicKey("newco"), label: "box")]
        let registered = try harness.rejection(
            MachineContract.self, .register(machine), as: harness.member("oem"))
        #expect(registered == "machine.key_taken")
        for member in ["b1", "b2"] {
            try harness.consortium(
                .admit(ConsortiumSteps.decision("newco")), as: harness.member(member))
        }
        let record = try harness.existing(KeyRecord.self, key)
        #expect(record.since < .max && record.account.text == "newco" && record.kind == .member)
    }
}

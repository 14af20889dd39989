import Codec
import Contracts
import Ledger
import Testing

/// Voting keys: how a member brings one, and how a validator changes its own. `b1` and `b2` validate.
@Suite struct VotingKeyTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    static func rotate(_ name: String, for member: String) -> ConsortiumContract.Action {
        .rotateVotingKey(.init(votingKey: ContractHarness.newKey(name, for: member, sealing: nil)))
    }

    static func validator(_ member: String, _ key: String) -> ValidatorsRecord.Validator {
        .init(member: MemberID(member)!, votingKey: ContractHarness.publicKey(key))
    }

    private func validators() throws -> ValidatorsRecord {
        try harness.existing(ValidatorsRecord.self, .init())
    }

    private func key(_ name: String) throws -> VotingKeyRecord? {
        try harness.get(VotingKeyRecord.self, ContractHarness.keyID(name))
    }

    @Test func foundingWritesNoVotingKeys() throws {
        #expect(try key("b1.voting") == nil)
        let known = try #require(try harness.context().votingKey(ContractHarness.keyID("b1.voting")))
        #expect(known.member.text == "b1" && known.since == 0 && known.replaced == nil)
    }

    @Test func aValidatorsNewKeyWaitsForTheNextEpoch() throws {
        let before = try validators().current
        try harness.consortium(Self.rotate("b1.second", for: "b1"), as: harness.member("b1"))
        #expect(harness.events == ["votingKeyRotated"])
        let record = try validators()
        #expect(record.current == before)
        #expect(record.next == [Self.validator("b1", "b1.second"), Self.validator("b2", "b2.voting")])
        #expect(try key("b1.voting")?.replaced == harness.height && key("b1.voting")?.since == 0)
        #expect(try key("b1.second")?.since == harness.height && key("b1.second")?.replaced == nil)
        #expect(try key("b2.voting")?.member.text == "b2")
        let member = try harness.existing(MemberRecord.self, MemberID("b1")!)
        #expect(member.votingKey == ContractHarness.publicKey("b1.second"))
    }

    @Test func rotationsOfSeveralValidatorsComeTogether() throws {
        try harness.consortium(Self.rotate("b1.second", for: "b1"), as: harness.member("b1"))
        try harness.consortium(Self.rotate("b2.second", for: "b2"), as: harness.member("b2"))
        try harness.consortium(Self.rotate("b1.third", for: "b1"), as: harness.member("b1"))
        #expect(
            try validators().next == [Self.validator("b1", "b1.third"), Self.validator("b2", "b2.second")])
        #expect(try key("b1.second")?.replaced == harness.height)
    }

    @Test func aRotationIsPartOfTheChangeThatWaits() throws {
        let three = ContractHarness.validators(["b1", "b2", "oem"])
        try harness.decide(.setValidators(validators: three))
        try harness.consortium(Self.rotate("oem.second", for: "oem"), as: harness.member("oem"))
        #expect(try validators().next?.last == Self.validator("oem", "oem.second"))
        #expect(try validators().next?.count == 3)
    }

    @Test func theBoardReplacesTheChangeThatWaitsAndKeepsRotations() throws {
        try harness.consortium(Self.rotate("b1.second", for: "b1"), as: harness.member("b1"))
        let next = [Self.validator("b1", "b1.second"), Self.validator("m1", "m1.voting")]
        try harness.decide(.setValidators(validators: next))
        #expect(try validators().next == next)
        #expect(try key("m1.voting")?.member.text == "m1")
        let old = ConsortiumSteps.propose(
            .setValidators(validators: ContractHarness.validators(["b1", "b2"])))
        #expect(
            try harness.rejection(ConsortiumContract.self, old, as: harness.member("b1"))
                == "consortium.key_taken")
    }

    @Test func aDecisionThatNamesAKeyReplacedSinceIsRefusedToTheLastVoter() throws {
        let subject = ProposalSubject.setValidators(validators: ContractHarness.validators(["b1"]))
        try harness.consortium(ConsortiumSteps.propose(subject), as: harness.member("b1"))
        let proposal = harness.lastTransaction
        try harness.consortium(Self.rotate("b1.second", for: "b1"), as: harness.member("b1"))
        let vote = ConsortiumContract.Action.vote(.init(proposal: proposal, approve: true))
        #expect(
            try harness.rejection(ConsortiumContract.self, vote, as: harness.member("b2"))
                == "consortium.key_taken")
    }

    @Test func aSuspendedValidatorStaysInTheSetUntilOthersAreSet() throws {
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b1", "b2", "oem"])))
        try harness.decide(.suspend(member: MemberID("oem")!))
        #expect(try validators().next?.count == 3)
        let remove = ConsortiumContract.Action.remove(ConsortiumSteps.decision("oem"))
        #expect(
            try harness.rejection(ConsortiumContract.self, remove, as: harness.member("b1"))
                == "consortium.still_validator")
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b1", "b2"])))
        try harness.decide(.remove(member: MemberID("oem")!))
        #expect(try harness.status("oem") == .removed)
    }

    @Test func aMemberOffersItsVotingKey() throws {
        let key = ContractHarness.newKey("oem.voting", for: "oem", sealing: nil)
        try harness.consortium(MemberNodeTests.set([7], votingKey: key), as: harness.member("oem"))
        try harness.consortium(MemberNodeTests.set([8]), as: harness.delegate(of: "oem"))
        let member = try harness.existing(MemberRecord.self, MemberID("oem")!)
        #expect(member.votingKey == ContractHarness.publicKey("oem.voting"))
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b1", "oem"])))
        #expect(try validators().next?.last == Self.validator("oem", "oem.voting"))
    }

    typealias Refused = Refusal<ConsortiumContract>

    @Test(arguments: [
        Refused(
            "consortium.not_a_validator", "only a validator rotates", by: "oem",
            rotate("oem.voting", for: "oem")),
        Refused(
            "consortium.not_a_validator", "one that is to leave has nothing to rotate", by: "b2",
            before: { try $0.decide(.setValidators(validators: ContractHarness.validators(["b1"]))) },
            rotate("b2.second", for: "b2")),
        Refused(
            "consortium.own_key_required", "a delegate does not rotate", signer: .delegate(of: "b1"),
            rotate("b1.second", for: "b1")),
        Refused(
            "consortium.key_taken", "the same key is no rotation", by: "b1", rotate("b1.voting", for: "b1")),
        Refused(
            "consortium.key_taken", "another validator's key", by: "b1", rotate("b2.voting", for: "b1")),
        Refused(
            "consortium.key_taken", "a replaced key does not come back", by: "b1",
            before: { try $0.consortium(rotate("b1.second", for: "b1"), as: $0.member("b1")) },
            rotate("b1.voting", for: "b1")),
        Refused(
            "consortium.possession_not_proven", "the key is proven", by: "b1",
            rotate("b1.second", for: "b2")),
        Refused(
            "consortium.key_taken", "validators do not change keys among themselves", by: "b1",
            ConsortiumSteps.propose(
                .setValidators(validators: [validator("b1", "b2.voting"), validator("b2", "b1.voting")]))),
    ]) func refusesAVotingKey(_ refusal: Refused) throws { try refusal.check() }
}

import Codec
import Contracts
import Cryptography
import Testing

@testable import Ledger

/// Proof of a validator's fault. `b1` and `b2` validate.
@Suite struct EvidenceTests {
    typealias Contract = ConsortiumContract

    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    /// What a voting key signs of a block that the text stands for.
    static func signed(
        _ kind: AttestationKind, _ block: String, by key: String = "b1.voting", epoch: Epoch = 2,
        height: Height = 5, chain: ChainID = ContractHarness.chain
    ) -> Contract.SignedMessage {
        let root = SHA256.digest(Array("root of \(block)".utf8))
        let header = BlockHeader(
            kind: .batch, chain: chain, epoch: epoch, height: height, previous: .zero,
            time: ContractHarness.start, position: 0, content: .zero, logSize: 9, logRoot: root,
            stateRoot: .zero, contractsVersion: 1)
        let signing = ContractHarness.signingKey(key)
        let attestation = Attestation.sign(
            kind, header, hash: SHA256.digest(Array(block.utf8)),
            signer: MessageSigner(publicKey: signing.publicKey.bytes) { signing.sign($0) }, hash: SHA256.hash)
        return .init(
            message: Bytes(attestation.message().encoded), payload: kind == .commit ? root : nil)
    }

    static func report(
        _ first: Contract.SignedMessage, _ second: Contract.SignedMessage,
        _ kind: EvidenceRecord.Kind = .conflictingVotes
    ) -> Contract.Action { .reportEvidence(.init(kind: kind, first: first, second: second)) }

    static let votes = report(signed(.vote, "one"), signed(.vote, "two"))
    static let commits = report(signed(.commit, "one"), signed(.commit, "two"), .conflictingCommits)

    private func fault(_ kind: EvidenceRecord.Kind, _ validator: String = "b1") throws -> EvidenceRecord {
        let id = EvidenceRecord.Fault(
            validator: MemberID(validator)!, kind: kind, epoch: 2, height: 5)
        return try harness.existing(EvidenceRecord.self, id)
    }

    @Test func twoVotesForOneHeightAreKept() throws {
        try harness.consortium(Self.votes, as: harness.member("auditor"))
        #expect(harness.events == ["evidenceReported"])
        let evidence = try fault(.conflictingVotes)
        #expect(evidence.key == ContractHarness.keyID("b1.voting"))
        #expect(evidence.reporter.text == "auditor" && evidence.time == harness.now)
        let digests = ["one", "two"].map { SHA256.digest(Self.signed(.vote, $0).message.array) }
        #expect(evidence.messages == digests.sorted())
    }

    @Test func twoCommitsForOneHeightAreAnotherFault() throws {
        try harness.consortium(Self.votes, as: harness.member("oem"))
        try harness.consortium(Self.commits, as: harness.delegate(of: "m1"))
        #expect(try fault(.conflictingCommits).reporter.text == "m1")
    }

    @Test func aReplacedKeyStillSpeaksAgainstItsMember() throws {
        try harness.consortium(VotingKeyTests.rotate("b1.second", for: "b1"), as: harness.member("b1"))
        try harness.consortium(Self.votes, as: harness.member("oem"))
        #expect(try fault(.conflictingVotes).key == ContractHarness.keyID("b1.voting"))
    }

    @Test func aFormerValidatorIsStillKnown() throws {
        try harness.decide(.setValidators(validators: ContractHarness.validators(["b1"])))
        // As the epoch block does.
        try harness.context().put(ValidatorsRecord(current: ContractHarness.validators(["b1"])))
        try harness.decide(.remove(member: MemberID("b2")!))
        let votes = ["one", "two"].map { Self.signed(.vote, $0, by: "b2.voting") }
        try harness.consortium(Self.report(votes[0], votes[1]), as: harness.member("oem"))
        #expect(try fault(.conflictingVotes, "b2").id.validator.text == "b2")
    }

    typealias Refused = Refusal<ConsortiumContract>

    static func refused(_ name: String, _ action: Contract.Action, _ code: String = "evidence_invalid")
        -> Refused
    {
        Refused("consortium.\(code)", name, by: "oem", action)
    }

    static func changed(
        _ message: Contract.SignedMessage, _ change: (inout Contract.SignedMessage) -> Void
    ) -> Contract.SignedMessage {
        var message = message
        change(&message)
        return message
    }

    @Test(arguments: [
        refused("one block is no fault", report(signed(.vote, "one"), signed(.vote, "one"))),
        refused("two heights are no fault", report(signed(.vote, "one"), signed(.vote, "two", height: 6))),
        refused("two epochs are no fault", report(signed(.vote, "one"), signed(.vote, "two", epoch: 3))),
        refused("two keys are no fault", report(signed(.vote, "one"), signed(.vote, "two", by: "b2.voting"))),
        refused("a vote and a commit are no fault", report(signed(.vote, "one"), signed(.commit, "two"))),
        refused(
            "votes are not commits", report(signed(.vote, "one"), signed(.vote, "two"), .conflictingCommits)),
        refused(
            "another ledger's votes say nothing here",
            report(signed(.vote, "one", chain: .zero), signed(.vote, "two", chain: .zero))),
        refused(
            "a stranger is no validator",
            report(signed(.vote, "one", by: "x"), signed(.vote, "two", by: "x")),
            "voting_key_unknown"),
        refused(
            "a signature holds",
            report(
                signed(.vote, "one"),
                changed(signed(.vote, "two")) { $0.message.array[$0.message.count - 1] ^= 1 })),
        refused(
            "the first signature holds too",
            report(
                changed(signed(.vote, "one")) { $0.message.array[$0.message.count - 1] ^= 1 },
                signed(.vote, "two"))),
        refused(
            "a commit comes with its log root",
            report(
                signed(.commit, "one"), changed(signed(.commit, "two")) { $0.payload = nil },
                .conflictingCommits)),
        refused(
            "a commit's log root is the signed one",
            report(
                signed(.commit, "one"), changed(signed(.commit, "two")) { $0.payload = .zero },
                .conflictingCommits)),
        refused(
            "a vote has no payload of its own",
            report(signed(.vote, "one"), changed(signed(.vote, "two")) { $0.payload = SHA256.digest([]) })),
        refused(
            "a message is one",
            report(signed(.vote, "one"), .init(message: Bytes([0xd2])))),
        refused(
            "a message is there", report(signed(.vote, "one"), .init(message: Bytes([]))),
            "number_out_of_range"),
        refused(
            "a message has a bound",
            report(signed(.vote, "one"), .init(message: Bytes(Array(repeating: 0, count: 4097)))),
            "number_out_of_range"),
    ]) func refusesEvidence(_ refusal: Refused) throws { try refusal.check() }

    @Test func aFaultIsRecordedOnce() throws {
        try harness.consortium(Self.votes, as: harness.member("oem"))
        for again in [Self.votes, Self.report(Self.signed(.vote, "two"), Self.signed(.vote, "three"))] {
            #expect(
                try harness.rejection(Contract.self, again, as: harness.member("m1"))
                    == "consortium.evidence_known")
        }
    }
}

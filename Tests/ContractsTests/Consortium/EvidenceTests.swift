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

    /// What a voting key says when it stops for epoch 4.
    static func stop(
        lock: (epoch: Epoch, height: Height) = (1, 3), wish: String? = nil, by key: String = "b1.voting",
        epoch: Epoch = 4, chain: ChainID = ContractHarness.chain
    ) -> Contract.SignedMessage {
        let signing = ContractHarness.signingKey(key)
        let stop = Stop.signed(
            chain: chain, epoch: epoch, lock: .init(epoch: lock.epoch, height: lock.height, block: .zero),
            clock: ContractHarness.start, wish: wish,
            signer: MessageSigner(publicKey: signing.publicKey.bytes) { signing.sign($0) }, hash: SHA256.hash)
        return .init(message: Bytes(stop.bytes))
    }

    @Test func twoStopsForOneEpochAreKept() throws {
        try harness.consortium(
            Self.report(Self.stop(), Self.stop(lock: (2, 5)), .conflictingStops), as: harness.member("oem"))
        let id = EvidenceRecord.Fault(
            validator: MemberID("b1")!, kind: .conflictingStops, epoch: 4, height: 0)
        #expect(try harness.existing(EvidenceRecord.self, id).key == ContractHarness.keyID("b1.voting"))
    }

    @Test(arguments: [(1, 9), (2, 4)] as [(Epoch, Height)])
    func aStopThatForgetsACommitIsKept(lock: (Epoch, Height)) throws {
        // The commit is of epoch 2 and height 5.
        try harness.consortium(
            Self.report(Self.stop(lock: lock), Self.signed(.commit, "one"), .staleLock),
            as: harness.member("oem"))
        let id = EvidenceRecord.Fault(validator: MemberID("b1")!, kind: .staleLock, epoch: 4, height: 0)
        #expect(try harness.get(EvidenceRecord.self, id) != nil)
    }

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
        refused("one stop is no fault", report(stop(), stop(), .conflictingStops)),
        refused("stops for two epochs are no fault", report(stop(), stop(epoch: 5), .conflictingStops)),
        refused(
            "stops of two keys are no fault",
            report(stop(), stop(wish: "embedded:", by: "b2.voting"), .conflictingStops)),
        refused(
            "another ledger's stops say nothing here",
            report(stop(chain: .zero), stop(wish: "embedded:", chain: .zero), .conflictingStops)),
        refused(
            "a stop holds its payload",
            report(stop(), changed(stop(wish: "x")) { $0.payload = .zero }, .conflictingStops)),
        refused(
            "a stop's signature holds",
            report(
                stop(), changed(stop(wish: "x")) { $0.message.array[$0.message.count - 1] ^= 1 },
                .conflictingStops)),
        refused(
            "a stranger's stops", report(stop(by: "x"), stop(wish: "x", by: "x"), .conflictingStops),
            "voting_key_unknown"),
        refused("a vote is no stop", report(signed(.vote, "one"), stop(), .conflictingStops)),
        refused(
            "a lock on the committed height is none below",
            report(stop(lock: (2, 5)), signed(.commit, "one"), .staleLock)),
        refused(
            "a lock of a later epoch is none below",
            report(stop(lock: (3, 1)), signed(.commit, "one"), .staleLock)),
        refused(
            "a commit in the stop's own epoch came after it",
            report(stop(epoch: 2), signed(.commit, "one"), .staleLock)),
        refused("a vote locks nothing", report(stop(), signed(.vote, "one"), .staleLock)),
        refused(
            "another's commit says nothing of the stop",
            report(stop(), signed(.commit, "one", by: "b2.voting"), .staleLock)),
        refused(
            "another ledger's commit says nothing of the stop",
            report(stop(), signed(.commit, "one", chain: .zero), .staleLock)),
        refused(
            "the commit is signed",
            report(stop(), changed(signed(.commit, "one")) { $0.payload = .zero }, .staleLock)),
        refused("the stop comes first", report(signed(.commit, "one"), stop(), .staleLock)),
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

import Codec
import Contracts
import Ledger

extension ContractCase {
    private typealias Contract = ConsortiumContract
    private static let board: Set<String> = ["b1", "b2", "b3", "delegate"]
    private static let auditor = Contract.Decision(
        member: MemberID("auditor")!, reason: "as the board has it")

    static let consortium: [ContractCase] = [
        .init(Contract.self, "invite", by: "b1", allowed: board) { stage, _ in
            invite("inv-2", "newcomer", stage)
        },
        .init(Contract.self, "join", by: "b1", allowed: ["invitation"]) { stage, _ in join(stage) },
        .init(
            Contract.self, "propose", .propose(.init(subject: .suspend(member: MemberID("auditor")!))),
            by: "b1", allowed: board),
        .init(
            Contract.self, "vote", by: "b1", allowed: board,
            prepare: { stage in
                try stage.step(Contract.self, .suspend(auditor), by: "b3")
            }, make: { stage, _ in .vote(.init(proposal: try proposal(stage), approve: true)) }),
        .init(
            Contract.self, "admit", .admit(.init(member: MemberID("joiner")!)), by: "b1", allowed: board,
            prepare: { stage in
                try stage.step(Contract.self, join(stage), by: "inv.invitation")
            }),
        .init(Contract.self, "suspend", .suspend(auditor), by: "b1", allowed: board),
        .init(
            Contract.self, "reinstate", .reinstate(auditor), by: "b1", allowed: board,
            prepare: { stage in
                for member in ["b2", "b3"] { try stage.step(Contract.self, .suspend(auditor), by: member) }
            }),
        .init(Contract.self, "remove", .remove(auditor), by: "b1", allowed: board),
        .init(
            Contract.self, "updateProfile",
            .updateProfile(
                .init(name: "New", profile: Stage.profile("new"), endpoint: "https://new.example")),
            by: "customer", allowed: everyone.union(["delegate"])),
        .init(
            Contract.self, "rotateKeys", by: "customer", allowed: everyone,
            make: { stage, member in
                let sealing = Stage.sealingKey("next")
                let key = stage.newKey("next", for: member, sealing: sealing)
                return .rotateKeys(.init(signingKey: key, sealingPublicKey: sealing))
            }),
        .init(
            Contract.self, "delegateKey", by: "customer", allowed: everyone,
            make: { stage, member in
                delegate("another", of: member, scopes: ["machine.*"], until: stage.clock + .days(1), stage)
            }),
        .init(
            Contract.self, "revokeKey", .revokeKey(.init(key: Stage.keyID("customer.erp"))), by: "customer",
            allowed: ["customer"], prepare: delegated),
        // A device's key is its customer's to end, and not its OEM's; an invitation's any board member's.
        .init(
            Contract.self, "revokeKey", .revokeKey(.init(key: Stage.keyID("press-8.device"))),
            by: "customer2", allowed: ["customer2"]),
        .init(
            Contract.self, "revokeKey", .revokeKey(.init(key: Stage.keyID("inv.invitation"))), by: "b1",
            allowed: ["b1", "b2", "b3"]),
        .init(
            Contract.self, "propose",
            .propose(.init(subject: .revokeKey(key: Stage.keyID("customer.erp")))), by: "b1", allowed: board,
            prepare: delegated),
        .init(Contract.self, "accredit", accredit("m3"), by: "oem", allowed: ["oem", "oem2", "delegate"]),
        .init(
            Contract.self, "revokeAccreditation",
            .revokeAccreditation(.init(maintainer: MemberID("m3")!)), by: "oem",
            allowed: ["oem", "oem2", "delegate"],
            prepare: { stage in
                for oem in ["oem", "oem2"] { try stage.step(Contract.self, accredit("m3"), by: oem) }
            }),
        .init(
            Contract.self, "setNode",
            .setNode(.init(endpoint: "https://node.example", tlsPins: [.zero])), by: "customer",
            allowed: everyone.union(["delegate"])),
        // A voting key with it is more than a node may say for itself: a delegated key cannot bring one.
        .init(
            Contract.self, "setNode", by: "customer", allowed: everyone,
            make: { stage, member in
                .setNode(
                    .init(
                        endpoint: "", tlsPins: [],
                        votingKey: stage.newKey("another.voting", for: member, sealing: nil)))
            }),
        .init(
            Contract.self, "rotateVotingKey", by: "b1", allowed: ["b1"],
            ownCodes: ["consortium.not_a_validator"],
            make: { stage, member in
                let key = stage.newKey("another.voting", for: member, sealing: nil)
                return .rotateVotingKey(.init(votingKey: key))
            }),
        .init(
            Contract.self, "reportEvidence", by: "customer", allowed: everyone.union(["delegate"]),
            make: { stage, _ in
                .reportEvidence(
                    .init(
                        kind: .conflictingVotes, first: vote(for: "one", stage),
                        second: vote(for: "two", stage)))
            }),
    ]

    /// The base, and a key `erp` of the customer's that signs for machines for a day.
    package static func baseWithDelegate() throws -> Stage {
        var stage = try base()
        let action = delegate(
            "erp", of: "customer", scopes: ["machine.*"], until: stage.clock + .days(1), stage)
        try stage.step(Contract.self, action, by: "customer")
        return stage
    }

    @Sendable private static func delegated(_ stage: inout Stage) throws {
        let action = delegate(
            "customer.erp", of: "customer", scopes: ["machine.*"], until: stage.clock + .days(30), stage)
        try stage.step(Contract.self, action, by: "customer")
    }

    /// The validator's vote at the head's height for a block of its fancy.
    private static func vote(for block: String, _ stage: Stage) -> Contract.SignedMessage {
        let hash = stage.rules.hash
        let vote = Attestation.sign(
            .vote, stage.executor.head, hash: hash(Array(block.utf8)), signer: Stage.signer("voting"),
            hash: hash)
        return .init(message: Bytes(vote.message().encoded))
    }

    /// The one proposal that there is.
    private static func proposal(_ stage: Stage) throws -> TransactionID {
        let prefix = RowKey(table: ProposalRecord.table, key: []).bytes
        guard let key = try stage.rows.keys(withPrefix: prefix, from: prefix, limit: 1).first,
            let id = Digest(key.bytes.dropFirst(prefix.count))
        else { throw Stage.Unexpected(description: "no proposal") }
        return id
    }

    private static func join(_ stage: Stage) -> Contract.Action {
        let sealing = Stage.sealingKey("joiner")
        return .join(
            .init(
                profile: Stage.profile("joiner"), endpoint: "",
                signingKey: stage.newKey("joiner", for: "joiner", sealing: sealing),
                sealingPublicKey: sealing))
    }

    /// A delegated key of a member.
    package static func delegate(
        _ name: String, of member: String, scopes: [String], until: Timestamp, _ stage: Stage
    ) -> ConsortiumContract.Action {
        .delegateKey(
            .init(key: stage.newKey(name, for: member, sealing: nil), scopes: scopes, expires: until))
    }
}

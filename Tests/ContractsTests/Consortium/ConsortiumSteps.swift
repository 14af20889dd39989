import Codec
import Contracts
import Ledger

/// Ready-made actions on the consortium for its own suites.
enum ConsortiumSteps {
    typealias Contract = ConsortiumContract

    static func invite(
        _ member: String = "newco", invitation: String = "inv-1", name: String = "Newco",
        roles: [Role] = [.oem]
    ) -> Contract.Action {
        .invite(
            .init(
                invitation: InvitationID(invitation)!, member: MemberID(member)!, name: name, roles: roles,
                key: ContractHarness.newKey("\(invitation).invitation", for: member, sealing: nil)))
    }

    static func join(_ member: String = "newco", key: String? = nil) -> Contract.Join {
        .init(
            profile: ContractHarness.profile(member), endpoint: "https://\(member).example",
            signingKey: ContractHarness.newKey(
                key ?? member, for: member, sealing: ContractHarness.sealingKey(member)),
            sealingPublicKey: ContractHarness.sealingKey(member))
    }

    static func propose(_ subject: ProposalSubject) -> Contract.Action { .propose(.init(subject: subject)) }

    static func decision(_ member: String) -> Contract.Decision { .init(member: MemberID(member)!) }

    static let parameters = ParametersChange(
        transactionsPerSecond: 100, bytesPerSecond: 100_000, invitationDays: 7, auctionGraceSeconds: 10,
        engines: ["nats://broker.example:4222", "embedded:"])

    static func delegation(
        scopes: [String] = ["machine.start"], expires: Timestamp = ContractHarness.start + .days(30),
        key: String = "oem.delegate"
    ) -> Contract.Action {
        .delegateKey(
            .init(
                key: ContractHarness.newKey(key, for: "oem", sealing: nil), scopes: scopes, expires: expires))
    }
}

extension ContractHarness {
    func consortium(_ action: ConsortiumContract.Action, as signer: Signer) throws {
        try run(ConsortiumContract.self, action, as: signer)
    }

    /// Both board members decide.
    func decide(_ subject: ProposalSubject) throws {
        try consortium(ConsortiumSteps.propose(subject), as: member("b1"))
        try consortium(ConsortiumSteps.propose(subject), as: member("b2"))
    }

    /// A company is invited and joins; the board has not admitted it.
    func applicant(_ name: String = "newco", roles: [Role] = [.oem]) throws {
        try consortium(ConsortiumSteps.invite(name, roles: roles), as: member("b1"))
        try consortium(.join(ConsortiumSteps.join(name)), as: invitation("inv-1"))
    }

    func status(_ name: String) throws -> MemberRecord.Status? {
        try get(MemberRecord.self, MemberID(name)!)?.status
    }

    func account(_ name: String) throws -> AccountRecord.Status? {
        try get(AccountRecord.self, MemberID(name)!)?.status
    }
}

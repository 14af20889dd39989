import Codec
import Contracts
import Ledger
import Testing

@Suite struct KeyTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    @Test func rotationRevokesTheOldKeyAtOnce() throws {
        let sealing = ContractHarness.sealingKey("oem.2")
        let rotation = ConsortiumContract.RotateKeys(
            signingKey: ContractHarness.newKey("oem.2", for: "oem", sealing: sealing),
            sealingPublicKey: sealing)
        try harness.consortium(.rotateKeys(rotation), as: harness.member("oem"))
        #expect(try harness.existing(KeyRecord.self, ContractHarness.keyID("oem")).revoked)
        let new = try harness.existing(KeyRecord.self, ContractHarness.keyID("oem.2"))
        #expect(!new.revoked && new.since == harness.height && new.account == MemberID("oem"))
        let keys = try harness.existing(MemberRecord.self, MemberID("oem")!).keys
        #expect(keys?.signing == new.id && keys?.sealingPublicKey == sealing)
    }

    @Test func aSealingKeyRotatesAlone() throws {
        let sealing = ContractHarness.sealingKey("oem.2")
        try harness.consortium(.rotateKeys(.init(sealingPublicKey: sealing)), as: harness.member("oem"))
        let keys = try harness.existing(MemberRecord.self, MemberID("oem")!).keys
        #expect(keys?.signing == ContractHarness.keyID("oem") && keys?.sealingPublicKey == sealing)
    }

    @Test func aDelegatedKeyHasScopesAndAnEnd() throws {
        try harness.consortium(
            ConsortiumSteps.delegation(scopes: ["machine.stop", "machine.*"]), as: harness.member("oem"))
        let key = try harness.existing(KeyRecord.self, ContractHarness.keyID("oem.delegate"))
        #expect(key.kind == .delegate && key.scopes == ["machine.*", "machine.stop"])
        #expect(key.expires == ContractHarness.start + .days(30))
    }

    @Test func aDelegatedKeyIsGivenALaterEnd() throws {
        try harness.consortium(ConsortiumSteps.delegation(), as: harness.member("oem"))
        let before = try harness.existing(KeyRecord.self, ContractHarness.keyID("oem.delegate"))
        let later = ContractHarness.start + .days(900)
        try harness.consortium(ConsortiumSteps.delegation(expires: later), as: harness.member("oem"))
        let after = try harness.existing(KeyRecord.self, before.id)
        #expect(after.expires == later && after.scopes == before.scopes && after.since == before.since)
        func refusal(_ action: ConsortiumContract.Action) throws -> String? {
            try harness.rejection(ConsortiumContract.self, action, as: harness.member("oem"))
        }
        // Neither an earlier end, nor other scopes, nor a key that has been ended.
        #expect(try refusal(ConsortiumSteps.delegation()) == "consortium.key_taken")
        let other = ConsortiumSteps.delegation(scopes: ["machine.*"], expires: later + .days(1))
        #expect(try refusal(other) == "consortium.key_taken")
        try harness.consortium(.revokeKey(.init(key: before.id)), as: harness.member("oem"))
        let last = ConsortiumSteps.delegation(expires: later + .days(1))
        #expect(try refusal(last) == "consortium.key_taken")
    }

    @Test func aDelegatedKeyIsRevokedByItsMember() throws {
        try harness.consortium(ConsortiumSteps.delegation(), as: harness.member("oem"))
        let key = ContractHarness.keyID("oem.delegate")
        try harness.consortium(.revokeKey(.init(key: key)), as: harness.member("oem"))
        #expect(try harness.existing(KeyRecord.self, key).revoked)
    }

    @Test func theBoardRevokesAnothersKeyByDecision() throws {
        try harness.consortium(ConsortiumSteps.delegation(), as: harness.member("oem"))
        let key = ContractHarness.keyID("oem.delegate")
        let decision = ConsortiumContract.Action.propose(.init(subject: .revokeKey(key: key)))
        try harness.consortium(decision, as: harness.member("b1"))
        #expect(try !harness.existing(KeyRecord.self, key).revoked)
        try harness.consortium(decision, as: harness.member("b2"))
        #expect(try harness.existing(KeyRecord.self, key).revoked)
    }

    @Test func aDeviceIsRevokedByItsCustomerAndReplacedByItsOEM() throws {
        let harness = try ContractHarness()
        try harness.acceptedMachine("press-7")
        let device = try #require(
            try harness.existing(MachineRecord.self, MachineID("press-7")!).devices.first)
        for other in ["b1", "m1", "oem"] {
            let code = try harness.rejection(
                ConsortiumContract.self, .revokeKey(.init(key: device.key)), as: harness.member(other))
            #expect(code == "consortium.not_a_party")
        }
        try harness.machine(MachineSteps.replace(), as: harness.member("oem"))
        #expect(try !harness.existing(KeyRecord.self, device.key).revoked, "the old one signs until then")
        try harness.consortium(.revokeKey(.init(key: device.key)), as: harness.member("customer"))
        #expect(try harness.existing(KeyRecord.self, device.key).revoked)
    }

    typealias Refused = Refusal<ConsortiumContract>

    static let delegate: @Sendable (ContractHarness) throws -> Void = {
        try $0.consortium(ConsortiumSteps.delegation(), as: $0.member("oem"))
    }

    @Test(arguments: [
        Refused("consortium.nothing_to_rotate", "a rotation brings a key", by: "oem", .rotateKeys(.init())),
        Refused(
            "consortium.own_key_required", "a delegate does not rotate", signer: .delegate(of: "oem"),
            .rotateKeys(.init(sealingPublicKey: ContractHarness.sealingKey("x")))),
        Refused(
            "consortium.key_taken", "the same key is no rotation", by: "oem",
            .rotateKeys(
                .init(
                    signingKey: ContractHarness.newKey(
                        "oem", for: "oem", sealing: ContractHarness.sealingKey("oem"))))),
        Refused(
            "consortium.possession_not_proven", "the proof covers the sealing key that stays", by: "oem",
            .rotateKeys(
                .init(
                    signingKey: ContractHarness.newKey(
                        "oem.2", for: "oem", sealing: ContractHarness.sealingKey("another"))))),
        Refused(
            "consortium.key_malformed", "a sealing key is 32 bytes", by: "oem",
            .rotateKeys(.init(sealingPublicKey: Bytes([])))),
        Refused(
            "consortium.own_key_required", "a delegate does not delegate", signer: .delegate(of: "oem"),
            ConsortiumSteps.delegation(key: "oem.2")),
        Refused(
            "consortium.list_too_short", "a delegate has scopes", by: "oem",
            ConsortiumSteps.delegation(scopes: [])),
        Refused(
            "consortium.list_too_long", "scopes have a bound", by: "oem",
            ConsortiumSteps.delegation(scopes: Array(repeating: "machine.start", count: 33))),
        Refused(
            "consortium.scope_invalid", "a scope names an action", by: "oem",
            ConsortiumSteps.delegation(scopes: ["machine"])),
        Refused(
            "consortium.scope_invalid", "a scope names a contract", by: "oem",
            ConsortiumSteps.delegation(scopes: ["*.*"])),
        Refused(
            "consortium.scope_invalid", "a scope has two parts", by: "oem",
            ConsortiumSteps.delegation(scopes: ["machine.start.now"])),
        Refused(
            "consortium.duplicate_entry", "a scope is listed once", by: "oem",
            ConsortiumSteps.delegation(scopes: ["machine.*", "machine.*"])),
        Refused(
            "consortium.expiry_out_of_range", "a delegation ends ahead", by: "oem",
            ConsortiumSteps.delegation(expires: ContractHarness.start)),
        Refused(
            "consortium.expiry_out_of_range", "a delegation ends within five years", by: "oem",
            ConsortiumSteps.delegation(expires: ContractHarness.start + .days(5 * 366 + 1))),
        Refused(
            "consortium.possession_not_proven", "a delegate's key is proven", by: "m1",
            ConsortiumSteps.delegation()),
        Refused("key.unknown", "a revocation names a key", by: "b1", .revokeKey(.init(key: KeyID(.zero)))),
        Refused(
            "consortium.not_a_party", "one board member does not decide alone", by: "b1", before: delegate,
            .revokeKey(.init(key: ContractHarness.keyID("oem.delegate")))),
        Refused(
            "consortium.key_in_use", "nor the board on a member's own key", by: "b1",
            .propose(.init(subject: .revokeKey(key: ContractHarness.keyID("oem"))))),
        Refused(
            "key.unknown", "a decision names a key", by: "b1",
            .propose(.init(subject: .revokeKey(key: KeyID(.zero))))),
        Refused(
            "consortium.not_a_party", "another's key stays", by: "m1", before: delegate,
            .revokeKey(.init(key: ContractHarness.keyID("oem.delegate")))),
        Refused(
            "consortium.key_in_use", "a member's own key is rotated", by: "oem",
            .revokeKey(.init(key: ContractHarness.keyID("oem")))),
        Refused(
            "consortium.key_revoked", "a key is revoked once", by: "oem",
            before: {
                try delegate($0)
                try $0.consortium(
                    .revokeKey(.init(key: ContractHarness.keyID("oem.delegate"))), as: $0.member("oem"))
            }, .revokeKey(.init(key: ContractHarness.keyID("oem.delegate")))),
        Refused(
            "consortium.own_key_required", "a delegate does not revoke", signer: .delegate(of: "oem"),
            before: delegate, .revokeKey(.init(key: ContractHarness.keyID("oem.delegate")))),
    ]) func refusesToChangeKeys(_ refusal: Refused) throws { try refusal.check() }
}

import Codec
import Contracts
import Ledger
import Testing

@Suite struct MembershipTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    @Test func aCompanyIsInvitedJoinsAndIsAdmitted() throws {
        try harness.consortium(
            ConsortiumSteps.invite(roles: [.oem, .maintainer, .customer]), as: harness.member("b1"))
        #expect(harness.events == ["invited"])
        let invited = try harness.existing(MemberRecord.self, MemberID("newco")!)
        #expect(invited.status == .invited && invited.roles == [.customer, .maintainer, .oem])
        let key = try harness.existing(KeyRecord.self, ContractHarness.keyID("inv-1.invitation"))
        #expect(key.kind == .invitation && key.subject == "inv-1" && key.scopes == ["consortium.join"])
        #expect(key.expires == harness.now + .days(14))
        #expect(key.account == MemberID("b1"))

        try harness.consortium(.join(ConsortiumSteps.join()), as: harness.invitation("inv-1"))
        #expect(try harness.status("newco") == .applied)
        #expect(try harness.account("newco") == nil)
        #expect(try harness.existing(KeyRecord.self, key.id).revoked)
        #expect(try harness.existing(InvitationRecord.self, InvitationID("inv-1")!).state == .used)
        #expect(try harness.timers().isEmpty)
        #expect(try harness.get(KeyRecord.self, ContractHarness.keyID("newco"))?.since == .max)

        try harness.consortium(.admit(ConsortiumSteps.decision("newco")), as: harness.member("b1"))
        #expect(try harness.status("newco") == .applied)
        try harness.consortium(.admit(ConsortiumSteps.decision("newco")), as: harness.member("b2"))
        #expect(harness.events == ["admitted", "passed"])
        #expect(try harness.status("newco") == .active)
        #expect(try harness.account("newco") == .active)
        let own = try harness.existing(KeyRecord.self, ContractHarness.keyID("newco"))
        #expect(own.kind == .member && own.since == harness.height && own.scopes.isEmpty)
    }

    @Test func anUnusedInvitationExpiresAndFreesTheName() throws {
        try harness.consortium(ConsortiumSteps.invite(), as: harness.member("b1"))
        harness.advance(by: .days(14))
        #expect(harness.events.last == "invitationExpired")
        #expect(try harness.existing(InvitationRecord.self, InvitationID("inv-1")!).state == .expired)
        #expect(try harness.existing(KeyRecord.self, ContractHarness.keyID("inv-1.invitation")).revoked)
        #expect(try harness.status("newco") == nil)
        try harness.consortium(ConsortiumSteps.invite(invitation: "inv-2"), as: harness.member("b2"))
    }

    @Test func aUsedInvitationDoesNotExpire() throws {
        try harness.applicant()
        harness.advance(by: .days(15))
        #expect(try harness.status("newco") == .applied)
    }

    @Test func theBoardRevokesAnInvitation() throws {
        try harness.consortium(ConsortiumSteps.invite(), as: harness.member("b1"))
        try harness.consortium(
            .revokeKey(.init(key: ContractHarness.keyID("inv-1.invitation"))), as: harness.member("b2"))
        #expect(try harness.existing(InvitationRecord.self, InvitationID("inv-1")!).state == .revoked)
        #expect(try harness.status("newco") == nil)
        #expect(try harness.timers().isEmpty)
        #expect(
            try harness.rejection(
                ConsortiumContract.self, .join(ConsortiumSteps.join()), as: harness.invitation("inv-1"))
                == "consortium.invitation_not_open")
    }

    @Test func suspensionStopsTheAccountAndReinstatementStartsIt() throws {
        let oem = harness.member("oem")
        for name in ["b1", "b2"] {
            try harness.consortium(.suspend(ConsortiumSteps.decision("oem")), as: harness.member(name))
        }
        #expect(try harness.status("oem") == .suspended)
        #expect(try harness.account("oem") == .suspended)
        #expect(try harness.existing(KeyRecord.self, oem.key).revoked == false)
        for name in ["b1", "b2"] {
            try harness.consortium(.reinstate(ConsortiumSteps.decision("oem")), as: harness.member(name))
        }
        #expect(try harness.status("oem") == .active)
        #expect(try harness.account("oem") == .active)
    }

    @Test func removalIsForGood() throws {
        for name in ["b1", "b2"] {
            try harness.consortium(.remove(ConsortiumSteps.decision("oem")), as: harness.member(name))
        }
        #expect(try harness.status("oem") == .removed)
        #expect(try harness.account("oem") == .removed)
        let reinstate = ConsortiumContract.Action.reinstate(ConsortiumSteps.decision("oem"))
        #expect(
            try harness.rejection(ConsortiumContract.self, reinstate, as: harness.member("b1"))
                == "consortium.wrong_status")
        #expect(
            try harness.rejection(
                ConsortiumContract.self, ConsortiumSteps.invite("oem"), as: harness.member("b1"))
                == "consortium.member_exists")
    }

    @Test func anApplicantIsRemovedWithoutAnAccount() throws {
        try harness.applicant()
        try harness.decide(.remove(member: MemberID("newco")!))
        #expect(try harness.status("newco") == .removed)
        #expect(try harness.account("newco") == nil)
    }

    @Test func aMemberUpdatesItsProfile() throws {
        var profile = ContractHarness.profile("oem")
        profile.city = "Augsburg"
        profile.vatID = nil
        let body = ConsortiumContract.UpdateProfile(name: "OEM SE", profile: profile, endpoint: "")
        try harness.consortium(.updateProfile(body), as: harness.delegate(of: "oem"))
        let member = try harness.existing(MemberRecord.self, MemberID("oem")!)
        #expect(member.name == "OEM SE" && member.profile == profile && member.endpoint.isEmpty)
    }

    typealias Refused = Refusal<ConsortiumContract>

    @Test(arguments: [
        Refused("consortium.role_required", "only the board invites", by: "oem", ConsortiumSteps.invite()),
        Refused(
            "consortium.not_a_member_key", "a device does not invite",
            signer: .device(of: "press-7", customer: "b1"), ConsortiumSteps.invite()),
        Refused(
            "consortium.member_not_active", "a suspended member does nothing", by: "oem",
            before: { try $0.decide(.suspend(member: MemberID("oem")!)) },
            .updateProfile(.init(name: "x", profile: ContractHarness.profile("oem"), endpoint: ""))),
        Refused(
            "consortium.text_too_short", "a member has a name", by: "b1", ConsortiumSteps.invite(name: "")),
        Refused(
            "consortium.text_too_long", "a name has a bound", by: "b1",
            ConsortiumSteps.invite(name: String(repeating: "x", count: 201))),
        Refused(
            "consortium.text_invalid", "a name is one line", by: "b1",
            ConsortiumSteps.invite(name: "two\nlines")),
        Refused(
            "consortium.list_too_short", "a member has a role", by: "b1", ConsortiumSteps.invite(roles: [])),
        Refused(
            "consortium.list_too_long", "there are six roles", by: "b1",
            ConsortiumSteps.invite(roles: Role.allCases + [.oem])),
        Refused(
            "consortium.duplicate_entry", "a role is given once", by: "b1",
            ConsortiumSteps.invite(roles: [.oem, .oem])),
        Refused(
            "consortium.member_exists", "a member's name is taken", by: "b1", ConsortiumSteps.invite("oem")),
        Refused(
            "consortium.invitation_exists", "an invitation's name is taken", by: "b1",
            before: { try $0.consortium(ConsortiumSteps.invite(), as: $0.member("b1")) },
            ConsortiumSteps.invite("other")),
        Refused(
            "consortium.key_malformed", "a key is 32 bytes", by: "b1",
            .invite(
                .init(
                    invitation: InvitationID("i")!, member: MemberID("newco")!, name: "x", roles: [.oem],
                    key: .init(publicKey: Bytes([1, 2, 3]), possession: Bytes([]))))),
        Refused(
            "consortium.key_taken", "a known key is not taken again", by: "b1",
            .invite(
                .init(
                    invitation: InvitationID("i")!, member: MemberID("newco")!, name: "x", roles: [.oem],
                    key: ContractHarness.newKey("oem", for: "newco", sealing: nil)))),
        Refused(
            "consortium.possession_not_proven", "the inviter holds the invitation's key", by: "b1",
            .invite(
                .init(
                    invitation: InvitationID("i")!, member: MemberID("newco")!, name: "x", roles: [.oem],
                    key: ContractHarness.newKey("k", for: "another", sealing: nil)))),
    ]) func refusesAnInvitation(_ refusal: Refused) throws { try refusal.check() }

    static func joining(
        _ code: String, _ name: String, _ change: (inout ConsortiumContract.Join) -> Void
    ) -> Refused {
        var join = ConsortiumSteps.join()
        change(&join)
        return Refused(
            code, name, signer: .invitation("inv-1"),
            before: { try $0.consortium(ConsortiumSteps.invite(), as: $0.member("b1")) }, .join(join))
    }

    @Test(arguments: [
        Refused(
            "consortium.invitation_required", "a member does not join", by: "b1",
            .join(ConsortiumSteps.join())),
        Refused(
            "invitation.unknown", "an invitation is on the ledger", signer: .invitation("inv-1"),
            .join(ConsortiumSteps.join())),
        Refused(
            "consortium.invitation_not_open", "an invitation is used once",
            signer: .invitation("inv-1"), before: { try $0.applicant() },
            .join(ConsortiumSteps.join(key: "another"))),
        joining("consortium.key_malformed", "a sealing key is 32 bytes") { $0.sealingPublicKey = Bytes([1]) },
        joining("consortium.key_malformed", "a sealing key is not zero") {
            $0.sealingPublicKey = Bytes(Array(repeating: 0, count: 32))
        },
        joining("consortium.key_malformed", "a signing key is 32 bytes") {
            $0.signingKey.publicKey = Bytes([1])
        },
        joining("consortium.key_taken", "another's key is refused") { $0 = ConsortiumSteps.join(key: "oem") },
        joining("consortium.possession_not_proven", "a short signature is none") {
            $0.signingKey.possession = Bytes([1])
        },
        joining("consortium.possession_not_proven", "the proof covers the sealing key") {
            $0.sealingPublicKey = ContractHarness.sealingKey("another")
        },
        joining("consortium.possession_not_proven", "the proof names the member") {
            $0.signingKey = ContractHarness.newKey(
                "newco", for: "other", sealing: ContractHarness.sealingKey("newco"))
        },
        joining("consortium.country_invalid", "a country is two letters") { $0.profile.country = "de" },
        joining("consortium.text_too_short", "a company has a registered name") {
            $0.profile.registrationName = ""
        },
        joining("consortium.text_too_long", "a VAT id has a bound") {
            $0.profile.vatID = String(repeating: "1", count: 21)
        },
        joining("consortium.endpoint_invalid", "an endpoint is a web address") { $0.endpoint = "ftp://x" },
        joining("consortium.endpoint_invalid", "an endpoint is ASCII") { $0.endpoint = "https://ü.example" },
    ]) func refusesToJoin(_ refusal: Refused) throws { try refusal.check() }
}

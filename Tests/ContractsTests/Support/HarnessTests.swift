import Contracts
import Ledger
import Testing

@Suite struct HarnessTests {
    @Test func foundsAConsortiumWhoseMembersAreActive() throws {
        let harness = try ContractHarness()
        for name in ContractHarness.names {
            let id = MemberID(name)!
            let member = try harness.existing(MemberRecord.self, id)
            #expect(member.status == .active)
            #expect(member.keys?.signing == ContractHarness.keyID(name))
            #expect(try harness.existing(AccountRecord.self, id).status == .active)
            let key = try harness.existing(KeyRecord.self, ContractHarness.keyID(name))
            #expect(key.account == id && key.kind == .member && key.since == 0)
        }
        #expect(try harness.existing(ValidatorsRecord.self, .init()).current.count == 2)
    }

    @Test func aRejectionChangesNothing() throws {
        let harness = try ContractHarness()
        let before = harness.rows
        let code = try harness.rejection(
            MachineContract.self, .register(ContractHarness.registration("press-7", customer: "m1")),
            as: harness.member("oem"))
        #expect(code == "machine.role_required")
        #expect(harness.rows == before)
    }
}

import Contracts
import Ledger
import TestSupport
import Testing

/// What a key that has ended, and one whose inviter has, can still do: nothing, at nobody's cost.
@Suite struct EndedKeyTests {
    private typealias Consortium = ConsortiumContract.Action
    private static let ended = Stage.Verdict.refused("transaction.key_ended")
    private static let start = MachineContract.Action.start(.init(machine: MachineID("press-7")!))
    private static let revocation = Consortium.revokeKey(.init(key: Stage.keyID("erp")))

    private var stage: Stage

    init() throws { stage = try ContractCase.baseWithDelegate() }

    /// The tables that a refused start by the delegated key changes.
    private func changes(_ stage: inout Stage) throws -> Set<String> {
        let before = stage.rows.values
        #expect(try stage.perform(MachineContract.self, Self.start, by: "erp") == Self.ended)
        let after = stage.rows.values
        return Set(Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.map(\.table))
    }

    @Test func whatARevokedKeySignsHasNoLeafAndTakesNoQuota() throws {
        var stage = stage
        try stage.step(ConsortiumContract.self, Self.revocation, by: "customer")
        #expect(try changes(&stage).isSubset(of: ["clocks"]))
    }

    @Test func norWhatAKeySignsAfterItsEnd() throws {
        var stage = stage
        try stage.advance(by: Span(nanoseconds: Span.days(1).nanoseconds - 1))
        var last = stage
        try last.step(MachineContract.self, Self.start, by: "erp")
        try stage.advance(by: .days(1))
        #expect(try changes(&stage).isSubset(of: ["clocks"]))
    }

    @Test func aRevocationHoldsForTheRestOfItsBlock() throws {
        var stage = stage
        let transactions = [
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
            try stage.sign(ConsortiumContract.self, Self.revocation, by: "customer"),
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
        ]
        let block = try stage.run(transactions)
        #expect(block.included.map(\.outcome) == [.accepted, .accepted])
        #expect(block.skipped.map(\.index) == [2] && block.skipped.map(\.reason) == [.keyEnded])
    }

    @Test func whatIsOnTheLedgerStaysADuplicate() throws {
        var stage = stage
        let transaction = try stage.sign(MachineContract.self, Self.start, by: "erp")
        #expect(try stage.submit(transaction) == .accepted)
        try stage.step(ConsortiumContract.self, Self.revocation, by: "customer")
        #expect(try stage.submit(transaction) == .refused("transaction.duplicate"))
    }

    @Test func anInvitationEndsWithItsInviter() throws {
        var stage = stage
        let decision = ConsortiumContract.Decision(member: MemberID("b1")!)
        for member in ["b2", "b3"] {
            try stage.step(ConsortiumContract.self, .suspend(decision), by: member)
        }
        let join = try #require(ContractCase.all.first { $0.action == "consortium.join" })
        let transaction = try join.transaction(&stage, "inv.invitation", "b1")
        #expect(try stage.submit(transaction) == .refused("member.suspended"))
        for member in ["b2", "b3"] {
            try stage.step(ConsortiumContract.self, .reinstate(decision), by: member)
        }
        let again = try join.transaction(&stage, "inv.invitation", "b1")
        #expect(try stage.submit(again) == .accepted)
    }

    @Test func anApplicantsKeySignsNothingBeforeItsAdmission() throws {
        var stage = stage
        let join = try #require(ContractCase.all.first { $0.action == "consortium.join" })
        #expect(try stage.submit(try join.transaction(&stage, "inv.invitation", "b1")) == .accepted)
        let verdict = try stage.perform(MachineContract.self, Self.start, by: "joiner")
        #expect(verdict == .refused("transaction.unknown_key"))
        let decision = ConsortiumContract.Decision(member: MemberID("joiner")!)
        for member in ["b1", "b2"] {
            try stage.step(ConsortiumContract.self, .admit(decision), by: member)
        }
        let admitted = try stage.perform(MachineContract.self, Self.start, by: "joiner")
        #expect(admitted == .refused("machine.not_a_party"))
    }
}

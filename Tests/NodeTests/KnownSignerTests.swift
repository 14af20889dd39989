import Codec
import Contracts
import Ledger
import TestSupport
import Testing

/// Who verifies a signature hands the key's record on to execution, which takes it only where the row says
/// the same. `Stage` executes each block both ways: with records as they were when their keys first signed,
/// and with none. What they come to here is what reading gives.
@Suite struct KnownSignerTests {
    private typealias Consortium = ConsortiumContract.Action
    private static let start = MachineContract.Action.start(.init(machine: MachineID("press-7")!))
    private static let stop = MachineContract.Action.stop(
        .init(machine: MachineID("press-7")!, reason: "lunch", fault: false))
    private static let revocation = Consortium.revokeKey(.init(key: Stage.keyID("erp")))

    private var stage: Stage

    /// The machine was started and stopped with the key: its record is known.
    init() throws {
        stage = try ContractCase.baseWithDelegate()
        try stage.step(MachineContract.self, Self.start, by: "erp")
        try stage.step(MachineContract.self, Self.stop, by: "erp")
    }

    @Test func keysThatAreKnownComeToWhatReadingThemDoes() throws {
        var stage = stage
        let block = try stage.run([
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
            try stage.sign(ConsortiumContract.self, Self.revocation, by: "customer"),
            try stage.sign(MachineContract.self, Self.stop, by: "erp"),
        ])
        #expect(block.included.map(\.outcome) == [.accepted, .accepted])
        #expect(block.skipped.map(\.reason) == [.keyEnded])
        let later = try stage.run([try stage.sign(MachineContract.self, Self.stop, by: "erp")])
        #expect(later.skipped.map(\.reason) == [.keyEnded])
    }

    /// The maintainer revokes a key that is not its own: the row stays as it is, and the key signs on.
    @Test func aRevocationThatIsRejectedRevokesNothing() throws {
        var stage = stage
        let block = try stage.run([
            try stage.sign(ConsortiumContract.self, Self.revocation, by: "m1"),
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
        ])
        #expect(block.included.map { $0.outcome == .accepted } == [false, true])
    }

    @Test func aKeyThatItsBlockBringsSignsFromTheNextOn() throws {
        var stage = stage
        let delegation = ContractCase.delegate(
            "mes", of: "customer", scopes: ["machine.*"], until: stage.clock + .days(1), stage)
        let transaction = try stage.sign(MachineContract.self, Self.start, by: "mes")
        let block = try stage.run([
            try stage.sign(ConsortiumContract.self, delegation, by: "customer"), transaction,
        ])
        #expect(block.included.map(\.outcome) == [.accepted])
        #expect(block.skipped.map(\.reason) == [.unknownKey])
        #expect(try stage.submit(transaction) == .accepted)
    }

    /// The block that revoked the key is undone, and another takes its place.
    @Test func aRevocationThatIsUndoneHoldsForNobody() throws {
        var stage = stage
        let (parent, log) = (stage.executor.head, stage.executor.log)
        var undone = stage
        let revoking = try undone.run([
            try undone.sign(ConsortiumContract.self, Self.revocation, by: "customer")
        ])
        var before: [RowChange] = []
        for change in revoking.changes {
            before.append(RowChange(key: change.key, value: try stage.rows.value(for: change.key)))
        }
        var executor = undone.executor
        try executor.undo(revoking, before: before, to: parent, log: log)
        stage.resume(with: executor)
        let block = try stage.run([
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
            try stage.sign(ConsortiumContract.self, Self.revocation, by: "customer"),
        ])
        #expect(block.included.map(\.outcome) == [.accepted, .accepted])
        let after = try stage.run([try stage.sign(MachineContract.self, Self.stop, by: "erp")])
        #expect(after.skipped.map(\.reason) == [.keyEnded])
    }

    /// What was known before a node was started says nothing to it.
    @Test func anExecutorThatBeginsAtTheHeadReadsWhatIsOlder() throws {
        var stage = stage
        try stage.step(ConsortiumContract.self, Self.revocation, by: "customer")
        let executor = stage.executor
        stage.resume(
            with: Executor(
                rules: stage.rules, head: executor.head, log: executor.log, tree: executor.tree))
        let block = try stage.run([try stage.sign(MachineContract.self, Self.start, by: "erp")])
        #expect(block.skipped.map(\.reason) == [.keyEnded])
    }

    @Test func aMembersStandingIsThatOfItsTurn() throws {
        var stage = stage
        let suspension = Consortium.suspend(.init(member: MemberID("customer")!, reason: "unpaid"))
        try stage.step(ConsortiumContract.self, suspension, by: "b1")
        let block = try stage.run([
            try stage.sign(MachineContract.self, Self.start, by: "erp"),
            try stage.sign(ConsortiumContract.self, suspension, by: "b2"),
            try stage.sign(MachineContract.self, Self.stop, by: "erp"),
        ])
        #expect(
            block.included.map(\.outcome) == [.accepted, .accepted, .rejected("member.suspended")])
    }
}

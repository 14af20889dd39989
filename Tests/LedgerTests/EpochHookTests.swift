import Codec
import Cryptography
import Testing

@testable import Ledger

/// A contract that writes its name and the time before the epoch where an epoch begins.
private protocol Noting: Contract where Action == NoAction {}

private struct NoAction: Codable, Sendable {}

private struct Note: Record {
    static let table = "note"
    var id: MemberID
    var last: Timestamp
}

extension Noting {
    static func apply(_ action: NoAction, in context: Context) throws(Rejection) {}

    static func note(_ last: Timestamp, _ context: Context) throws(Rejection) {
        try context.put(Note(id: MemberID(unchecked: context.contract), last: last))
        context.emit("noted", name)
    }
}

private enum Second: Noting {
    static let name = "second"
    static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {
        try note(last, context)
    }
}

private enum Refusing: Noting {
    static let name = "refusing"
    static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {
        try note(last, context)
        throw Rejection("refusing.no")
    }
}

private enum First: Noting {
    static let name = "first"
    static func epochBegan(after last: Timestamp, in context: Context) throws(Rejection) {
        try note(last, context)
    }
}

@Suite struct EpochHookTests {
    private let contracts = ContractSet(
        version: 1, contracts: [Second.self, CounterContract.self, Refusing.self, First.self]
    ) { (_: Genesis, _: Context) throws(Rejection) in }

    private func context(_ state: BlockState) -> Context {
        Context(
            transactionSigner: nil, transactionID: nil, time: TestLedger.start, height: 7, chain: .zero,
            contract: "", hash: SHA256.hash, verify: TestLedger.verifier, state: state)
    }

    @Test func contractsAreToldInOrderAndARefusalUndoesItsOwnPartOnly() throws {
        let state = BlockState(base: EmptyState(), height: 7)
        try contracts.epochBegan(after: Timestamp(milliseconds: 5), in: context(state))
        #expect(state.events.map(\.contract) == ["second", "first"])
        let keys = ["first", "second"].map { Note.rowKey(MemberID(unchecked: $0)) }
        #expect(state.changes().map(\.key) == keys)
        let note = try #require(try state.record(Note.self, keys[0]))
        #expect(note.last == Timestamp(milliseconds: 5))
    }

    @Test func aReadErrorHaltsTheNode() {
        let rows = MemoryRows()
        rows.failure = LedgerFault("the disk is gone")
        let state = BlockState(base: rows, height: 7)
        #expect(throws: LedgerFault.self) {
            try contracts.epochBegan(after: .zero, in: context(state))
        }
    }
}

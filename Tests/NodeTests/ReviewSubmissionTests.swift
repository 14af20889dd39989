import Contracts
import Ledger
import Storage
import Testing

@testable import Node

/// What a member can send that must neither stop the node nor be answered wrongly.
@Suite(.timeLimit(.minutes(1))) struct ReviewSubmissionTests {
    @Test(arguments: [400, 2_000, 60_000])
    func aNameTooLongForAKeyIsUnknownAndStopsNobody(count: Int) async throws {
        let founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home)
        let signer = try founded.signer()
        let invoice = InvoiceID(issuer: FoundedHome.member, number: String(repeating: "7", count: count))
        let refused = try await node.perform(
            AgreementContract.self, .approve(.init(invoice: invoice)), as: signer)
        #expect(refused.outcome == .rejected("invoice.unknown"))
        let next = try await node.perform(ConsortiumContract.self, FoundedHome.action("next"), as: signer)
        #expect(next.outcome == .accepted)
        try node.close()
    }

    @Test func theCoreAndTheStoreAgreeOnTheLongestKey() {
        #expect(Ledger.RowKey.maximumCount == StoreTable.maximumKeyBytes)
    }

    /// Who lost the answer sends the same bytes again: after the expiry, and after the id is forgotten.
    @Test(arguments: [Span.minutes(11), .hours(49)])
    func whatIsOnTheLedgerIsToldAfterItsExpiryToo(_ later: Span) async throws {
        let founded = try FoundedHome(simulated: true)
        let node = try LedgerNode(home: founded.home)
        let bytes = try node.sign(
            ConsortiumContract.self, FoundedHome.refusedAction, as: try founded.signer())
        let first = try await node.submit(bytes)
        let never = try node.sign(
            ConsortiumContract.self, FoundedHome.action("late"), as: try founded.signer())
        try node.clock.set(node.clock.now + later)
        try await node.tick()
        let again = try await node.submit(bytes)
        #expect(again.leaf == first.leaf && again.height == first.height && again.outcome == first.outcome)
        do throws(NodeError) {
            _ = try await node.submit(never)
            Issue.record("an expired transaction was taken")
        } catch { #expect(error.code == "transaction.expired") }
        try node.close()
    }
}

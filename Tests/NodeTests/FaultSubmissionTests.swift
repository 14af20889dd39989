import Contracts
import Ledger
import TestSupport
import Testing

@testable import Node

/// Awkward submissions: each is answered, and none stops the node.
@Suite(.timeLimit(.minutes(15))) struct FaultSubmissionTests {
    @Test func identicalBatchesUnderAStandingClockAreAllAnswered() async throws {
        let founded = try FoundedHome(simulated: true)
        let node = try LedgerNode(home: founded.home)
        let bytes = try node.sign(
            ConsortiumContract.self, FoundedHome.action("once"), as: try founded.signer())
        let leaves = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            for index in 0..<200 {
                group.addTask {
                    if index % 2 == 0 { return try await node.submit(bytes).leaf }
                    try await node.tick()
                    return nil
                }
            }
            var leaves: [UInt64] = []
            for try await leaf in group { if let leaf { leaves.append(leaf) } }
            return leaves
        }
        #expect(leaves == [UInt64](repeating: 0, count: 100))
        try node.close()
    }

    @Test(arguments: [0, 1, 65_537, 5_000_000])
    func refusesBytesThatAreNoTransaction(count: Int) async throws {
        let founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home)
        do throws(NodeError) {
            _ = try await node.submit([UInt8](repeating: 0xd2, count: count))
            Issue.record("they were taken")
        } catch { #expect(error.code == "transaction.malformed") }
        let final = try await node.perform(
            ConsortiumContract.self, FoundedHome.action("next"), as: try founded.signer())
        #expect(final.leaf == 0)
        try node.close()
    }

    @Test func aClosedNodeLetsGoOfItsDataDirectoryAtOnce() throws {
        let founded = try FoundedHome()
        for _ in 0..<50 { try LedgerNode(home: founded.home).close() }
    }

    @Test func whatASecondNodeCannotOpenItLeavesAlone() async throws {
        let founded = try FoundedHome()
        let node = try LedgerNode(home: founded.home)
        #expect { try LedgerNode(home: founded.home) } throws: {
            ($0 as? NodeError)?.code == "storage.locked"
        }
        let final = try await node.perform(
            ConsortiumContract.self, FoundedHome.action("still here"), as: try founded.signer())
        #expect(final.outcome == .accepted)
        try node.close()
    }
}

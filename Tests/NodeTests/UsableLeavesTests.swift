import Contracts
import Ledger
import Testing

@testable import Node

/// Of what has not expired only the leaves of a day are gone through.
@Suite(.timeLimit(.minutes(1))) struct UsableLeavesTests {
    @Test func leavesOfADayAgoAreNotAskedForWhatHasNotExpired() async throws {
        let founded = try FoundedHome(simulated: true)
        let node = try LedgerNode(home: founded.home)
        let signer = try founded.signer()
        let start = node.clock.now
        var ids: [TransactionID] = []
        for number in 0..<4 {
            try node.clock.set(start + .hours(Int64(number) * 10))
            try await node.tick()
            let done = try await node.perform(
                ConsortiumContract.self, FoundedHome.action("at \(number)"), as: signer)
            #expect(done.leaf == UInt64(number))
            ids.append(done.id)
        }
        // At the last one's time and later, each transaction's time plus a day.
        #expect(node.store.firstLeaf(usableAt: start + .hours(30)) == 1)
        #expect(
            node.store.firstLeaf(usableAt: start + .hours(30) + .minutes(59)) == 1, "not looked up again")
        #expect(node.store.firstLeaf(usableAt: start + .hours(33)) == 1)
        #expect(node.store.firstLeaf(usableAt: start + .hours(35)) == 2)
        #expect(node.store.firstLeaf(usableAt: start + .hours(55)) == 4)
        #expect(node.store.firstLeaf(usableAt: start + .hours(1)) == 0)
        for id in ids[1...] { #expect(try node.store.hasSeen(id, notExpiredAt: start + .hours(30))) }
        #expect(try node.store.hasSeen(ids[0]))
        #expect(
            try !node.store.hasSeen(.zero) && !node.store.hasSeen(.zero, notExpiredAt: start + .hours(30)))
        try node.close()
    }
}

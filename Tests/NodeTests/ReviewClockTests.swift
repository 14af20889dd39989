import Contracts
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Node

/// A clock that ran ahead and was put right leaves consensus time ahead of it.
@Suite(.timeLimit(.minutes(1))) struct ReviewClockTests {
    @Test func aNodeWhoseClockIsBehindConsensusTimeStillSignsWhatIsTaken() async throws {
        let founded = try FoundedHome(simulated: true)
        let (genesis, _, _) = try founded.home.genesis()
        do {
            let early = try LedgerNode(home: founded.home)
            try early.clock.set(early.clock.now + .hours(5))
            try await early.tick()
            try early.close()
        }
        // A clock without a file: it stands where the ledger was founded.
        let folder = try TemporaryFolder()
        let clock = try NodeClock(
            genesis: genesis, head: genesis.created, home: Home(URL(fileURLWithPath: folder.path)))
        for _ in 0..<2 {
            let node = try LedgerNode(home: founded.home, clock: clock)
            let signer = try founded.signer()
            let before = try node.block(node.height).header.time
            for name in ["first", "second"] {
                let final = try await node.perform(
                    ConsortiumContract.self, FoundedHome.action(name), as: signer)
                #expect(final.outcome == .accepted && final.time == before)
            }
            try node.close()
        }
    }
}

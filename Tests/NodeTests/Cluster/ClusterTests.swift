import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

@testable import Node

/// Several validators with real stores and a shared order: whatever fails, they come to the same ledger.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ClusterTests {
    @Test(arguments: [4, 7])
    func allNodesReachTheSameRoots(count: Int) async throws {
        let cluster = try Cluster(count)
        cluster.network.loseEvery(11)
        let height = try await withThrowingTaskGroup(of: Height.self) { group in
            for index in 0..<count {
                for round in 0..<5 {
                    group.addTask { try await cluster.perform(index, "node \(index) round \(round)").height }
                }
            }
            return try await group.reduce(0) { max($0, $1) }
        }
        try await cluster.expectEqual(through: height)
        let status = cluster[0].status
        #expect(status.isValidator && status.isOrdering && status.halted == nil)
        let id = try #require(
            try cluster[1].block(height).leaves().first.map {
                try UnverifiedTransaction(decoding: $0.transaction, hash: cluster[1].rules.hash).id
            })
        let proven = try cluster[2].receipt(for: id).verify(
            genesis: cluster[2].genesis, chain: cluster[2].rules.chain, hash: cluster[2].rules.hash,
            verifier: cluster[2].rules.verify)
        #expect(proven.validators.count > count * 2 / 3)
        try cluster.close()
    }

    @Test func aKilledNodeCatchesUpWhenItIsOpenedAgain() async throws {
        let cluster = try Cluster(4)
        for round in 0..<3 { try await cluster.perform(round, "before \(round)") }
        cluster.kill(3)
        for round in 0..<12 { try await cluster.perform(round % 3, "without it \(round)") }
        try cluster.start(3)
        let last = try await cluster.perform(3, "again")
        #expect(last.outcome == .accepted)
        try await cluster.expectEqual(through: last.height)
        try cluster.close()
    }

    /// It is far enough behind that signatures over the newest blocks are of no use to it yet.
    @Test func aNodeThatWasOffForHundredsOfBlocksCatchesUpWhileTheOthersGoOn() async throws {
        let cluster = try Cluster(7)
        try await cluster.perform(6, "before")
        cluster.kill(6)
        try await cluster.performMany(60, by: 0..<6, "without it")
        let missed = try #require((0..<6).map { cluster[$0].height }.max())
        #expect(missed > 200)
        try cluster.start(6)
        async let others: Void = cluster.performMany(10, by: 0..<6, "meanwhile")
        try await cluster[6].waitForFinal(missed)
        try await others
        let last = try await cluster.perform(6, "again")
        try await cluster.expectEqual(through: last.height)
        try cluster.close()
    }

    @Test func allNodesKilledAtOnceGoOnWhereTheyWere() async throws {
        let cluster = try Cluster(4)
        var told: [FinalTransaction] = []
        for round in 0..<6 { told.append(try await cluster.perform(round % 4, "before \(round)")) }
        for index in 0..<4 { cluster.kill(index) }
        for index in 0..<4 { try cluster.start(index) }
        let last = try await cluster.perform(0, "after")
        try await cluster.expectEqual(through: last.height)
        for final in told { #expect(try cluster[2].find(final.id)?.leaf == final.leaf) }
        try cluster.close()
    }

    @Test(arguments: [ClusterOrders.Fault.dead, .silent])
    func anEngineThatFailsIsFollowedByTheNextEpoch(fault: ClusterOrders.Fault) async throws {
        let cluster = try Cluster(4)
        let before = try await cluster.perform(0, "before")
        cluster.orders.fail(cluster[0].epoch.block, fault)
        let after = try await withThrowingTaskGroup(of: FinalTransaction.self) { group in
            for index in 0..<4 { group.addTask { try await cluster.perform(index, "after \(index)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(after.allSatisfy { $0.outcome == .accepted && $0.height > before.height })
        try await cluster.expectEqual(through: after.map(\.height).max())
        let epoch = cluster[1].epoch.epoch
        #expect(epoch > 0)
        #expect(cluster[1].epochChain.last?.header.epoch == epoch)
        // The chain of epochs is there after a restart too.
        cluster.kill(1)
        try cluster.start(1)
        let last = try await cluster.perform(1, "after a restart")
        try await cluster.expectEqual(through: last.height)
        #expect(cluster[1].epochChain == cluster[2].epochChain || cluster[1].epoch.epoch >= epoch)
        try cluster.close()
    }

    @Test func anEngineThatGetsOverALossInTimeKeepsItsEpoch() async throws {
        let cluster = try Cluster(4)
        let before = try await cluster.perform(0, "before")
        cluster.orders.failover = .seconds(60)
        cluster.orders.fail(cluster[0].epoch.block, .silent)
        let (bytes, epoch) = (try cluster.transaction(0, "meanwhile"), cluster[0].epoch)
        async let final = cluster[0].submit(bytes)
        // Whoever waits gives it to the others at the moment at which it would suspect another engine.
        try await eventually("another node sends it") {
            (1..<4).allSatisfy { cluster[$0].status.outbox > 0 }
        }
        cluster.orders.fail(epoch.block, nil)
        let height = try await final.height
        #expect(height > before.height)
        #expect((0..<4).allSatisfy { cluster[$0].epoch == epoch })
        try cluster.close()
    }

    /// What a restart finds in the log waits from then on, not since the machine was switched on.
    @Test func blocksThatARestartFindsAreNoReasonToSuspectTheEngine() async throws {
        let cluster = try Cluster(4)
        try await cluster.perform(0, "before")
        let epoch = cluster[0].epoch
        cluster.orders.failover = .seconds(60)
        cluster.network.loseEvery(1)
        let bytes = try cluster.transaction(0, "while nobody hears a vote")
        _ = try await cluster[0].submit(bytes, until: .accepted)
        try await eventually("everyone has executed it and it is final nowhere") {
            (0..<4).allSatisfy { cluster[$0].status.headHeight > cluster[$0].height }
        }
        for index in 0..<4 { cluster.kill(index) }
        cluster.network.loseEvery(0)
        for index in 0..<4 { try cluster.start(index) }
        let last = try await cluster.perform(1, "after")
        try await cluster.expectEqual(through: last.height)
        #expect((0..<4).allSatisfy { cluster[$0].epoch == epoch })
        try cluster.close()
    }

    @Test func whatALyingEngineGaveOneNodeIsUndone() async throws {
        let cluster = try Cluster(4)
        try await cluster.perform(0, "before")
        let position = Int(try cluster[0].header(cluster[0].height).position)
        cluster.orders.fail(
            cluster[0].epoch.block, .twoFaced(cluster.members[3], from: position + 1))
        for round in 0..<8 { try await cluster.perform(round % 3, "two faces \(round)") }
        try await cluster.expectEqual()
        #expect(cluster[3].status.halted == nil)
        try cluster.close()
    }

    @Test func aRestartForgetsNothingThatItAccepted() async throws {
        let cluster = try Cluster(4)
        try await cluster.perform(1, "before")
        cluster.network.isolate(cluster.members[0])
        var ids: [TransactionID] = []
        for round in 0..<5 {
            let bytes = try cluster.transaction(0, "accepted \(round)")
            let state = try await cluster[0].submit(bytes, until: .accepted)
            guard case .accepted(let id) = state else {
                Issue.record("\(state)")
                continue
            }
            ids.append(id)
        }
        cluster.kill(0)
        cluster.network.isolate(cluster.members[0], false)
        try cluster.start(0)
        #expect(cluster[0].status.outbox <= ids.count)
        try await eventually("all that was accepted is final") { [ids] in
            ids.allSatisfy { (try? cluster[1].find($0)) != nil }
        }
        try cluster.close()
    }

    @Test func aFollowerHasItsTransactionsOrderedByValidators() async throws {
        let cluster = try Cluster(4, followers: 1)
        let final = try await cluster.perform(4, "from a follower")
        #expect(final.outcome == .accepted)
        #expect(!cluster[4].status.isValidator)
        try await cluster.expectEqual(through: final.height)
        try cluster.close()
    }

    /// Who lost the answer sends the same bytes again, to a node that nobody tells of its batches.
    @Test func aFollowerAnswersAgainForWhatIsFinal() async throws {
        let cluster = try Cluster(4, followers: 1)
        let bytes = try cluster.transaction(4, "from a follower")
        let first = try await cluster[4].submit(bytes)
        let again = try await cluster[4].submit(bytes)
        #expect(again.leaf == first.leaf && again.height == first.height)
        try cluster.close()
    }

    /// The transaction that ended its own key is on the ledger: the key's end is not the answer to it.
    @Test func aFollowerAnswersAgainForWhatEndedItsKey() async throws {
        let cluster = try Cluster(4, followers: 1)
        let (new, sealing) = (Ed25519.SigningKey.generate(), SealingKey.generate())
        let message = ConsortiumContract.possessionMessage(
            chain: cluster[4].rules.chain, member: cluster.members[4],
            signingPublicKey: new.publicKey.bytes, sealingPublicKey: sealing.publicKey)
        let key = ConsortiumContract.NewKey(
            publicKey: Bytes(new.publicKey.bytes), possession: Bytes(new.sign(message)))
        let rotation = ConsortiumContract.Action.rotateKeys(
            .init(signingKey: key, sealingPublicKey: Bytes(sealing.publicKey)))
        let bytes = try cluster[4].sign(ConsortiumContract.self, rotation, as: try cluster.signer(4))
        let first = try await cluster[4].submit(bytes)
        #expect(first.outcome == .accepted)
        #expect(try await cluster[4].submit(bytes).leaf == first.leaf)
        let late = try cluster.transaction(4, "with the key that went")
        await #expect { try await cluster[4].submit(late) } throws: {
            ($0 as? NodeError)?.code == "transaction.key_ended"
        }
        try cluster.close()
    }

    @Test func whatAFollowerHandedOverIsOffItsHandsOnceItIsFinal() async throws {
        let cluster = try Cluster(4, followers: 1)
        for number in 0..<10 { try await cluster.perform(4, "number \(number)") }
        #expect(cluster[4].pipeline.desk.with { $0.batchesOnTheirWay } == 0)
        try cluster.close()
    }

    @Test func aVotingKeyBesideAnotherStoreOnlyObserves() async throws {
        let cluster = try Cluster(4)
        try await cluster.perform(0, "before")
        cluster.kill(2)
        let mark = cluster.homes[2].ledgerFolder.appendingPathComponent("store")
        try Data("another".utf8).write(to: mark)
        try cluster.start(2)
        #expect(cluster[2].status.votingKeyIsForeign)
        let final = try await cluster.perform(2, "an observer's")
        try await cluster.expectEqual(through: final.height)
        #expect(!cluster[2].status.isValidator)
        try cluster.close()
    }

    @Test func aNodeThatDivergesHaltsAndNamesThePlace() async throws {
        let cluster = try Cluster(4)
        let before = try await cluster.perform(0, "before")
        try await cluster[3].waitForFinal(before.height)
        // It takes a member's key for revoked.
        let hash = cluster[3].rules.hash
        let id = KeyID(publicKey: try cluster.signer(1).publicKey, hash: hash)
        var record = try #require(try cluster[3].view().get(KeyRecord.self, id))
        record.revoked = true
        let key = try #require(KnownKey(record, hash: hash))
        cluster[3].pipeline.verifier.keys.withLock { $0.add(key, readAt: .max) }
        let final = try await cluster.perform(1, "accepted elsewhere")
        try await eventually("the node halts") { cluster[3].status.halted != nil }
        let halted = try #require(cluster[3].status.halted)
        #expect(halted.code == "node.diverged")
        #expect(halted.message.hasPrefix("block \(final.height), transaction 0:"))
        #expect(try cluster[3].find(before.id)?.height == before.height)
        #expect(try cluster[3].view().height == final.height - 1)
        cluster.kill(3)
        try cluster.close()
    }
}

/// Waits for what nothing announces.
func eventually(
    _ what: @autoclosure () -> String, seconds: Double = 120,
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: @escaping @Sendable () -> Bool
) async throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !condition() {
        try #require(Date() < deadline, "not in time: \(what())", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(5))
    }
}

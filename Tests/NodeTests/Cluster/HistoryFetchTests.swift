import Codec
import Contracts
import Foundation
import Ledger
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Node

/// A node that lacks the ledger's beginning, because it began with a snapshot or removed old blocks, and has
/// it back.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HistoryFetchTests {
    /// Four validators; the last one begins with a snapshot.
    /// - Parameter changing: whether the last one stops validating before.
    private func begunWithSnapshot(changing: Bool = false) async throws -> Late {
        let cluster = try Cluster(4, segmentBytes: 4_096)
        var ids: [TransactionID] = []
        for round in 0..<4 { ids.append(try await cluster.perform(round % 4, "before \(round)").id) }
        if changing { try await stopValidating(cluster) }
        cluster.kill(3)
        for round in 0..<22 { ids.append(try await cluster.perform(round % 3, "without it \(round)").id) }
        try await eventually("a checkpoint") {
            let height = try? cluster[0].store.store.state.snapshot().height
            return height ?? 0 > 10
        }
        let home = cluster.homes[3]
        let folder = cluster.homes[0].folder.appendingPathComponent("snapshot")
        let taking = try SnapshotTaking(try cluster[0].offerSnapshot(in: folder), into: home, besides: true)
        for chunk in taking.missing {
            try taking.add(try #require(try SnapshotFolder(folder.path).chunk(chunk)))
        }
        _ = try LedgerReplacement(home).install(taking)
        try cluster.start(3)
        let last = try await cluster.perform(3, "again")
        for index in 0..<4 { try await cluster[index].waitForFinal(last.height) }
        #expect(cluster[3].firstBlock > 10)
        return Late(cluster: cluster, ids: ids)
    }

    private func stopValidating(_ cluster: Cluster) async throws {
        func perform(_ index: Int, _ action: ConsortiumContract.Action) async throws -> TransactionID {
            let node = cluster[index]
            let bytes = try node.sign(ConsortiumContract.self, action, as: try cluster.signer(index))
            return try await node.submit(bytes).id
        }
        let three = Array(cluster[0].genesis.validators.prefix(3))
        let proposal = try await perform(0, .propose(.init(subject: .setValidators(validators: three))))
        for index in 1...2 {
            _ = try await perform(index, .vote(.init(proposal: proposal, approve: true)))
        }
        try await eventually("three validate") { cluster[0].epoch.validators.validators.count == 3 }
    }

    @Test(arguments: [false, true])
    func aNodeThatBeganWithASnapshotHasItsHistoryBack(changing: Bool) async throws {
        let late = try await begunWithSnapshot(changing: changing)
        let first = late.node.firstBlock
        #expect(late.code { _ = try late.node.receipt(for: late.ids[0]) } == "block.pruned")
        #expect(try late.node.verify(width: 1) { _ in }.first == first)
        let shown = Mutex<[HistoryProgress]>([])
        var conduct = HistoryFetch.Conduct.quick
        conduct.progress = { progress in shown.withLock { $0.append(progress) } }
        // It works meanwhile.
        async let more: Void = late.cluster.performMany(3, by: 0..<2, "meanwhile")
        let report = try late.fetch(conduct)
        try await more
        #expect(report.first == 0 && report.fetched == first - 1)
        let progress = shown.withLock { $0 }
        #expect(progress.first == HistoryProgress(done: 0, total: first))
        #expect(progress.last == HistoryProgress(done: first, total: first) && progress.count > 3)
        try late.expectWhole(late.node)
        #expect(!FileManager.default.fileExists(atPath: late.staging.path))
        // Nothing more to do, and nobody is asked.
        let again = try late.fetch(from: [])
        #expect(again.fetched == 0 && again.first == 0)

        // It serves what it fetched, and it is all there after a kill.
        #expect(
            try late.node.servedBlocks(above: 2, limitBytes: 1)
                .map { try BlockRecord(decoding: $0).header } == [late.cluster[0].header(3)])
        late.cluster.kill(3)
        try late.cluster.start(3)
        try late.expectWhole(late.node)
        try late.cluster.close()
    }

    private func removeOld(_ node: LedgerNode) async throws {
        try await eventually("old blocks to go") {
            _ = try? node.prune(keeping: 2)
            return node.firstBlock > 12
        }
    }

    @Test func aNodeThatRemovedOldBlocksHasThemBackAndMayRemoveThemAgain() async throws {
        let late = try await begunWithSnapshot()
        try await removeOld(late.cluster[2])
        let source = Source(cluster: late.cluster, indices: [3, 0])
        let home = late.cluster.homes[2]
        _ = try HistoryFetch(late.cluster[2], home: home, from: source, conduct: .quick).run()
        try late.expectWhole(late.cluster[2])
        // The one that began with a snapshot was asked first, and has no old blocks.
        #expect(source.asked.withLock { $0.prefix(2) } == [late.cluster.members[3], late.cluster.members[0]])
        #expect(source.asked.withLock { $0.filter { $0 == late.cluster.members[3] }.count } == 1)

        // Part of what was fetched goes again, and comes back; then all of it goes.
        #expect(try late.cluster[2].prune(PruneOrder(below: 8)).first > 0)
        #expect((1...8).contains(late.cluster[2].firstBlock))
        _ = try HistoryFetch(
            late.cluster[2], home: home, from: Source(cluster: late.cluster, indices: [0]), conduct: .quick
        ).run()
        try late.expectWhole(late.cluster[2])
        try await late.cluster.performMany(6, by: 0..<2, "after")
        try await removeOld(late.cluster[2])
        #expect(try late.cluster[2].verify(width: 1) { _ in }.first == late.cluster[2].firstBlock)
        late.cluster.kill(2)
        try late.cluster.start(2)
        #expect(late.cluster[2].firstBlock > 12)
        try late.cluster.close()
    }

    @Test func aBackupOfSuchANodeHoldsAllOfIt() async throws {
        let late = try await begunWithSnapshot()
        _ = try late.fetch()
        let folder = try TemporaryFolder()
        let copy = URL(fileURLWithPath: folder.path + "/copy")
        let note = try late.node.backup(BackupOrder(folder: copy.path, withKeys: false), of: late.home)
        #expect(note.damages.isEmpty)
        let restored = Home(URL(fileURLWithPath: folder.path + "/restored"))
        _ = try Backup(restored).restore(from: copy)
        func expectWhole() throws {
            let node = try LedgerNode(home: restored, for: .reading)
            try late.expectWhole(node)
            try node.close()
        }
        try expectWhole()
        // The log tree's digests are derived, and are made anew from what was fetched.
        try FileManager.default.removeItem(at: restored.ledgerFolder.appendingPathComponent("nodes"))
        try expectWhole()
        try late.cluster.close()
    }

    /// Every lie that a peer can tell leaves no trace, and the next peer is asked.
    @Test func peersThatLieArePassedOver() async throws {
        let late = try await begunWithSnapshot()
        let cluster = late.cluster
        let first = late.node.firstBlock
        let lies: [(String, @Sendable ([BlockRecord]) -> [[UInt8]])] = [
            ("garbage", { _ in [[1, 2, 3]] }),
            (
                "another block's content",
                { blocks in
                    var changed = blocks
                    if changed.count > 1 { changed[0].content = changed[1].content }
                    return changed.map(\.encoded)
                }
            ),
            (
                "another time",
                { blocks in
                    var changed = blocks
                    changed[0].header.time = .zero
                    return changed.map(\.encoded)
                }
            ),
            ("a gap", { $0.dropFirst().map(\.encoded) }),
            (
                "another log root, signed by nobody",
                { blocks in
                    var changed = blocks
                    changed[0].header.logRoot = .zero
                    return changed.map(\.encoded)
                }
            ),
            (
                "one signature that is bad",
                { blocks in
                    blocks.map { block in
                        var block = block
                        block.commits = block.commits.map(Forgery.withFlippedSignature)
                        return block.encoded
                    }
                }
            ),
        ]
        for (name, lie) in lies {
            let told: Lie = { peer, height throws(NodeError) in
                guard peer != cluster.members[2] else { return nil }
                // From the second portion on, so that something is there that must stay good.
                guard height > 4 else { return nil }
                let index = cluster.members.firstIndex(of: peer) ?? 0
                let blocks = try cluster[index].servedBlocks(above: height, limitBytes: 8_192)
                return lie(blocks.compactMap { try? BlockRecord(decoding: $0) })
            }
            let code = late.code { _ = try late.fetch(from: [0, 1], lie: told) }
            #expect(code == "history.no_peer", "\(name)")
            #expect(late.node.firstBlock == first, "\(name)")
            #expect(late.code { _ = try late.node.receipt(for: late.ids[0]) } == "block.pruned")
        }
        // What the liars left is gone on from with an honest one.
        let refused = Mutex<[MemberID]>([])
        var conduct = HistoryFetch.Conduct.quick
        conduct.onRefusal = { peer, _ in refused.withLock { $0.append(peer) } }
        _ = try late.fetch(from: [0, 1, 2], conduct) { peer, _ throws(NodeError) in
            if peer == cluster.members[0] { return [[0xff]] }
            if peer == cluster.members[1] { throw NodeError("block.pruned", "it is not kept here any more") }
            return nil
        }
        #expect(refused.withLock { Set($0) } == [cluster.members[0], cluster.members[1]])
        try late.expectWhole(late.node)
        try cluster.close()
    }

    /// A lone validator's key signed two histories: what its other node serves is good, and not this one's.
    @Test func blocksThatDoNotLeadToTheOwnAreThrownAway() async throws {
        var options = LedgerNode.Options()
        (options.store.log.segmentBytes, options.store.log.preallocationBytes) = (4_096, 4_096)
        options.blocksPerCheckpoint = 4
        func perform(_ home: FoundedHome, _ count: Int, _ name: String) async throws {
            let node = try LedgerNode(home: home.home, options: options)
            for step in 0..<count {
                let action = FoundedHome.action("\(name) \(step)")
                _ = try await node.perform(ConsortiumContract.self, action, as: try home.signer())
            }
            try node.close()
        }
        let founded = try FoundedHome()
        try await perform(founded, 5, "before")
        let other = try FoundedHome(copying: founded)
        try await perform(other, 30, "there")
        try await perform(founded, 30, "here")
        let whole = try FoundedHome(copying: founded)

        let node = try LedgerNode(home: founded.home, options: options)
        try await removeOld(node)
        let first = node.firstBlock
        for (served, code) in [(other, "history.other_chain"), (whole, nil)] {
            let peer = try LedgerNode(home: served.home, options: options, for: .reading)
            let source = Peer(node: peer)
            do throws(NodeError) {
                _ = try HistoryFetch(node, home: founded.home, from: source, conduct: .quick).run()
                #expect(code == nil && node.firstBlock == 0)
            } catch {
                #expect(error.code == code && node.firstBlock == first)
            }
            #expect(!FileManager.default.fileExists(atPath: founded.home.historyFolder.path))
            try peer.close()
        }
        #expect(try node.verify(width: 1) { _ in }.first == 0)
        try node.close()
    }

    @Test func whereNobodyHasTheBlocksItSaysWhatEachAnswered() async throws {
        let late = try await begunWithSnapshot()
        #expect(late.code { _ = try late.fetch(from: []) } == "history.no_peer")
        let members = late.cluster.members
        do {
            _ = try late.fetch { peer, _ throws(NodeError) in
                if peer == members[0] { throw NodeError("block.pruned", "") }
                if peer == members[1] { throw NodeError("node.unreachable", "") }
                return []
            }
            Issue.record("nobody served anything")
        } catch let error as NodeError {
            #expect(error.code == "history.no_peer")
            for part in ["n1: block.pruned", "n2: node.unreachable", "n3: block.unknown", "block 1"] {
                #expect(error.message.contains(part), "\(error.message)")
            }
        }
        try late.cluster.close()
    }

    /// An end at any step, by the operator or by a kill, leaves what the next call goes on with.
    @Test func anInterruptedFetchIsGoneOnWith() async throws {
        let late = try await begunWithSnapshot()
        let first = late.node.firstBlock
        var fetched: UInt64 = 0
        var limit = 1
        while late.node.firstBlock > 0, limit < 200 {
            let left = Mutex(limit)
            var conduct = HistoryFetch.Conduct.quick
            conduct.isWanted = {
                left.withLock {
                    $0 -= 1
                    return $0 >= 0
                }
            }
            do { fetched += try late.fetch(conduct).fetched } catch {
                #expect((error as? NodeError)?.code == "history.stopped", "\(error)")
                #expect(late.node.firstBlock == first)
            }
            limit += 1
        }
        #expect(limit > 4)
        try late.expectWhole(late.node)
        try late.cluster.close()
    }

    /// A disk that fails at any call while blocks are fetched leaves a node that goes on, and a fetch that
    /// does.
    @Test func aDiskThatFailsAnywhereDoesNoHarm() async throws {
        let late = try await begunWithSnapshot()
        let first = late.node.firstBlock
        let faults = FaultyFileSystem.Fault.allCases
        var call = 0
        while true {
            let files = FaultyFileSystem(failingCall: call, fault: faults[call % faults.count])
            do { _ = try late.fetch(files: files) } catch {
                #expect(files.hasFailed, "\(error)")
                #expect(late.node.firstBlock == first)
            }
            if late.node.firstBlock > 0 { _ = try late.fetch() }
            #expect(late.node.firstBlock == 0)
            guard files.hasFailed else { break }
            #expect(try late.node.store.store.log.verifyAll().isEmpty)
            // What was fetched goes, and the next call fails.
            #expect(try late.node.store.store.prune(below: first) > 0)
            #expect(late.node.firstBlock == first)
            call += 3
        }
        #expect(call > 100)
        try late.expectWhole(late.node)
        try late.cluster.close()
    }
}

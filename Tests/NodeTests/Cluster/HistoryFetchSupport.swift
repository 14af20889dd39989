import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Storage
import Synchronization
import Testing

@testable import Node

extension HistoryFetchTests {
    /// What a peer serves above a height; nil asks the node.
    typealias Lie = @Sendable (MemberID, Height) throws(NodeError) -> [[UInt8]]?

    /// The nodes of a cluster, one after the other, a few blocks at a time.
    final class Source: HistorySource {
        let cluster: Cluster
        let indices: [Int]
        let lie: Lie
        let asked = Mutex<[MemberID]>([])

        init(
            cluster: Cluster, indices: [Int], lie: @escaping Lie = { _, _ throws(NodeError) in nil }
        ) { (self.cluster, self.indices, self.lie) = (cluster, indices, lie) }

        var peers: [MemberID] { indices.map { cluster.members[$0] } }

        func blocks(above height: Height, from peer: MemberID) throws(NodeError) -> [[UInt8]] {
            asked.withLock { $0.append(peer) }
            if let told = try lie(peer, height) { return told }
            guard let index = cluster.members.firstIndex(of: peer) else { return [] }
            return try cluster[index].servedBlocks(above: height, limitBytes: 8_192)
        }
    }

    /// One node alone.
    struct Peer: HistorySource {
        let node: LedgerNode
        var peers: [MemberID] { [FoundedHome.member] }

        func blocks(above height: Height, from peer: MemberID) throws(NodeError) -> [[UInt8]] {
            try node.servedBlocks(above: height, limitBytes: 8_192)
        }
    }

    /// What a cluster came to: ids and records of before the block that the last node begins with.
    struct Late {
        let cluster: Cluster
        let ids: [TransactionID]
        var node: LedgerNode { cluster[3] }
        var home: Home { cluster.homes[3] }
        var staging: URL { home.historyFolder }

        func fetch(
            from indices: [Int] = [0, 1, 2], _ conduct: HistoryFetch.Conduct = .quick,
            files: any FileSystem = POSIXFileSystem(), lie: @escaping Lie = { _, _ throws(NodeError) in nil }
        ) throws -> HistoryReport {
            let source = Source(cluster: cluster, indices: indices, lie: lie)
            return try HistoryFetch(node, home: home, from: source, conduct: conduct, files: files).run()
        }

        /// All that a node with the whole log does.
        func expectWhole(_ node: LedgerNode, _ location: SourceLocation = #_sourceLocation) throws {
            #expect(node.firstBlock == 0, sourceLocation: location)
            let summary = try node.verify(width: 1) { _ in }
            #expect(summary.first == 0 && summary.blocks == node.height + 1, sourceLocation: location)
            for id in ids {
                let receipt = try node.receipt(for: id)
                _ = try receipt.verify(
                    genesis: node.genesis, chain: node.rules.chain, hash: SHA256.hash,
                    verifier: node.rules.verify)
                #expect(try node.find(id)?.outcome == .accepted, sourceLocation: location)
            }
            let key = MemberRecord.rowKey(cluster.members[0])
            let steps = try node.history(of: key).map(\.change)
            #expect(try steps == cluster[1].history(of: key).map(\.change), sourceLocation: location)
            #expect(steps.last?.height == 0 && steps.count > 2, sourceLocation: location)
            #expect(try node.store.store.log.verifyAll().isEmpty, sourceLocation: location)
        }

        func code(_ body: () throws -> Void) -> String? {
            do { try body() } catch { return (error as? NodeError)?.code ?? "\(error)" }
            return nil
        }
    }
}

extension HistoryFetch.Conduct {
    /// Without rests.
    static var quick: HistoryFetch.Conduct { HistoryFetch.Conduct(pause: { _ in }) }
}

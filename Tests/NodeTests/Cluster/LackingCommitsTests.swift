import Codec
import Contracts
import Foundation
import Ledger
import Testing

@testable import Node

/// A peer that serves a change of validators with its votes and without its commits: the blocks are good, and
/// no receipt can be made from them.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LackingCommitsTests {
    /// Six companies of which four validate; the sixth is away while the fourth stops validating.
    private func changed() async throws -> (cluster: Cluster, id: TransactionID) {
        let cluster = try Cluster(4, followers: 2)
        try await cluster.perform(0, "before")
        cluster.kill(5)
        let validators = Array(cluster[0].genesis.validators.prefix(3))
        let proposal = try await perform(
            cluster, 0, .propose(.init(subject: .setValidators(validators: validators))))
        for index in 1...3 {
            try await perform(cluster, index, .vote(.init(proposal: proposal.id, approve: true)))
        }
        try await eventually("three validate") { cluster[0].epoch.validators.validators.count == 3 }
        let last = try await cluster.perform(0, "after")
        return (cluster, last.id)
    }

    @discardableResult
    private func perform(
        _ cluster: Cluster, _ index: Int, _ action: ConsortiumContract.Action
    ) async throws -> FinalTransaction {
        let node = cluster[index]
        let final = try await node.submit(
            try node.sign(ConsortiumContract.self, action, as: try cluster.signer(index)))
        #expect(final.outcome == .accepted)
        return final
    }

    private static func withoutCommits(_ blocks: [[UInt8]]) -> [[UInt8]] {
        blocks.map { bytes in
            guard var record = try? BlockRecord(decoding: bytes), record.header.kind == .epoch else {
                return bytes
            }
            record.commits = []
            return record.encoded
        }
    }

    private static func code(_ node: LedgerNode, _ id: TransactionID) -> String? {
        do throws(NodeError) {
            let receipt = try node.receipt(for: id)
            let proven = try? receipt.verify(
                genesis: node.genesis, chain: node.rules.chain, hash: node.rules.hash,
                verifier: node.rules.verify)
            return proven == nil ? "it does not verify" : nil
        } catch { return error.code }
    }

    @Test func theCommitsComeFromAnotherPeerOnceOneHasThem() async throws {
        let (cluster, id) = try await changed()
        cluster.network.serve { _, blocks in LackingCommitsTests.withoutCommits(blocks) }
        // Only what others serve brings it there.
        try cluster.start(5)
        let height = cluster[0].height
        try await cluster[5].waitForFinal(height)
        if cluster[5].epochChain.contains(where: { $0.commits.isEmpty }) {
            #expect(LackingCommitsTests.code(cluster[5], id) == "receipt.incomplete")
        }
        let honest = cluster.members[2]
        cluster.network.serve { $0 == honest ? $1 : LackingCommitsTests.withoutCommits($1) }
        try await eventually("a receipt") { LackingCommitsTests.code(cluster[5], id) == nil }
        // It serves them itself from now on, and after a restart.
        let first = cluster[5].epochChain[0]
        #expect(try cluster[5].block(first.header.height).commits.count >= 3)
        cluster.kill(5)
        cluster.network.serve { _, blocks in LackingCommitsTests.withoutCommits(blocks) }
        try cluster.start(5)
        #expect(cluster[5].epochChain[0].commits == first.commits)
        #expect(LackingCommitsTests.code(cluster[5], id) == nil)
        cluster.network.serve(nil)
        try await cluster.expectEqual()
        try cluster.close()
    }

    /// Signatures that are none do not count as commits.
    @Test func falseCommitsAreNoCommits() async throws {
        let (cluster, id) = try await changed()
        cluster.network.serve { _, blocks in
            blocks.map { bytes in
                guard var record = try? BlockRecord(decoding: bytes), record.header.kind == .epoch else {
                    return bytes
                }
                record.commits = record.commits.map { _ in record.commits[0] }
                return record.encoded
            }
        }
        try cluster.start(5)
        try await cluster[5].waitForFinal(cluster[0].height)
        #expect(LackingCommitsTests.code(cluster[5], id) == "receipt.incomplete")
        cluster.network.serve(nil)
        try await eventually("a receipt") { LackingCommitsTests.code(cluster[5], id) == nil }
        try cluster.close()
    }
}

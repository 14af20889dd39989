import Codec
import Cryptography
import Merkle
import Storage
import TestSupport
import Testing

@testable import Ledger
@testable import Node

/// A ledger whose older blocks are gone: what is there is checked against what a quorum signed.
@Suite struct TailVerificationTests {
    private static let first = 3

    /// A store whose log begins with block 3, and what verification says of it.
    private func verify(
        _ forgery: Forgery, _ change: (inout [BlockRecord]) throws -> Void = { _ in },
        wrongRow: Bool = false, wrongNode: Bool = false, forgotten: UInt64? = nil,
        in volume: UInt64 = 0, epochs: [EpochRecord] = []
    ) throws -> LedgerVerification.Summary {
        let folder = try TemporaryFolder()
        let store = try LedgerStore(opening: folder.path + "/ledger", chain: forgery.chain)
        for record in forgery.records {
            var rows = NodeStore.rows(record.changes, record.history)
            if wrongRow, record.header.height == 7, let place = rows.firstIndex(where: { $0.0 == .rows }) {
                rows[place].1 = .init(key: rows[place].1.key, value: [1])
            }
            if let forgotten, record.header.height == 7 {
                let key = LeafIndex.key(.zero, leaf: volume << 20).bytes
                rows.append((.rows, .init(key: key, value: bigEndianBytes(forgotten))))
            }
            try store.overlay.apply(height: record.header.height, changes: rows, nodeCount: 0)
        }
        var frontier = LogFrontier()
        for leaf in try forgery.records.flatMap({ try $0.leaves() }) {
            var nodes: [Digest] = []
            let hash = LogTree.leafHash(of: leaf.encoded, hash: SHA256.hash)
            frontier.append(hash, hash: SHA256.hash) { nodes.append($0) }
            if wrongNode, frontier.size == 6 { nodes[0] = SHA256.hash([9]) }
            try store.nodes.append(nodes)
        }
        var records = Array(forgery.records[Self.first...])
        try change(&records)
        let log = try BlockLog(opening: folder.path + "/tail", chain: forgery.chain)
        for (offset, record) in records.enumerated() {
            try log.append([LogRecord(height: UInt64(Self.first + offset), payload: record.encoded)])
        }
        let served = store.overlay.snapshot()
        return try LedgerVerification(
            genesis: forgery.genesis, bytes: forgery.bytes, rules: LedgerNode.rules(chain: forgery.chain),
            width: 1, keys: SnapshotState(served)
        ).runTail(
            log, from: UInt64(Self.first), through: UInt64(max(7, Self.first + records.count - 1)),
            epochs: epochs, served: served, nodes: store.nodes
        ) { _ in }
    }

    private func failure(
        _ forgery: Forgery, wrongRow: Bool = false, wrongNode: Bool = false, epochs: [EpochRecord] = [],
        _ change: (inout [BlockRecord]) throws -> Void = { _ in }
    ) -> LedgerVerification.Failure? {
        do {
            _ = try verify(forgery, change, wrongRow: wrongRow, wrongNode: wrongNode, epochs: epochs)
            return nil
        } catch { return error as? LedgerVerification.Failure }
    }

    @Test func whatIsThereVerifies() async throws {
        let forgery = try await Forgery()
        let summary = try verify(forgery)
        #expect(summary.first == 3 && summary.blocks == 5 && summary.transactions == 5)
        #expect(summary.rejected == 1 && summary.stateRoot == forgery.records[7].header.stateRoot)
    }

    /// No row and no root says where the leaf of a forgotten id is found.
    @Test func forgottenIdsAreNoTampering() async throws {
        let forgery = try await Forgery()
        #expect(try verify(forgery, forgotten: 1).blocks == 5)
        // Of a leaf that is not there, and where nobody looks for it.
        for (leaf, volume) in [(1 << 40, 1 << 20), (1 << 40, 0), (1, 1)] as [(UInt64, UInt64)] {
            #expect { try verify(forgery, forgotten: leaf, in: volume) } throws: {
                ($0 as? LedgerVerification.Failure)?.code == "verify.served_state"
            }
        }
    }

    @Test func everyKindOfTamperingIsFound() async throws {
        let forgery = try await Forgery()
        let accepted = BlockRecord.Entry(index: 0, outcome: .accepted)
        // Block 4 holds the refused transaction.
        var failure = failure(forgery) { $0[1].outcomes = [accepted] }
        #expect(failure?.code == "verify.log_root" && failure?.height == 4)
        failure = self.failure(forgery) { $0[2].outcomes = [] }
        #expect(failure?.code == "verify.log_root" && failure?.height == 5)
        failure = self.failure(forgery) { $0[2].content = $0[3].content }
        #expect(failure?.code == "verify.content" && failure?.height == 5)
        failure = self.failure(forgery) { $0[2].header.previous = .zero }
        #expect(failure?.height == 5)
        failure = self.failure(forgery) { $0[0].commits = [] }
        #expect(failure?.code == "verify.unproven" && failure?.height == 3)
        failure = self.failure(forgery) { $0[3].commits = [] }
        #expect(failure?.height == 6)
        failure = self.failure(forgery) { $0[3].commits = $0[3].commits.map(Forgery.withFlippedSignature) }
        #expect(failure?.height == 6)
        failure = self.failure(forgery) { $0[2].history = [] }
        #expect(failure?.code == "verify.served_history" && failure?.height == 5)
        failure = self.failure(forgery) { $0.removeLast() }
        #expect(failure?.height == 7)
        failure = self.failure(forgery) { $0.swapAt(1, 2) }
        #expect(failure?.code == "verify.order" && failure?.height == 4)
        failure = self.failure(forgery, wrongRow: true)
        #expect(failure?.code == "verify.served_state" && failure?.height == 7)
        failure = self.failure(forgery, wrongNode: true)
        #expect(failure?.code == "verify.served_nodes" && failure?.height == 6)
    }

    /// A block of the epoch that a forger would begin as the only validator, with its signatures.
    private func forged(
        _ kind: BlockHeader.Kind, _ content: [UInt8], after last: BlockRecord, by mallory: MessageSigner
    ) -> BlockRecord {
        let before = last.header
        let header = BlockHeader(
            kind: kind, chain: before.chain, epoch: 1, height: before.height + 1,
            previous: before.hashed(SHA256.hash), time: before.time, position: 0,
            content: SHA256.hash(content), logSize: before.logSize, logRoot: before.logRoot,
            stateRoot: before.stateRoot, contractsVersion: before.contractsVersion)
        let hash = header.hashed(SHA256.hash)
        func signed(_ kind: AttestationKind) -> [Attestation] {
            [Attestation.sign(kind, header, hash: hash, signer: mallory, hash: SHA256.hash)]
        }
        var record = last
        (record.header, record.content) = (header, content)
        (record.outcomes, record.changes, record.history) = ([], [], [])
        (record.votes, record.commits) = (signed(.vote), signed(.commit))
        return record
    }

    /// Whoever holds the data directory may also have written its file of epochs.
    @Test(arguments: [false, true])
    func aChangeOfValidatorsThatOnlyTheNewOnesHaveSignedIsFound(isInTheChain: Bool) async throws {
        let forgery = try await Forgery()
        let mallory = Ed25519.SigningKey.generate().signer
        let parent = try #require(forgery.records.last)
        let proposal = try EpochProposal.signed(
            chain: forgery.chain, epoch: 1, parent: parent.header.hashed(SHA256.hash),
            validators: [.init(member: MemberID(unchecked: "mallory"), votingKey: Bytes(mallory.publicKey))],
            engine: "embedded:mallory", stops: [], lock: [], signer: mallory, hash: SHA256.hash)
        let epoch = forged(.epoch, proposal.bytes, after: parent, by: mallory)
        let batch = Batch.signed(
            chain: forgery.chain, epochBlock: epoch.header.hashed(SHA256.hash), clock: parent.header.time,
            transactions: [], signer: mallory, hash: SHA256.hash)
        let next = forged(.batch, batch, after: epoch, by: mallory)
        let known = EpochRecord(header: epoch.header, content: epoch.content, commits: epoch.commits)
        let failure = failure(forgery, epochs: isInTheChain ? [known] : []) { $0 += [epoch, next] }
        #expect(failure?.code == "verify.unproven" && failure?.height == next.header.height)
    }
}

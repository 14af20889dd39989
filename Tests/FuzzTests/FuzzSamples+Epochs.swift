import Codec
import Contracts
import Cryptography
import Merkle
import Node
import Storage
import TestSupport

@testable import Ledger

/// The small ledger after its validators have changed: an epoch block that brought a second one, and a block
/// above it that both have committed to.
struct EpochSamples: Sendable {
    let stop: Stop
    let suspicion: Suspicion
    let proposal: EpochProposal
    let epoch: EpochRecord
    let history: ValidatorHistory
    let header: BlockHeader
    let commits: [Attestation]
    /// The rows at the head, as its state root has them.
    let tree: StateTree
    let rows: [Ledger.RowChange]

    static let made: EpochSamples = {
        do { return try EpochSamples(.made) } catch { fatalError("the samples could not be made: \(error)") }
    }()

    private init(_ ledger: FuzzSamples) throws {
        let (rules, voters) = (ledger.rules, [Stage.signer("voting"), Stage.signer("second")])
        let last = ledger.records[ledger.records.count - 1]
        let parent = last.header.hashed(rules.hash)
        stop = Stop.signed(
            chain: rules.chain, epoch: 1, lock: .init(epoch: 0, height: last.header.height, block: parent),
            clock: Stage.start, wish: "embedded:b1", signer: voters[0], hash: rules.hash)
        suspicion = Suspicion.signed(
            chain: rules.chain, epoch: 0, wish: nil, signer: voters[0], hash: rules.hash)
        let proposal = try EpochProposal.signed(
            chain: rules.chain, epoch: 1, parent: parent,
            validators: [
                .init(member: MemberID("b1")!, votingKey: Bytes(voters[0].publicKey)),
                .init(member: MemberID("oem")!, votingKey: Bytes(voters[1].publicKey)),
            ], engine: "embedded:b1", stops: [stop], lock: last.votes, signer: voters[0], hash: rules.hash)
        func committed(_ header: BlockHeader) -> [Attestation] {
            voters.map {
                Attestation.sign(
                    .commit, header, hash: header.hashed(rules.hash), signer: $0, hash: rules.hash)
            }
        }
        func above(_ kind: BlockHeader.Kind, _ previous: Digest, _ content: Digest, by: UInt64) -> BlockHeader
        {
            BlockHeader(
                kind: kind, chain: rules.chain, epoch: 1, height: last.header.height + by,
                previous: previous, time: last.header.time, position: 0, content: content,
                logSize: last.header.logSize, logRoot: last.header.logRoot, stateRoot: last.header.stateRoot,
                contractsVersion: 1)
        }
        let begin = above(.epoch, parent, rules.hash(proposal.bytes), by: 1)
        epoch = EpochRecord(header: begin, content: proposal.bytes, commits: committed(begin))
        history = try ValidatorHistory([epoch], genesis: ledger.genesis, rules: rules)
        self.proposal = proposal
        self.header = above(.batch, begin.hashed(rules.hash), .zero, by: 2)
        commits = committed(self.header)
        var rows: [RowKey: Ledger.RowChange] = [:]
        for change in ledger.records.flatMap(\.changes) where !change.key.isDerived {
            rows[change.key] = change.value == nil ? nil : change
        }
        self.rows = rows.values.sorted { $0.key < $1.key }
        var tree = StateTree(hash: rules.hash)
        tree.update(Executor.treeChanges(self.rows, hash: rules.hash))
        self.tree = tree
    }

    /// A receipt that needs the change of validators.
    func receipt(_ index: Int) -> ReceiptBundle {
        let plain = FuzzSamples.made.receipt(index)
        return ReceiptBundle(
            chain: plain.chain, leaf: FuzzSamples.made.leaves[index],
            proof: FuzzSamples.made.inclusion(index), commits: commits, history: history)
    }

    /// A row of the head, or that a key has none.
    /// - Parameter afterChange: by the block above the change of validators.
    func state(_ key: RowKey, afterChange: Bool) -> StateBundle {
        let last = FuzzSamples.made.records[FuzzSamples.made.records.count - 1]
        return StateBundle(
            header: afterChange ? header : last.header, commits: afterChange ? commits : last.commits,
            key: key, value: rows.first { $0.key == key }?.value,
            proof: tree.proof(for: Executor.treeKey(key, hash: FuzzSamples.made.rules.hash)),
            history: afterChange ? history : .init())
    }

    /// A snapshot of the head.
    var offer: SnapshotOffer {
        get throws {
            let last = FuzzSamples.made.records[FuzzSamples.made.records.count - 1]
            var frontier = LogFrontier()
            for leaf in FuzzSamples.made.leaves {
                let hash = FuzzSamples.made.rules.hash
                frontier.append(LogTree.leafHash(of: leaf.encoded, hash: hash), hash: hash) { _ in }
            }
            let chunk = SnapshotChunk.encode(rows.map { Row(key: $0.key.bytes, value: $0.value ?? []) })
            let manifest = SnapshotManifest(
                chain: FuzzSamples.made.rules.chain, height: last.header.height,
                block: last.header.hashed(FuzzSamples.made.rules.hash), rowCount: UInt64(rows.count),
                frontier: frontier,
                chunks: [.init(digest: FuzzSamples.made.rules.hash(chunk), byteCount: chunk.count)])
            return SnapshotOffer(manifest: manifest, blocks: [last], epochs: [])
        }
    }
}

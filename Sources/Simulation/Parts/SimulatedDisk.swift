import Codec
import Ledger
import Merkle

/// What a node finds again after a crash: the log, the rows of a final block, and its outbox.
struct SimulatedDisk: Sendable {
    /// The rows as of a final block, and what else a restart begins with.
    struct Checkpoint: Sendable {
        var rows = SimulatedRows()
        var header: BlockHeader
        var hash: Digest
        var log = LogFrontier()
        var epochs: [(proposal: EpochProposal, block: Digest, height: Height)] = []
        var voteState: VoteState
        /// Final blocks with their certificates, by height.
        var served: [CandidateBlock]
    }

    /// In the order in which it was written; what was undone included.
    var log: [LogItem] = []
    /// Where a block was first written.
    var places: [Digest: Int] = [:]
    var checkpoint: Checkpoint
    /// Every signature and stop that was written: what may leave the node.
    var signatures: Set<Attestation> = []
    var stops: Set<[UInt8]> = []
    var outbox: [Submission] = []
    /// What the last records say of promises and stops.
    var voteState = VoteState(record: VoteRecord(), stops: [])

    mutating func append(_ item: LogItem, hash: HashFunction) {
        switch item {
        case .block(let record):
            let block = record.header.hashed(hash)
            if places[block] == nil { places[block] = log.count }
            signatures.formUnion(record.votes)
            signatures.formUnion(record.commits)
        case .certificate(let certificate):
            signatures.formUnion(certificate.votes)
            signatures.formUnion(certificate.commits)
        case .votes(let state): stops.formUnion(state.stops.map(\.bytes))
        }
        log.append(item)
        voteState.note(item)
    }

    /// All that was written since the checkpoint's block.
    var tail: [LogItem] { Array(log[(places[checkpoint.hash] ?? 0)...]) }
}

extension SimulatedDisk.Checkpoint {
    /// Takes in the next final block.
    mutating func apply(_ block: ExecutedBlock, served candidate: CandidateBlock, hash: HashFunction) {
        rows.apply(block.changes)
        var nodes = block.logNodes[...]
        while let leaf = nodes.popFirst() {
            nodes = nodes.dropFirst(log.size.trailingOnes)
            log.append(leaf, hash: hash)
        }
        (header, self.hash) = (block.header, block.hash)
        if case .epoch(let proposal) = candidate.content {
            epochs.append((proposal, block.hash, block.header.height))
        }
        served.append(candidate)
    }

    /// The executor on the checkpoint's block, its state tree built from the rows.
    func executor(_ rules: Rules) -> Executor {
        let changes = rows.keys.map { RowChange(key: $0, value: rows.values[$0]) }
        var tree = StateTree(hash: rules.hash)
        tree.update(Executor.treeChanges(changes, hash: rules.hash))
        return Executor(rules: rules, head: header, log: log, tree: tree)
    }
}

extension UInt64 {
    fileprivate var trailingOnes: Int { (~self).trailingZeroBitCount }
}

/// A transaction on its way.
struct Submission: Sendable {
    let id: TransactionID
    let bytes: [UInt8]
    let expires: Timestamp
    /// When this node took it on, and when it was last put into a batch.
    let since: Timestamp
    var sent: Timestamp?
}

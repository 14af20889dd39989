import Codec
import Cryptography
import Ledger
import Merkle
import Storage
import Synchronization

/// Brings a store back to the last final block: replays what the checkpoint lacks into the overlay, mends the
/// node file, rebuilds the trees. What the log holds above that block, and what this node has promised, is
/// told beside it.
struct Restoration {
    let store: LedgerStore
    let rules: Rules
    /// Epoch 0.
    let genesis: EpochContext
    let epochFile: String

    struct Result {
        let executor: Executor
        /// The epoch of the last final block.
        let context: EpochContext
        /// As it was with the last final block.
        let voteState: VoteState
        /// What was written after, in its order.
        let log: [LogItem]
        let epochs: [EpochRecord]
    }

    /// Nil where the log is empty.
    /// - Parameter voters: this node's voting keys.
    /// - Throws: `node.damaged` where what is rebuilt is not what the last block says.
    func restore(voters: [KeyID]) throws -> Result? {
        guard let lastHeight = store.log.lastHeight else { return nil }
        let checkpoint = try store.state.snapshot().height
        var epochs = try epochRecords(through: checkpoint ?? 0)
        var walk = EpochWalk(genesis, hash: rules.hash)
        for record in epochs { try walk.advance(record.header) { record.content } }
        let final = try finalHeight(above: checkpoint ?? 0, through: lastHeight, walk)
        let head = try replay(above: checkpoint, through: final) { record in
            guard record.header.height > checkpoint ?? 0 else { return }
            try walk.advance(record.header) { record.content }
            if record.header.kind == .epoch { epochs.append(try epochRecord(record)) }
        }
        return Result(
            executor: head.executor, context: walk.context,
            voteState: VoteState(record: head.record.voteRecord, stops: []),
            log: try tail(from: head.record, voters), epochs: epochs)
    }

    // MARK: Epochs and finality

    /// The epoch blocks after genesis up to a height: from their file, or from the log where that lacks some.
    private func epochRecords(through height: Height) throws -> [EpochRecord] {
        var records = EpochChain.load(epochFile).filter { $0.header.height <= height }
        guard height > 0, try header(at: height).epoch != records.last?.header.epoch ?? 0 else {
            return records
        }
        records = []
        for height in 1...height {
            guard try header(at: height).kind == .epoch else { continue }
            records.append(try epochRecord(try block(at: height)))
        }
        return records
    }

    private func epochRecord(_ record: BlockRecord) throws -> EpochRecord {
        var record = record
        try NodeStore.merge(try store.log.certificate(at: record.header.height), into: &record)
        // The file may hold what this node has learnt since.
        let saved = EpochChain.load(epochFile).first { $0.header == record.header }
        return EpochRecord(
            header: record.header, content: record.content,
            commits: NodeStore.joined(record.commits, saved?.commits ?? []))
    }

    /// The highest block of the log that a quorum has committed to; at the least the checkpoint's.
    private func finalHeight(
        above checkpoint: Height, through last: Height, _ epochs: EpochWalk
    ) throws -> Height {
        guard last > checkpoint else { return checkpoint }
        var walk = epochs
        var contexts: [EpochContext] = []
        for height in (checkpoint + 1)...last {
            try walk.advance(header(at: height)) { try block(at: height).content }
            contexts.append(walk.context)
        }
        for height in ((checkpoint + 1)...last).reversed() {
            var record = try block(at: height)
            try NodeStore.merge(try store.log.certificate(at: height), into: &record)
            let quorum = contexts[Int(height - checkpoint - 1)].quorum(of: record.header.kind)
            let certificate = try? Certificate(
                .commit, record.commits, over: record.header, hash: record.header.hashed(rules.hash),
                quorum: quorum, verifier: rules.verify)
            if certificate != nil { return height }
        }
        return checkpoint
    }

    // MARK: The final state

    private func replay(
        above checkpoint: Height?, through final: Height, _ note: (BlockRecord) throws -> Void
    ) throws -> (executor: Executor, record: BlockRecord) {
        if !store.nodesAreWhole { try store.nodes.truncate(to: 0) }
        var log = try frontier(checkpoint)
        var last: BlockRecord?
        var cursor = store.log.records(from: store.nodesAreWhole ? checkpoint.map { $0 + 1 } ?? 0 : 0)
        while let stored = try cursor.next(), stored.height <= final {
            let record = try BlockRecord(decoding: stored.payload)
            var nodes: [Digest] = []
            for leaf in try record.leaves() {
                let hash = LogTree.leafHash(of: leaf.encoded, hash: rules.hash)
                log.append(hash, hash: rules.hash) { nodes.append($0) }
            }
            try store.nodes.append(nodes)
            if checkpoint.map({ record.header.height > $0 }) ?? true {
                try store.overlay.apply(
                    height: record.header.height, rows: record.changes, history: record.history,
                    nodeCount: LogTree.nodeCount(size: record.header.logSize))
            }
            try note(record)
            last = record
        }
        let head = try last ?? block(at: final)
        guard log.size == head.header.logSize, log.root(hash: rules.hash) == head.header.logRoot else {
            throw NodeError("node.damaged", "the log's leaves are not those of block \(final)")
        }
        let (tree, usedIDs) = try state(head.header)
        var executor = Executor(rules: rules, head: head.header, log: log, tree: tree)
        executor.recall(usedIDs)
        return (executor, head)
    }

    /// Builds the state tree, and beside it compares the derived rows, which no root covers and which are
    /// executed with: either reads about as many rows.
    private func state(_ head: BlockHeader) throws -> (tree: StateTree, usedIDs: UsedIDs) {
        let reader = store.overlay.snapshot()
        let derived = Mutex<Swift.Result<UsedIDs, any Error>?>(nil)
        let threads = ThreadGroup()
        threads.start("derived") {
            let result = Swift.Result {
                let rows = SnapshotState(reader)
                try DerivedRows.version1.checkIndexes(rows)
                return try UsedIDs(rememberedIn: rows, at: head)
            }
            derived.withLock { $0 = result }
        }
        let built = Swift.Result { try Restoration.stateTree(reader, hash: rules.hash) }
        threads.join()
        let tree = try built.get()
        guard tree.root == head.stateRoot, let derived = derived.withLock({ $0 }) else {
            throw NodeError("node.damaged", "the stored state is not that of block \(head.height)")
        }
        do { return (tree, try derived.get()) } catch let fault as LedgerFault {
            throw NodeError(
                "node.damaged", "the stored state of block \(head.height) is damaged: \(fault.description)")
        }
    }

    private func header(at height: Height) throws -> BlockHeader {
        guard let payload = try store.log.read(height) else { throw Restoration.missing(height) }
        return try BlockRecord.header(of: payload)
    }

    private func block(at height: Height) throws -> BlockRecord {
        guard let payload = try store.log.read(height) else { throw Restoration.missing(height) }
        return try BlockRecord(decoding: payload)
    }

    private static func missing(_ height: Height) -> NodeError {
        NodeError("node.damaged", "block \(height) is missing from the log")
    }

    /// The log tree's peaks at the checkpoint, read from the node file; the empty log where it is filled
    /// anew.
    private func frontier(_ checkpoint: UInt64?) throws -> LogFrontier {
        guard store.nodesAreWhole, let checkpoint else { return LogFrontier() }
        guard let frontier = try store.nodes.frontier(size: header(at: checkpoint).logSize) else {
            throw NodeError("node.damaged", "the node file lacks a peak of the log tree")
        }
        return frontier
    }

    /// The state tree over all rows that a reader sees.
    static func stateTree(_ reader: LayeredReader, hash: HashFunction) throws -> StateTree {
        try StateTree(rowsOf: reader, hash: hash)
    }

    // MARK: Promises

    /// Everything that was written from the final block on, undone blocks included: the last vote record in
    /// it is what this node has promised.
    private func tail(from final: BlockRecord, _ voters: [KeyID]) throws -> [LogItem] {
        var items: [LogItem] = []
        var state = VoteState(record: final.voteRecord, stops: [])
        var signed: [Attestation] = []
        var cursor = store.log.tail(fromHeight: final.header.height)
        while let stored = try cursor.next() {
            guard let item = try Restoration.item(stored) else { continue }
            switch item {
            case .block(let record): signed += record.votes + record.commits
            case .certificate(let certificate): signed += certificate.votes + certificate.commits
            case .votes: break
            }
            state.note(item)
            items.append(item)
        }
        try check(state.record, covers: signed.filter { voters.contains($0.key) })
        return items
    }

    /// What a store's node has promised and signed last.
    static func lastVoteState(in store: LedgerStore) throws -> VoteState {
        var state = VoteState(record: VoteRecord(), stops: [])
        var cursor = store.log.tail(fromHeight: try store.state.snapshot().height ?? 0)
        while let stored = try cursor.next() {
            if let item = try item(stored) { state.note(item) }
        }
        if state.stops.contains(where: { $0.epoch != state.record.promised }) { state.stops = [] }
        return state
    }

    private static func item(_ stored: LogRecord) throws -> LogItem? {
        switch stored.kind {
        case .block: .block(try BlockRecord(decoding: stored.payload))
        case .certificate: .certificate(try BlockCertificate(decoding: stored.payload))
        case .vote: .votes(try VoteState(decoding: stored.payload))
        default: nil
        }
    }

    /// What the next vote is checked against: with an older record it would be a promise broken.
    private func check(_ votes: VoteRecord, covers signed: [Attestation]) throws {
        for attestation in signed {
            let point = VoteRecord.Point(
                epoch: attestation.epoch, height: attestation.height, block: attestation.block)
            let noted = attestation.kind == .vote ? votes.lastVote : votes.lastCommit
            guard let noted, noted > point || noted == point, votes.promised >= point.epoch else {
                throw NodeError(
                    "node.damaged", "the vote record is not that of what was signed at \(point.height)")
            }
        }
    }
}

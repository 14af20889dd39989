import Codec
import Contracts
import Ledger
import Merkle
import Storage

/// A log that does not begin with the genesis document, since older blocks were removed or the node began
/// with a snapshot.
///
/// Its first block is shown to be final by the epochs' chain from the genesis document. Of it and those
/// after it everything is checked but the rules: signatures, order, leaves and the log's root, votes and
/// commits. The rows that are served are compared with the after-images of these blocks and with the last
/// state root, which a quorum has signed. The outcomes are those that a quorum has signed; how many of its
/// transactions the first block left out, only the block before it would tell.
extension LedgerVerification {
    /// What has been walked so far.
    private struct Tail {
        /// The log tree so far. Nil before the first block of a node that began with it: the peaks that it
        /// has are those after.
        var log: LogFrontier?
        var previous: (header: BlockHeader, hash: Digest)?
        var votes: VoteRecord?
        /// The last after-image of each row that changed.
        var images: [Ledger.RowKey: [UInt8]?] = [:]
        var blocks: UInt64 = 0
        var transactions: UInt64 = 0
        var rejected: UInt64 = 0
    }

    /// Checks every final block that a log has.
    /// - Parameter epochs: the final epoch blocks after genesis.
    /// - Throws: `Failure`, a storage error, or what `progress` throws.
    func runTail(
        _ log: BlockLog, from first: Height, through height: Height, epochs: [EpochRecord],
        served: LayeredReader, nodes: NodeFile, progress: (BlockHeader) throws -> Void
    ) throws -> Summary {
        var before = EpochWalk(try foundedContext(), hash: rules.hash)
        for epoch in epochs where epoch.header.height < first {
            try before.advance(epoch.header) { epoch.content }
        }
        var tail = Tail()
        _ = try walk(log, from: first, through: height, before) { links in
            // A false change of validators would bring its own signatures: what the epochs prove counts.
            if tail.previous == nil || links.contains(where: { $0.record.header.kind == .epoch }) {
                try prove(links[links.count - 1].record, epochs: epochs)
            }
            if tail.previous == nil {
                tail.log = try nodes.frontier(size: try size(before: links[0].record))
            }
            for link in links {
                try check(link, &tail, served: served, nodes: nodes)
                try progress(link.record.header)
            }
        }
        guard let last = tail.previous, last.header.height >= height else {
            throw Failure(
                code: Certificate.Failure.noQuorum.rawValue,
                height: (tail.previous?.header.height ?? first) + 1,
                transaction: nil, detail: "neither it nor a later block has a quorum's commits")
        }
        try checkState(tail, at: last.header, served)
        return Summary(
            first: first, blocks: tail.blocks, transactions: tail.transactions, rejected: tail.rejected,
            head: last.hash, stateRoot: last.header.stateRoot)
    }

    /// What the contracts derive from rows.
    private var derived: DerivedRows { .version1 }

    private func failure(_ what: String, _ height: Height, _ detail: String) -> Failure {
        Failure(code: "verify.\(what)", height: height, transaction: nil, detail: detail)
    }

    // MARK: The first block

    /// Shows a block to be final, and so all before it.
    private func prove(_ record: BlockRecord, epochs: [EpochRecord]) throws(Failure) {
        let header = record.header
        do throws(FinalityProof.Failure) {
            try FinalityProof([record], epochs: epochs.filter { $0.header.height <= header.height }).verify(
                block: header.hashed(rules.hash), height: header.height, genesis: genesis, rules: rules)
        } catch {
            throw failure(
                "unproven", header.height, "the genesis does not show it to be final: \(error.text)")
        }
    }

    /// The log's size without a block's leaves.
    private func size(before record: BlockRecord) throws -> UInt64 {
        let count = UInt64(try leaves(of: record).count)
        guard record.header.logSize >= count else {
            throw failure("log_root", record.header.height, "its log is shorter than its own leaves")
        }
        return record.header.logSize - count
    }

    private func leaves(of record: BlockRecord) throws -> [Leaf] {
        do { return try record.leaves() } catch {
            throw failure("batch", record.header.height, "its content is not a batch of this ledger")
        }
    }

    // MARK: Each block

    private func check(
        _ link: Link, _ tail: inout Tail, served: LayeredReader, nodes: NodeFile
    ) throws {
        let record = link.record
        let (header, hash) = (record.header, record.header.hashed(rules.hash))
        if let previous = tail.previous {
            guard header.previous == previous.hash, header.time >= previous.header.time else {
                throw failure("header", header.height, "it does not follow the block before it")
            }
        }
        guard header.chain == rules.chain, header.content == rules.hash(record.content) else {
            throw failure("content", header.height, "its content is not what its header names")
        }
        switch header.kind {
        case .epoch: try checkProposal(link, after: tail.previous)
        case .batch: try checkBatch(link)
        }
        try checkLeaves(record, &tail, nodes)
        try checkCertificates(link, hash, isProven: tail.previous == nil)
        if var votes = tail.votes {
            try checkVotes(link, hash, &votes)
            tail.votes = votes
        } else {
            tail.votes = record.voteRecord
        }
        // Of a snapshot's block no steps are kept.
        if tail.previous != nil { try compareHistory(served, record.history, at: header.height) }
        for change in record.changes { tail.images[change.key] = .some(change.value) }
        tail.blocks += 1
        tail.rejected += UInt64(record.outcomes.count { $0.outcome != .accepted })
        tail.transactions += UInt64(record.outcomes.count)
        tail.previous = (header, hash)
    }

    private func checkProposal(
        _ link: Link, after previous: (header: BlockHeader, hash: Digest)?
    ) throws {
        let header = link.record.header
        guard let proposal = try? EpochProposal(decoding: link.record.content), link.record.outcomes.isEmpty
        else { throw failure("epoch", header.height, "its content is no proposal of an epoch") }
        try checkStops(proposal, link.context) { self.failure("epoch", header.height, $0) }
        guard proposal.parent == header.previous else {
            throw failure("epoch", header.height, "its parent is not the block before it")
        }
        guard let previous else { return }
        guard proposal.stops.map(\.lock).max() == VoteRecord.Point(previous.header, hash: previous.hash)
        else {
            throw failure("epoch", header.height, "its parent is not the highest lock of its stops")
        }
    }

    /// The batch is a validator's of the epoch, and every transaction with an outcome is its signer's.
    private func checkBatch(_ link: Link) throws {
        let (record, height) = (link.record, link.record.header.height)
        let (ordered, _) = try batch(of: link)
        for outcome in record.outcomes {
            guard ordered.candidates.indices.contains(outcome.index),
                case .verified = ordered.candidates[outcome.index]
            else {
                throw Failure(
                    code: "verify.signature", height: height, transaction: outcome.index,
                    detail: "it has an outcome, and its signature is not good")
            }
        }
    }

    private func checkLeaves(_ record: BlockRecord, _ tail: inout Tail, _ nodes: NodeFile) throws {
        let header = record.header
        var added: [Digest] = []
        guard var log = try tail.log ?? nodes.frontier(size: header.logSize) else {
            throw failure("served_nodes", header.height, "the log tree's peaks are not there")
        }
        if tail.log != nil {
            for leaf in try leaves(of: record) {
                let hash = LogTree.leafHash(of: leaf.encoded, hash: rules.hash)
                log.append(hash, hash: rules.hash) { added.append($0) }
            }
        }
        guard log.size == header.logSize, log.root(hash: rules.hash) == header.logRoot else {
            throw failure("log_root", header.height, "its transactions and outcomes do not give its log root")
        }
        tail.log = log
        try compare(nodes, added, at: header)
    }

    // MARK: The state

    private func checkState(_ tail: Tail, at header: BlockHeader, _ served: LayeredReader) throws {
        guard served.height == header.height else {
            throw failure("served_state", header.height, "the served rows are of another block")
        }
        for (key, image) in tail.images.sorted(by: { $0.key < $1.key }) {
            guard try served.value(forKey: key.bytes) == image else {
                throw failure(
                    "served_state", header.height,
                    "the served row of \(key.table) is not what the blocks say")
            }
        }
        guard try StateTree(rowsOf: served, hash: rules.hash).root == header.stateRoot else {
            throw failure("state_root", header.height, "the served rows do not give the state root")
        }
        try checkDerivedRows(served, at: header)
        try checkHistoryEnds(served, at: header.height)
    }

    /// Rows of indexes, which no root covers, are those that the other rows give. Where the leaves of
    /// forgotten ids are found only all blocks tell.
    private func checkDerivedRows(_ served: LayeredReader, at header: BlockHeader) throws {
        var (given, found): ([Row], [Row]) = ([], [])
        func failure(_ place: Row?) -> any Error {
            let table = place.map { Ledger.RowKey(bytes: $0.key).table } ?? "?"
            return self.failure(
                "served_state", header.height, "the served row of \(table) is not what the rows give")
        }
        try served.forEachRow { row in
            let key = Ledger.RowKey(bytes: row.key)
            if key.table == LeafIndex.table {
                let leaf = bigEndianNumber(row.value)
                guard row.value.count == 8, leaf < header.logSize,
                    let id = Digest(row.key.suffix(Digest.count)), key == LeafIndex.key(id, leaf: leaf)
                else { throw failure(row) }
                return
            }
            if key.isDerived { return found.append(row) }
            for (key, value) in try derived.rows(for: key, stored: row.value) {
                let row = Row(key: key.bytes, value: value)
                if key.table != LeafIndex.table {
                    given.append(row)
                } else if try served.value(forKey: row.key) != row.value {
                    throw failure(row)
                }
            }
        }
        let order = KeySorting.order(of: given.map(\.key))
        given = order.map { given[$0] }
        guard given == found else {
            throw failure(zip(given, found).first { $0 != $1 }?.0 ?? given.last ?? found.last)
        }
    }
}

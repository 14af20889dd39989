import Codec
import Cryptography
import Ledger
import Merkle
import Storage

/// Brings a store back to the log's end: replays the tail into the overlay, mends the node file, rebuilds the
/// trees.
struct Restoration {
    let store: LedgerStore
    let rules: Rules

    /// The executor on the last stored block, and that block's record; nil where the log is empty.
    /// - Throws: `node.damaged` where what is rebuilt is not what the last block says.
    func restore() throws -> (executor: Executor, last: BlockRecord)? {
        guard let lastHeight = store.log.lastHeight else { return nil }
        let checkpoint = try store.state.snapshot().height
        if !store.nodesAreWhole { try store.nodes.truncate(to: 0) }
        var log = try frontier(checkpoint)
        var last: BlockRecord?
        var cursor = store.log.records(from: store.nodesAreWhole ? checkpoint.map { $0 + 1 } ?? 0 : 0)
        while let stored = try cursor.next() {
            guard stored.kind == .block else { continue }
            let record = try BlockRecord(decoding: stored.payload)
            var nodes: [Digest] = []
            for leaf in try record.leaves() {
                let hash = LogTree.leafHash(of: leaf.encoded, hash: rules.hash)
                log.append(hash, hash: rules.hash) { nodes.append($0) }
            }
            try store.nodes.append(nodes)
            if checkpoint.map({ record.header.height > $0 }) ?? true {
                try store.overlay.apply(
                    height: record.header.height, changes: NodeStore.rows(record.changes, record.history),
                    nodeCount: LogTree.nodeCount(size: record.header.logSize))
            }
            last = record
        }
        let head = try last ?? record(at: lastHeight)
        let tree = try Restoration.stateTree(store.overlay.snapshot(), hash: rules.hash)
        guard log.size == head.header.logSize, log.root(hash: rules.hash) == head.header.logRoot else {
            throw NodeError("node.damaged", "the log's leaves are not those of block \(lastHeight)")
        }
        guard tree.root == head.header.stateRoot else {
            throw NodeError("node.damaged", "the stored state is not that of block \(lastHeight)")
        }
        // What the next vote is checked against: with another record it would be a trap, or a promise broken.
        let vote = VoteRecord.Point(
            epoch: head.header.epoch, height: head.header.height, block: head.header.hashed(rules.hash))
        guard head.voteRecord.promised == vote.epoch, head.voteRecord.lastVote == vote else {
            throw NodeError("node.damaged", "the vote record is not that of block \(lastHeight)")
        }
        return (Executor(rules: rules, head: head.header, log: log, tree: tree), head)
    }

    private func record(at height: UInt64) throws -> BlockRecord {
        guard let payload = try store.log.read(height) else {
            throw NodeError("node.damaged", "block \(height) is missing from the log")
        }
        return try BlockRecord(decoding: payload)
    }

    /// The log tree's peaks at the checkpoint, read from the node file; the empty log where it is filled
    /// anew.
    private func frontier(_ checkpoint: UInt64?) throws -> LogFrontier {
        guard store.nodesAreWhole, let checkpoint else { return LogFrontier() }
        let size = try record(at: checkpoint).header.logSize
        var peaks: [Digest] = []
        var before: UInt64 = 0
        for level in (0..<62).reversed() where size >> UInt64(level) & 1 == 1 {
            let position = LogTree.nodePosition(level: level, index: before >> UInt64(level))
            guard let peak = try store.nodes.digest(at: Int(position)) else {
                throw NodeError("node.damaged", "the node file lacks a peak of the log tree")
            }
            peaks.append(peak)
            before += 1 << UInt64(level)
        }
        guard let frontier = LogFrontier(size: size, peaks: peaks) else {
            throw NodeError("node.damaged", "the node file does not fit the log")
        }
        return frontier
    }

    /// The state tree over all rows that a reader sees.
    static func stateTree(_ reader: LayeredReader, hash: HashFunction) throws -> StateTree {
        try StateTree(rowsOf: reader, hash: hash)
    }
}

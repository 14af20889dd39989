import Codec
import Ledger

/// What nodes have told their callers, and whether it stays true.
final class Reports {
    /// A final block as a node tells of it.
    struct Told {
        let height: Height
        let hash: Digest
        var time: Timestamp
        var leaves: [(id: TransactionID, outcome: Outcome)]

        init(_ block: ExecutedBlock) {
            (height, hash, time) = (block.header.height, block.hash, block.header.time)
            leaves = block.included.map { ($0.id, $0.outcome) }
        }

        init(genesis: BlockHeader, hash: Digest) {
            (height, self.hash, time, leaves) = (0, hash, genesis.time, [])
        }
    }

    private var told: [Told] = []
    private var heights: [Height]
    /// Where each transaction became final.
    private(set) var leaves: [TransactionID: Height] = [:]
    private(set) var expired: [TransactionID] = []
    /// Expiry of every transaction that a client made.
    var expiries: [TransactionID: Timestamp] = [:]
    private let watch: Watch
    var count: Int { told.count }

    init(watch: Watch, genesis: BlockHeader, nodes: Int) {
        self.watch = watch
        told = [Told(genesis: genesis, hash: watch.order[0])]
        heights = Array(repeating: 0, count: nodes)
    }

    /// A node begins again below what it has told: a wiped or restarted one.
    func rewind(_ node: Int, to height: Height) { heights[node] = min(heights[node], height) }

    /// A node that took a snapshot.
    func jump(_ node: Int, to height: Height) { heights[node] = height }

    /// A node has told that a block is final.
    /// - Parameter fastest: the fastest clock that may be trusted; nil where too many may not.
    func final(_ block: Told, at node: Int, fastest: Timestamp?) throws {
        guard block.height == heights[node] + 1, Int(block.height) <= told.count else {
            throw watch.fail(
                "every final block once, in order", "node \(node) told \(block.height) after \(heights[node])"
            )
        }
        heights[node] = block.height
        try requireFinal(block.hash, by: node)
        if Int(block.height) < told.count {
            let known = told[Int(block.height)]
            guard known.hash == block.hash, known.leaves.elementsEqual(block.leaves, by: ==) else {
                throw watch.fail(
                    "final keeps its place and outcome",
                    "node \(node) told \(watch.name(block.hash)), before it was \(watch.name(known.hash))")
            }
            return
        }
        if let last = told.last, block.time < last.time {
            throw watch.fail("time never falls", watch.name(block.hash))
        }
        if let fastest, block.time > fastest {
            let excess = (block.time - fastest).nanoseconds / 1_000_000
            throw watch.fail("time is some honest clock's", "\(watch.name(block.hash)) is \(excess) ms ahead")
        }
        try noteLeaves(of: block)
        told.append(block)
    }

    /// Whatever a node tells of is final, whoever else knows.
    func requireFinal(_ block: Digest, by node: Int) throws {
        guard watch.blocks[block]?.isFinal == true else {
            throw watch.fail("final has a certificate", "node \(node) told \(watch.name(block))")
        }
    }

    private func noteLeaves(of block: Told) throws {
        for leaf in block.leaves {
            if let other = leaves[leaf.id] {
                throw watch.fail("one leaf a transaction", "in blocks \(other) and \(block.height)")
            }
            leaves[leaf.id] = block.height
            guard let expires = expiries[leaf.id] else {
                throw watch.fail("leaves are what clients signed", "\(leaf.id)")
            }
            guard block.time < expires else {
                throw watch.fail("no leaf after expiry", "in block \(block.height)")
            }
        }
        if let lost = expired.first(where: { leaves[$0] != nil }) {
            throw watch.fail("expired stays out", "\(lost)")
        }
    }

    /// A node has told that a transaction has expired.
    func expired(_ id: TransactionID) throws {
        if let height = leaves[id] { throw watch.fail("expired stays out", "it is in block \(height)") }
        expired.append(id)
    }
}

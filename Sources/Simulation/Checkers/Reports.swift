import Codec
import Ledger

/// What nodes have told their callers, and whether it stays true.
final class Reports {
    /// A final block as first reported.
    private struct Told {
        let hash: Digest
        let included: [Included]
        let time: Timestamp
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
        told = [Told(hash: watch.order[0], included: [], time: genesis.time)]
        heights = Array(repeating: 0, count: nodes)
    }

    /// A node begins again below what it has told: a wiped or restarted one.
    func rewind(_ node: Int, to height: Height) { heights[node] = min(heights[node], height) }

    /// A node that took a snapshot.
    func jump(_ node: Int, to height: Height) { heights[node] = height }

    /// A node has told that a block is final.
    /// - Parameter fastest: the fastest clock that may be trusted; nil where too many may not.
    func final(_ block: ExecutedBlock, at node: Int, fastest: Timestamp?) throws {
        let height = block.header.height
        guard height == heights[node] + 1 || height == 0 else {
            throw watch.fail("every final block once, in order", "node \(node) told \(height) after \(heights[node])")
        }
        heights[node] = height
        guard watch.blocks[block.hash]?.isFinal == true else {
            throw watch.fail("final has a certificate", "node \(node) told \(watch.name(block.hash))")
        }
        if Int(height) < told.count {
            let known = told[Int(height)]
            guard known.hash == block.hash, known.included.map(\.outcome) == block.included.map(\.outcome),
                known.included.map(\.id) == block.included.map(\.id)
            else {
                throw watch.fail(
                    "final keeps its place and outcome",
                    "node \(node) told \(watch.name(block.hash)), before it was \(watch.name(known.hash))")
            }
            return
        }
        guard Int(height) == told.count else {
            throw watch.fail("every final block once, in order", "node \(node) told \(height) first")
        }
        if let last = told.last, block.header.time < last.time {
            throw watch.fail("time never falls", "\(watch.name(block.hash))")
        }
        if let fastest, height > 0, block.header.time > fastest {
            throw watch.fail(
                "time is some honest clock's",
                "\(watch.name(block.hash)) is \((block.header.time - fastest).nanoseconds / 1_000_000) ms ahead")
        }
        try noteLeaves(of: block)
        told.append(Told(hash: block.hash, included: block.included, time: block.header.time))
    }

    private func noteLeaves(of block: ExecutedBlock) throws {
        for included in block.included {
            if let other = leaves[included.id] {
                throw watch.fail(
                    "one leaf a transaction", "in blocks \(other) and \(block.header.height)")
            }
            leaves[included.id] = block.header.height
            guard let expires = expiries[included.id] else {
                throw watch.fail("leaves are what clients signed", "\(included.id)")
            }
            guard block.header.time < expires else {
                throw watch.fail("no leaf after expiry", "in block \(block.header.height)")
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

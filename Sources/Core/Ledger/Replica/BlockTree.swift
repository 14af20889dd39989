import Codec
import Merkle

/// A block as it comes from a peer or from this node's own log: not executed here yet.
package struct CandidateBlock: Sendable {
    package enum Content: Sendable {
        /// At the position that the header names.
        case batch(OrderedBatch)
        case epoch(EpochProposal)

        package var bytes: [UInt8] {
            switch self {
            case .batch(let ordered): ordered.batch.bytes
            case .epoch(let proposal): proposal.bytes
            }
        }
    }

    package let header: BlockHeader
    package let content: Content
    package let votes: [Attestation]
    package let commits: [Attestation]
    /// What the peer says became of the transactions; only to name the place of a difference.
    package let outcomes: [BlockRecord.Entry]

    package init(
        header: BlockHeader, content: Content, votes: [Attestation] = [], commits: [Attestation] = [],
        outcomes: [BlockRecord.Entry] = []
    ) {
        (self.header, self.content, self.votes, self.commits) = (header, content, votes, commits)
        self.outcomes = outcomes
    }
}

/// The blocks above the last final one: those executed on the head's chain, and others that may still win.
struct BlockTree: Sendable {
    struct Block: Sendable {
        let header: BlockHeader
        let hash: Digest
        let content: CandidateBlock.Content
        let context: EpochContext
        var outcomes: [BlockRecord.Entry] = []
        var execution: Execution?
    }

    /// What executing a block came to, and what takes it back.
    struct Execution: Sendable {
        let block: ExecutedBlock
        /// What the block's changes replaced, in the same order.
        let before: [RowChange]
        let parent: BlockHeader
        let parentLog: LogFrontier
        let since: Timestamp
    }

    struct Final: Sendable {
        var header: BlockHeader
        var hash: Digest
        var context: EpochContext
    }

    private(set) var final: Final
    /// Executed, from the final block's child to the head.
    private(set) var chain: [Digest] = []
    private var blocks: [Digest: Block] = [:]
    /// The keys of `blocks` in the order in which they came.
    private var order: [Digest] = []

    /// Blocks that are not on the chain, at most.
    private static let sideBlocks = 256

    init(final header: BlockHeader, hash: Digest, context: EpochContext) {
        final = Final(header: header, hash: hash, context: context)
    }

    func block(_ hash: Digest) -> Block? { blocks[hash] }
    func isOnChain(_ hash: Digest) -> Bool { chain.contains(hash) }
    func position(_ hash: Digest) -> Int? { chain.firstIndex(of: hash) }
    var head: Block? { chain.last.flatMap { blocks[$0] } }
    var headContext: EpochContext { head?.context ?? final.context }

    /// A known block's header and epoch, the final one's included.
    func known(_ hash: Digest) -> (header: BlockHeader, context: EpochContext)? {
        if hash == final.hash { return (final.header, final.context) }
        return blocks[hash].map { ($0.header, $0.context) }
    }

    /// Blocks on the chain, oldest first.
    var executed: [Block] { chain.compactMap { blocks[$0] } }

    /// All blocks, parents before their children.
    var all: [Block] { order.compactMap { blocks[$0] } }

    /// - Parameter kept: a block that is let go of neither now nor any of its ancestors: the lock, which this
    ///   node may be the only one to hold.
    mutating func add(_ block: Block, keeping kept: Digest?) {
        guard blocks[block.hash] == nil else { return }
        blocks[block.hash] = block
        order.append(block.hash)
        guard order.count > chain.count + BlockTree.sideBlocks else { return }
        var needed = [block.hash, block.header.previous]
        var next = kept
        while let hash = next, let ancestor = blocks[hash] {
            needed.append(hash)
            next = ancestor.header.previous
        }
        guard let oldest = order.firstIndex(where: { !chain.contains($0) && !needed.contains($0) })
        else { return }
        blocks[order.remove(at: oldest)] = nil
    }

    mutating func push(_ hash: Digest, _ execution: Execution) {
        blocks[hash]?.execution = execution
        chain.append(hash)
    }

    mutating func pop() -> Execution? {
        guard let hash = chain.popLast(), let execution = blocks[hash]?.execution else { return nil }
        blocks[hash]?.execution = nil
        return execution
    }

    mutating func remove(_ hash: Digest) {
        precondition(!chain.contains(hash), "a block on the chain is undone first")
        blocks[hash] = nil
        order.removeAll { $0 == hash }
    }

    /// From the chain's or final block's child to a known block; nil where the ancestors are not known.
    func path(to target: Digest) -> [Digest]? {
        var path: [Digest] = []
        var next = target
        while next != final.hash, !chain.contains(next) {
            guard let block = blocks[next], path.count <= BlockTree.sideBlocks else { return nil }
            path.append(next)
            next = block.header.previous
        }
        return path.reversed()
    }

    /// Makes the first blocks of the chain final and lets go of what does not descend from the last of them.
    mutating func finalize(_ count: Int) -> [ExecutedBlock] {
        let finals = chain.prefix(count).compactMap { blocks[$0]?.execution?.block }
        guard let last = chain.prefix(count).last, let block = blocks[last] else { return [] }
        final = Final(header: block.header, hash: last, context: block.context)
        chain.removeFirst(count)
        var kept: [Digest] = []
        for hash in order {
            guard let block = blocks[hash] else { continue }
            let parent = block.header.previous
            if block.header.height > final.header.height, parent == final.hash || kept.contains(parent) {
                kept.append(hash)
            } else {
                blocks[hash] = nil
            }
        }
        order = kept
        return finals
    }
}

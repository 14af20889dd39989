import Codec

/// The current state as a compressed 256-level sparse Merkle tree from key digests to value digests.
///
/// A binary tree over the bits of the keys (bit 0 is the most significant of the first byte) in which a node
/// with a single child does not exist: each interior node names the bit at which the keys below it first
/// differ; those with a 0 there are in its left subtree, those with a 1 in its right one. The set of pairs
/// alone decides the tree, and so the root:
///
///     root of no pairs     = 32 zero bytes
///     leaf(key, value)     = SHA-256(0x02 ‖ key ‖ value)                65 bytes
///     interior(bit, l, r)  = SHA-256(0x03 ‖ bit as one byte ‖ l ‖ r)    66 bytes
///
/// The prefixes keep leaves, interior nodes and the log's nodes (0x00, 0x01) apart. The split bit is hashed
/// too, so that a root commits to the position at which every path turns (see `StateProof`).
///
/// Nodes live in two arrays with free lists, about 152 bytes a pair. What a node hashes to stands beside the
/// link to it: hashing a path reads the nodes on it and not their siblings, which in a large tree lie
/// elsewhere in memory. A copy shares the nodes until one of the two is updated, which then copies the pages
/// that it changes: keep one copy, and undo by updating with the previous values.
package struct StateTree: Sendable {
    struct Leaf {
        var key: Digest
        var value: Digest
    }

    struct Interior {
        /// The first 64 bits of the sample's key: mostly enough to see whether a key belongs below.
        var sampleWord: UInt64
        private var leftLink: Link
        private var rightLink: Link
        /// The index of the leftmost leaf below, to know the bits that all keys below share.
        var sample: UInt32
        let bit: UInt8
        private var leftHash: Digest
        private var rightHash: Digest

        init(bit: UInt8, left: Subtree, right: Subtree, sample: UInt32, sampleWord: UInt64) {
            (self.bit, self.sample, self.sampleWord) = (bit, sample, sampleWord)
            (leftLink, rightLink) = (left.link, right.link)
            (leftHash, rightHash) = (left.hash, right.hash)
        }

        var left: Subtree {
            get { Subtree(link: leftLink, hash: leftHash) }
            set { (leftLink, leftHash) = (newValue.link, newValue.hash) }
        }

        var right: Subtree {
            get { Subtree(link: rightLink, hash: rightHash) }
            set { (rightLink, rightHash) = (newValue.link, newValue.hash) }
        }

        /// What leads further down, and a number from either end of the node, which has then been fetched
        /// from memory.
        var outline: (bit: Int, left: Link, right: Link, glance: UInt64) {
            (Int(bit), leftLink, rightLink, sampleWord &+ rightHash.word)
        }
    }

    /// Where a subtree is, and its hash.
    struct Subtree {
        let link: Link
        let hash: Digest

        /// The subtree of no pairs.
        static let none = Subtree(link: .none, hash: .zero)

        var isEmpty: Bool { link == .none }
    }

    /// An index into `leaves` or `interiors`, told apart by the top bit, or no subtree.
    struct Link: Equatable {
        private let raw: UInt32

        static let none = Link(raw: .max)
        /// The most nodes of a kind; one less than 2^31, which leaves `none` out.
        static let limit = 0x7fff_ffff

        private init(raw: UInt32) { self.raw = raw }
        static func leaf(_ index: Int) -> Link { Link(raw: UInt32(index) | 0x8000_0000) }
        static func interior(_ index: Int) -> Link { Link(raw: UInt32(index)) }

        /// Of a link other than `none`.
        var isLeaf: Bool { raw & 0x8000_0000 != 0 }
        var index: Int { Int(raw & 0x7fff_ffff) }
    }

    let hash: HashFunction
    var leaves = PagedArray<Leaf>()
    var interiors = PagedArray<Interior>()
    var freeLeaves: [UInt32] = []
    var freeInteriors: [UInt32] = []
    var top = Subtree.none

    /// The tree of no pairs.
    package init(hash: HashFunction) { self.hash = hash }

    /// The tree over pairs in rising order of their keys, each once: O(n).
    package init(building pairs: some Sequence<(key: Digest, value: Digest)>, hash: HashFunction) {
        var builder = StateTreeBuilder(hash: hash)
        for pair in pairs { builder.add(key: pair.key, value: pair.value) }
        self = builder.finish()
    }

    /// The number of pairs.
    package var count: Int { leaves.count - freeLeaves.count }

    /// The root; 32 zero bytes where there are no pairs.
    package var root: Digest { top.hash }

    /// The value of a key, or nil.
    package func value(for key: Digest) -> Digest? {
        guard !top.isEmpty else { return nil }
        var link = top.link
        while !link.isLeaf {
            let node = interiors[link.index]
            link = (key.bit(Int(node.bit)) ? node.right : node.left).link
        }
        let leaf = leaves[link.index]
        return leaf.key == key ? leaf.value : nil
    }

    /// Proof of a key's value, or of its absence.
    package func proof(for key: Digest) -> StateProof {
        guard !top.isEmpty else { return StateProof(path: [], leaf: nil) }
        var path: [StateProof.Step] = []
        var link = top.link
        while !link.isLeaf {
            let node = interiors[link.index]
            let goesRight = key.bit(Int(node.bit))
            let (next, sibling) = goesRight ? (node.right, node.left) : (node.left, node.right)
            path.append(StateProof.Step(bit: node.bit, sibling: sibling.hash))
            link = next.link
        }
        let leaf = leaves[link.index]
        return StateProof(path: path, leaf: StateProof.Leaf(key: leaf.key, value: leaf.value))
    }
}

extension StateTree {
    static let leafPrefix: UInt8 = 0x02
    static let interiorPrefix: UInt8 = 0x03

    static func leafHash(key: Digest, value: Digest, hash: HashFunction) -> Digest {
        hash.node(leafPrefix, key, value)
    }

    static func interiorHash(bit: UInt8, _ left: Digest, _ right: Digest, hash: HashFunction) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 66, alignment: 1) { buffer in
            buffer[0] = interiorPrefix
            buffer[1] = bit
            left.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[2..<34]))
            right.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[34..<66]))
            return hash(UnsafeRawBufferPointer(buffer))
        }
    }
}

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
/// Nodes live in two arrays with free lists, about 144 bytes a pair and at most 180 after growth. A copy
/// shares them until one of the two is updated, which then copies everything: keep one copy, and undo by
/// updating with the previous values.
package struct StateTree: Sendable {
    struct Leaf {
        var key: Digest
        var value: Digest
        var hash: Digest
    }

    struct Interior {
        var hash: Digest
        var left: Link
        var right: Link
        /// The index of any leaf below, to know the bits that all keys below share.
        var sample: UInt32
        var bit: UInt8
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
    var leaves: [Leaf] = []
    var interiors: [Interior] = []
    var freeLeaves: [UInt32] = []
    var freeInteriors: [UInt32] = []
    var top = Link.none

    /// The tree of no pairs.
    package init(hash: HashFunction) { self.hash = hash }

    /// The tree over pairs in rising order of their keys, each once: O(n).
    package init(building pairs: some Sequence<(key: Digest, value: Digest)>, hash: HashFunction) {
        var builder = StateTreeBuilder(hash: hash, reservingCapacity: pairs.underestimatedCount)
        for pair in pairs { builder.add(key: pair.key, value: pair.value) }
        self = builder.finish()
    }

    /// The number of pairs.
    package var count: Int { leaves.count - freeLeaves.count }

    /// The root; 32 zero bytes where there are no pairs.
    package var root: Digest { top == .none ? .zero : hash(of: top) }

    /// The value of a key, or nil.
    package func value(for key: Digest) -> Digest? {
        guard top != .none else { return nil }
        var link = top
        while !link.isLeaf { link = child(of: link.index, towards: key) }
        let leaf = leaves[link.index]
        return leaf.key == key ? leaf.value : nil
    }

    /// Proof of a key's value, or of its absence.
    package func proof(for key: Digest) -> StateProof {
        guard top != .none else { return StateProof(path: [], leaf: nil) }
        var path: [StateProof.Step] = []
        var link = top
        while !link.isLeaf {
            let node = interiors[link.index]
            let goesRight = key.bit(Int(node.bit))
            let sibling = goesRight ? node.left : node.right
            path.append(StateProof.Step(bit: node.bit, sibling: hash(of: sibling)))
            link = goesRight ? node.right : node.left
        }
        let leaf = leaves[link.index]
        return StateProof(path: path, leaf: StateProof.Leaf(key: leaf.key, value: leaf.value))
    }

    private func child(of interior: Int, towards key: Digest) -> Link {
        key.bit(Int(interiors[interior].bit)) ? interiors[interior].right : interiors[interior].left
    }

    func hash(of link: Link) -> Digest {
        link.isLeaf ? leaves[link.index].hash : interiors[link.index].hash
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

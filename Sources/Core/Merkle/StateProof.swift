import Codec

/// Proof of what a state root says of a key: its value, or that it is absent.
///
/// The proof is the path that the key's bits take through the tree (see `StateTree`): the split bit and the
/// other child's hash at each interior node, from the root, and the leaf at its end. That leaf is the key's
/// own (presence) or another key's (absence); the tree of no pairs has neither path nor leaf (absence).
///
/// Why it is sound, for a root that was computed over some set of pairs, and as long as SHA-256 has no
/// collisions:
///
/// 1. *The path is real.* The recomputed root equals the root, the prefixes and lengths keep leaves and
///    interior nodes apart, and each hash fixes its split bit and children. So from the root down, each step
///    is a node of that tree, and the leaf is a leaf of it. Direction is not the prover's to choose: it is
///    the asked key's bit at the split.
/// 2. *The path is the only one.* A key in the subtree of an interior node is in its left child exactly when
///    its bit at the split is 0. The asked key, if it is in the tree at all, is below the root; by induction
///    it is below every node of the path; so it is the leaf at the end, which holds one key.
/// 3. Hence the leaf with the asked key proves its value, and the leaf with another key proves that the
///    asked key is absent. It does not matter whether the two keys part before the last split bit: splits
///    skip bits that all keys below share, and the asked key may differ in those.
///
/// That split bits rise and that the leaf's bits equal the asked key's at each split hold in every real
/// tree; they are checked too, so that a path that no tree can have is refused before anything is hashed.
///
/// CBOR, with `digest = bstr .size 32`: `[path: [* [bit: uint, sibling: digest]], leaf: [digest, digest] /
/// null]`, the leaf being key and value.
package struct StateProof: Hashable, Sendable {
    /// An interior node on the path.
    package struct Step: Hashable, Sendable {
        /// The bit at which the keys below the node first differ.
        package var bit: UInt8
        /// The hash of the child that the path does not take.
        package var sibling: Digest

        package init(bit: UInt8, sibling: Digest) { (self.bit, self.sibling) = (bit, sibling) }
    }

    /// The pair at the end of the path.
    package struct Leaf: Hashable, Sendable {
        package var key: Digest
        package var value: Digest

        package init(key: Digest, value: Digest) { (self.key, self.value) = (key, value) }
    }

    /// From the root to the leaf.
    package var path: [Step]
    /// Nil for the tree of no pairs.
    package var leaf: Leaf?

    package init(path: [Step], leaf: Leaf?) { (self.path, self.leaf) = (path, leaf) }

    /// What the root says of the key: its value, or nil where the key is proven absent.
    /// - Throws: `proof.path_length`, `proof.path_order`, `proof.wrong_leaf`, `proof.root_mismatch`.
    package func value(of key: Digest, root: Digest, hash: HashFunction) throws(ProofError) -> Digest? {
        guard let leaf else {
            guard path.isEmpty else { throw .pathLength }
            guard root == .zero else { throw .rootMismatch }
            return nil
        }
        var least = 0
        for step in path {
            let bit = Int(step.bit)
            guard bit >= least else { throw .pathOrder }
            guard leaf.key.bit(bit) == key.bit(bit) else { throw .wrongLeaf }
            least = bit + 1
        }
        var node = StateTree.leafHash(key: leaf.key, value: leaf.value, hash: hash)
        for step in path.reversed() {
            let goesRight = key.bit(Int(step.bit))
            let (left, right) = goesRight ? (step.sibling, node) : (node, step.sibling)
            node = StateTree.interiorHash(bit: step.bit, left, right, hash: hash)
        }
        guard node == root else { throw .rootMismatch }
        return leaf.key == key ? leaf.value : nil
    }

    /// Checks that the key has this value, or with nil that it is absent.
    /// - Throws: as `value(of:root:hash:)`, and `proof.value_mismatch`.
    package func verify(key: Digest, value: Digest?, root: Digest, hash: HashFunction) throws(ProofError) {
        guard try self.value(of: key, root: root, hash: hash) == value else { throw .valueMismatch }
    }
}

extension StateProof {
    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 80 + path.count * 38)
        write(to: &writer)
        return writer.bytes
    }

    package func write(to writer: inout CBORWriter) {
        writer.array(2)
        writer.array(path.count)
        for step in path {
            writer.array(2)
            writer.unsigned(UInt64(step.bit))
            writer.digest(step.sibling)
        }
        if let leaf {
            writer.array(2)
            writer.digest(leaf.key)
            writer.digest(leaf.value)
        } else {
            writer.null()
        }
    }

    /// Whether the path can be one of a tree is for `verify` to say.
    /// - Throws: `cbor.*`; `cbor.too_large` for more than 256 steps, `cbor.out_of_range` for a bit above
    ///   255.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try self.init(reading: &reader)
        try reader.finish()
    }

    /// - Throws: as `init(decoding:)`.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        try reader.array(of: 2)
        let start = reader.offset
        let count = try reader.array()
        guard count <= 256 else { throw CodecError(.tooLarge, at: start, "at most 256 steps") }
        path = []
        path.reserveCapacity(count)
        for _ in 0..<count {
            try reader.array(of: 2)
            let bitStart = reader.offset
            guard let bit = UInt8(exactly: try reader.unsigned()) else {
                throw CodecError(.outOfRange, at: bitStart, "split bit")
            }
            path.append(Step(bit: bit, sibling: try reader.digest()))
        }
        if reader.isNull {
            try reader.null()
            leaf = nil
        } else {
            try reader.array(of: 2)
            leaf = Leaf(key: try reader.digest(), value: try reader.digest())
        }
    }
}

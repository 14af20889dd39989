import Codec

/// Proof that a leaf is in a log (RFC 9162 §2.1.3).
///
/// A root does not bind the size of its log: leaf 0 has the same path shape in logs of 5 to 8 leaves. So
/// verify against a `LogHead` whose size is signed; `verify(leafHash:root:hash:)` says nothing about `size`.
package struct InclusionProof: Hashable, Sendable {
    package var size: UInt64
    package var index: UInt64
    /// Sibling hashes from the leaf up.
    package var path: [Digest]

    package init(size: UInt64, index: UInt64, path: [Digest]) {
        (self.size, self.index, self.path) = (size, index, path)
    }

    /// The root to which the path leads from the leaf: steps 1–4 of RFC 9162 §2.1.3.2.
    /// - Throws: `proof.index_out_of_range`, `proof.path_length`.
    package func root(leafHash: Digest, hash: HashFunction) throws(ProofError) -> Digest {
        guard index < size else { throw .indexOutOfRange }
        var (first, second) = (index, size - 1)
        var root = leafHash
        for sibling in path {
            guard second > 0 else { throw .pathLength }
            if first & 1 == 1 || first == second {
                root = LogTree.nodeHash(sibling, root, hash: hash)
                climbPastRagged(&first, &second)
            } else {
                root = LogTree.nodeHash(root, sibling, hash: hash)
            }
            first >>= 1
            second >>= 1
        }
        guard second == 0 else { throw .pathLength }
        return root
    }

    /// Checks the path from a leaf to a root; `size` steers the path but is itself not proven.
    /// - Throws: `proof.index_out_of_range`, `proof.path_length`, `proof.root_mismatch`.
    package func verify(leafHash: Digest, root: Digest, hash: HashFunction) throws(ProofError) {
        guard try self.root(leafHash: leafHash, hash: hash) == root else { throw .rootMismatch }
    }

    /// Checks that the leaf is at `index` in the log with this head.
    /// - Throws: `proof.size_mismatch`, `proof.index_out_of_range`, `proof.path_length`,
    ///   `proof.root_mismatch`.
    package func verify(leafHash: Digest, in head: LogHead, hash: HashFunction) throws(ProofError) {
        guard size == head.size else { throw .sizeMismatch }
        try verify(leafHash: leafHash, root: head.root, hash: hash)
    }
}

/// Where the node is the last of its level and a left child, it stands for its parents until it is a right
/// child: the inner loop of RFC 9162 §2.1.3.2 and §2.1.4.2.
func climbPastRagged(_ first: inout UInt64, _ second: inout UInt64) {
    while first & 1 == 0 && first != 0 {
        first >>= 1
        second >>= 1
    }
}

extension InclusionProof {
    /// `[size: uint, index: uint, path: [* bstr .size 32]]`: what the byte string of RFC 9942's inclusion
    /// proof holds.
    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 24 + path.count * 34)
        writer.array(3)
        writer.unsigned(size)
        writer.unsigned(index)
        writer.digests(path)
        return writer.bytes
    }

    /// Writes RFC 9942's inclusion proof: a byte string that holds `encoded`.
    package func write(to writer: inout CBORWriter) { writer.byteString(encoded) }

    /// Parses `encoded`. Whether the path fits the size is for `verify` to say.
    /// - Throws: `cbor.*`; `cbor.too_large` for a path that no log has.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 3)
        size = try reader.unsigned()
        index = try reader.unsigned()
        path = try reader.digests(atMost: LogTree.maximumPathCount)
        try reader.finish()
    }

    /// Reads RFC 9942's inclusion proof: a byte string that holds `encoded`.
    /// - Throws: `cbor.*`; offsets count from the byte string's first byte for errors within it.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        try self.init(decoding: try reader.byteString())
    }
}

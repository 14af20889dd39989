import Codec

/// Proof that a log begins with an earlier state of itself (RFC 9162 §2.1.4).
///
/// From 0 leaves there is nothing to prove and the verifier refuses it. As with inclusion, roots do not bind
/// sizes: verify against heads whose sizes are signed.
package struct ConsistencyProof: Hashable, Sendable {
    package var from: UInt64
    package var to: UInt64
    package var path: [Digest]

    package init(from: UInt64, to: UInt64, path: [Digest]) {
        (self.from, self.to, self.path) = (from, to, path)
    }

    /// Checks the path to both roots (RFC 9162 §2.1.4.2); the sizes steer the path but are themselves not
    /// proven.
    /// - Throws: `proof.size_out_of_range`, `proof.path_length`, `proof.root_mismatch`.
    package func verify(oldRoot: Digest, newRoot: Digest, hash: HashFunction) throws(ProofError) {
        guard from > 0, from <= to else { throw .sizeOutOfRange }
        if from == to {
            guard path.isEmpty else { throw .pathLength }
            guard oldRoot == newRoot else { throw .rootMismatch }
            return
        }
        let oldIsComplete = from.nonzeroBitCount == 1
        var siblings = path[...]
        guard let start = oldIsComplete ? oldRoot : siblings.popFirst() else { throw .pathLength }

        let level = UInt64(from.trailingZeroBitCount)
        var (first, second) = ((from - 1) >> level, (to - 1) >> level)
        var (old, new) = (start, start)
        for sibling in siblings {
            guard second > 0 else { throw .pathLength }
            if first & 1 == 1 || first == second {
                old = LogTree.nodeHash(sibling, old, hash: hash)
                new = LogTree.nodeHash(sibling, new, hash: hash)
                climbPastRagged(&first, &second)
            } else {
                new = LogTree.nodeHash(new, sibling, hash: hash)
            }
            first >>= 1
            second >>= 1
        }
        guard second == 0 else { throw .pathLength }
        guard old == oldRoot, new == newRoot else { throw .rootMismatch }
    }

    /// Checks that the log with the head `newer` begins with the log with the head `older`.
    /// - Throws: `proof.size_mismatch`, `proof.size_out_of_range`, `proof.path_length`,
    ///   `proof.root_mismatch`.
    package func verify(from older: LogHead, to newer: LogHead, hash: HashFunction) throws(ProofError) {
        guard from == older.size, to == newer.size else { throw .sizeMismatch }
        try verify(oldRoot: older.root, newRoot: newer.root, hash: hash)
    }
}

extension ConsistencyProof {
    /// `[from: uint, to: uint, path: [* bstr .size 32]]`: what the byte string of RFC 9942's consistency
    /// proof holds.
    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 24 + path.count * 34)
        writer.array(3)
        writer.unsigned(from)
        writer.unsigned(to)
        writer.digests(path)
        return writer.bytes
    }

    /// Writes RFC 9942's consistency proof: a byte string that holds `encoded`.
    package func write(to writer: inout CBORWriter) { writer.byteString(encoded) }

    /// Parses `encoded`. Whether the path fits the sizes is for `verify` to say.
    /// - Throws: `cbor.*`; `cbor.too_large` for a path that no log has.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 3)
        from = try reader.unsigned()
        to = try reader.unsigned()
        path = try reader.digests(atMost: LogTree.maximumPathCount)
        try reader.finish()
    }

    /// Reads RFC 9942's consistency proof: a byte string that holds `encoded`.
    /// - Throws: `cbor.*`; offsets count from the byte string's first byte for errors within it.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        try self.init(decoding: try reader.byteString())
    }
}

import Codec

/// Makes proofs from the node file with O(log n) reads. `node` reads the record at a position; what it
/// throws is thrown on.
package enum LogProof {
    /// Proves that the leaf at `index` is in the log of `size` leaves (RFC 9162 §2.1.3.1).
    ///
    /// Nil where there is no such leaf (`index >= size`) or no such log (`size > LogTree.maximumSize`).
    package static func inclusion<Failure: Error>(
        index: UInt64, size: UInt64, hash: HashFunction,
        node: (_ position: UInt64) throws(Failure) -> Digest
    ) throws(Failure) -> InclusionProof? {
        guard index < size, size <= LogTree.maximumSize else { return nil }
        let path = try path(level: 0, index: index, size: size, hash: hash, node: node)
        return InclusionProof(size: size, index: index, path: path)
    }

    /// Proves that the log of `to` leaves begins with the log of `from` leaves (RFC 9162 §2.1.4.1).
    ///
    /// Nil where there is nothing to prove (`from` is 0 or greater than `to`) or no such log.
    package static func consistency<Failure: Error>(
        from: UInt64, to: UInt64, hash: HashFunction,
        node: (_ position: UInt64) throws(Failure) -> Digest
    ) throws(Failure) -> ConsistencyProof? {
        guard from > 0, from <= to, to <= LogTree.maximumSize else { return nil }
        if from == to { return ConsistencyProof(from: from, to: to, path: []) }
        // The old log's last complete subtree is a node of the new log too: its path there is the proof.
        // Where it is the whole old log, the verifier knows its hash already.
        let level = from.trailingZeroBitCount
        let index = from >> UInt64(level) - 1
        var path: [Digest] = []
        if index > 0 { path.append(try node(LogTree.nodePosition(level: level, index: index))) }
        path += try self.path(level: level, index: index, size: to, hash: hash, node: node)
        return ConsistencyProof(from: from, to: to, path: path)
    }

    /// The siblings from a node up to the root of the log of `size` leaves.
    private static func path<Failure: Error>(
        level: Int, index: UInt64, size: UInt64, hash: HashFunction,
        node: (UInt64) throws(Failure) -> Digest
    ) throws(Failure) -> [Digest] {
        var path: [Digest] = []
        var (level, index) = (level, index)
        // At each level the last node may be ragged: cut off by the end of the log.
        while (size - 1) >> UInt64(level) > 0 {
            let sibling = index ^ 1
            let start = sibling << UInt64(level)
            if size >> UInt64(level) > sibling {
                path.append(try node(LogTree.nodePosition(level: level, index: sibling)))
            } else if start < size {
                path.append(try raggedRoot(start: start, size: size, hash: hash, node: node))
            }
            level += 1
            index >>= 1
        }
        return path
    }

    /// The root over the leaves `start..<size`, where `start` is a multiple of a power of two above their
    /// number.
    private static func raggedRoot<Failure: Error>(
        start: UInt64, size: UInt64, hash: HashFunction, node: (UInt64) throws(Failure) -> Digest
    ) throws(Failure) -> Digest {
        var peaks: [Digest] = []
        var start = start
        while start < size {
            let level = UInt64.bitWidth - 1 - (size - start).leadingZeroBitCount
            peaks.append(try node(LogTree.nodePosition(level: level, index: start >> UInt64(level))))
            start += 1 << UInt64(level)
        }
        guard let root = foldPeaks(peaks, hash: hash) else { preconditionFailure("no leaves to fold") }
        return root
    }
}

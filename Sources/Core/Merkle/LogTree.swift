import Codec

/// The hashes and the node file of the log: the Merkle tree of RFC 9162 §2.1.1.
///
/// Complete subtrees are kept in a file of 32-byte records in post-order (the order of a Merkle mountain
/// range): appending a leaf appends its hash, then every complete subtree that it closes, smallest first.
/// Records never change, and a log of n leaves has 2n − (number of one bits in n) of them.
package enum LogTree {
    static let leafPrefix: UInt8 = 0x00
    static let nodePrefix: UInt8 = 0x01

    /// The most leaves that the node file can place: 2^62.
    package static let maximumSize: UInt64 = 1 << 62

    /// The most hashes in a path, which a 64-bit size bounds: one a level, and the start of a consistency
    /// path.
    static let maximumPathCount = 65

    /// The hash of an entry: SHA-256(0x00 ‖ entry), RFC 9162 §2.1.1.
    package static func leafHash(of entry: [UInt8], hash: HashFunction) -> Digest {
        hash.leaf(leafPrefix, entry)
    }

    /// The hash of two subtrees: SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1.
    static func nodeHash(_ left: Digest, _ right: Digest, hash: HashFunction) -> Digest {
        hash.node(nodePrefix, left, right)
    }

    /// The root of the empty log: SHA-256 of nothing.
    package static func emptyRoot(hash: HashFunction) -> Digest { hash([]) }

    /// The number of records in the node file of a log of `size` leaves. Range of `size`: 0...`maximumSize`.
    package static func nodeCount(size: UInt64) -> UInt64 {
        precondition(size <= maximumSize, "a log has at most 2^62 leaves")
        return 2 * size - UInt64(size.nonzeroBitCount)
    }

    /// The size of a log whose node file has so many records; of a number that no log's has, the next size.
    package static func size(nodeCount count: UInt64) -> UInt64 {
        // Twice the size is more by as many as the size has bits that are set.
        var size = count / 2
        while nodeCount(size: size) < count { size += 1 }
        return size
    }

    /// Where the node file holds the complete subtree over leaves `index << level ..< (index + 1) << level`.
    ///
    /// The position counts records of 32 bytes from 0. The subtree is written right after its last leaf and
    /// the `level - 1` subtrees that this leaf closes on the way.
    package static func nodePosition(level: Int, index: UInt64) -> UInt64 {
        precondition(level >= 0 && level <= 62 && index < maximumSize >> UInt64(level), "outside of any log")
        let lastLeaf = (index + 1) << UInt64(level) - 1
        return nodeCount(size: lastLeaf) + UInt64(level)
    }
}

/// A log at one size: what a signature covers and what a proof is verified against.
package struct LogHead: Hashable, Sendable {
    package let size: UInt64
    package let root: Digest

    package init(size: UInt64, root: Digest) { (self.size, self.root) = (size, root) }
}

/// Folds complete subtrees, largest first, into the root over all of them; nil where there is none.
func foldPeaks(_ peaks: [Digest], hash: HashFunction) -> Digest? {
    guard var root = peaks.last else { return nil }
    for peak in peaks.dropLast().reversed() { root = LogTree.nodeHash(peak, root, hash: hash) }
    return root
}

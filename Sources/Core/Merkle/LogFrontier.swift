import Codec

/// What is needed to append to a log and to know its root: the roots of its complete subtrees (RFC 9162
/// §2.1).
///
/// CBOR: `[size: uint, peaks: [* bstr .size 32]]`, with as many peaks as `size` has one bits, largest
/// subtree first.
package struct LogFrontier: Hashable, Sendable {
    /// The number of leaves.
    package private(set) var size: UInt64 = 0
    /// The roots of the complete subtrees, largest (and leftmost) first.
    package private(set) var peaks: [Digest] = []

    /// The empty log.
    package init() {}

    /// Appends a leaf by its hash, and emits the records that the node file gains: the leaf's hash, then
    /// every complete subtree that it closes, smallest first.
    package mutating func append(_ leafHash: Digest, hash: HashFunction, emit: (Digest) -> Void) {
        precondition(size < LogTree.maximumSize, "a log has at most 2^62 leaves")
        emit(leafHash)
        var node = leafHash
        for _ in 0..<(~size).trailingZeroBitCount {
            node = LogTree.nodeHash(peaks.removeLast(), node, hash: hash)
            emit(node)
        }
        peaks.append(node)
        size += 1
    }

    /// Appends a leaf by its hash.
    package mutating func append(_ leafHash: Digest, hash: HashFunction) {
        append(leafHash, hash: hash) { _ in }
    }

    /// Appends leaves by their hashes, in order.
    package mutating func append(contentsOf leafHashes: some Sequence<Digest>, hash: HashFunction) {
        for leafHash in leafHashes { append(leafHash, hash: hash) }
    }

    /// The root over all leaves; SHA-256 of nothing for the empty log.
    package func root(hash: HashFunction) -> Digest {
        foldPeaks(peaks, hash: hash) ?? LogTree.emptyRoot(hash: hash)
    }

    /// The size and the root together.
    package func head(hash: HashFunction) -> LogHead { LogHead(size: size, root: root(hash: hash)) }
}

extension LogFrontier {
    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 12 + peaks.count * 34)
        write(to: &writer)
        return writer.bytes
    }

    package func write(to writer: inout CBORWriter) {
        writer.array(2)
        writer.unsigned(size)
        writer.digests(peaks)
    }

    /// - Throws: `cbor.*`; `cbor.invalid_value` where the number of peaks does not fit the size.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try self.init(reading: &reader)
        try reader.finish()
    }

    /// - Throws: `cbor.*`; `cbor.invalid_value` where the number of peaks does not fit the size.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        try reader.array(of: 2)
        let start = reader.offset
        size = try reader.unsigned()
        guard size <= LogTree.maximumSize else { throw CodecError(.outOfRange, at: start, "log size") }
        let peaksStart = reader.offset
        peaks = try reader.digests(atMost: LogTree.maximumPathCount)
        guard peaks.count == size.nonzeroBitCount else {
            throw CodecError(.invalidValue, at: peaksStart, "one peak for each one bit of the size")
        }
    }
}

extension LogFrontier {
    /// The frontier read back from a node file; nil where the number of peaks does not fit the size.
    package init?(size: UInt64, peaks: [Digest]) {
        guard size <= LogTree.maximumSize, peaks.count == size.nonzeroBitCount else { return nil }
        (self.size, self.peaks) = (size, peaks)
    }
}

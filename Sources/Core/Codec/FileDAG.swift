/// Computes the CID that `ipfs add --cid-version=1` gives to a content, as it streams by.
///
/// Chunks of 256 KiB are raw leaves. One chunk is its own root; more are joined by a balanced tree of at
/// most 174 links a node, all leaves at one depth. A node is dag-pb (links first, each with an empty name
/// and the cumulative size of the blocks below it) around UnixFS data of type File (the content's size,
/// then each link's share of it). Sources: IPLD "DAG-PB", IPFS "UnixFS", Kubo's profile of 2015 with raw
/// leaves.
package struct FileDAG {
    /// A block as its parent sees it.
    struct Link {
        let cid: CID
        /// Bytes of the block and all blocks below it.
        let cumulativeSize: UInt64
        /// Bytes of the content.
        let contentSize: UInt64
    }

    package static let chunkSize = 262_144
    package static let maximumLinks = 174

    private let hash: HashFunction
    private let chunkSize: Int
    private let maximumLinks: Int
    private var chunk: [UInt8] = []
    /// By height, the links that no node holds yet.
    private var levels: [[Link]] = [[]]

    package init(hash: HashFunction) {
        self.init(hash: hash, chunkSize: FileDAG.chunkSize, maximumLinks: FileDAG.maximumLinks)
    }

    /// Other sizes give other identifiers; they are for comparing the tree with other people's vectors.
    init(hash: HashFunction, chunkSize: Int, maximumLinks: Int) {
        precondition(chunkSize > 0 && maximumLinks > 1)
        (self.hash, self.chunkSize, self.maximumLinks) = (hash, chunkSize, maximumLinks)
    }

    /// The CID of a whole content.
    package static func identify(_ content: [UInt8], hash: HashFunction) -> CID {
        var file = FileDAG(hash: hash)
        file.append(content)
        return file.finish()
    }

    package mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// Takes the content's next bytes, any number of them.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(chunkSize - chunk.count)
            rest = rest.dropFirst(part.count)
            if part.count == chunkSize {
                addLeaf(UnsafeRawBufferPointer(rebasing: part))
                continue
            }
            if chunk.isEmpty { chunk.reserveCapacity(chunkSize) }
            chunk.append(contentsOf: part)
            if chunk.count == chunkSize { flush() }
        }
    }

    private mutating func flush() {
        let full = chunk
        full.withUnsafeBytes { addLeaf($0) }
        chunk.removeAll(keepingCapacity: true)
    }

    private mutating func addLeaf(_ bytes: UnsafeRawBufferPointer) {
        let size = UInt64(bytes.count)
        add(
            Link(cid: CID(codec: .raw, digest: hash(bytes)), cumulativeSize: size, contentSize: size), at: 0)
    }

    /// Adds a link at a height. A full node is closed only when something follows it, so that the last one
    /// can be the root.
    private mutating func add(_ link: Link, at height: Int) {
        if levels[height].count == maximumLinks { close(height) }
        levels[height].append(link)
    }

    private mutating func close(_ height: Int) {
        let node = FileDAG.node(levels[height])
        levels[height].removeAll(keepingCapacity: true)
        if height + 1 == levels.count { levels.append([]) }
        let digest = hash(node.block)
        let size = UInt64(node.block.count)
        add(
            Link(
                cid: CID(codec: .dagPB, digest: digest), cumulativeSize: node.linkedSize &+ size,
                contentSize: node.contentSize), at: height + 1)
    }

    /// The CID of all that was appended.
    package consuming func finish() -> CID {
        if !chunk.isEmpty || levels.allSatisfy(\.isEmpty) { flush() }
        var height = 0
        while height + 1 < levels.count || levels[height].count > 1 {
            close(height)
            height += 1
        }
        return levels[height][0].cid
    }

    /// The block that holds links, with what they add up to.
    static func node(_ links: [Link]) -> (block: [UInt8], linkedSize: UInt64, contentSize: UInt64) {
        var block: [UInt8] = []
        var sizes: [UInt8] = []
        var linkedSize: UInt64 = 0
        var contentSize: UInt64 = 0
        for link in links {
            var entry: [UInt8] = []
            Protobuf.append(field: 1, link.cid.bytes, to: &entry)
            Protobuf.append(field: 2, [], to: &entry)
            Protobuf.append(field: 3, link.cumulativeSize, to: &entry)
            Protobuf.append(field: 2, entry, to: &block)
            Protobuf.append(field: 4, link.contentSize, to: &sizes)
            linkedSize &+= link.cumulativeSize
            contentSize &+= link.contentSize
        }
        var data: [UInt8] = []
        Protobuf.append(field: 1, unixFSFile, to: &data)
        Protobuf.append(field: 3, contentSize, to: &data)
        Protobuf.append(field: 1, data + sizes, to: &block)
        return (block, linkedSize, contentSize)
    }

    /// The UnixFS type of a file.
    private static let unixFSFile: UInt64 = 2
}

/// The two sorts of fields that dag-pb has (Protocol Buffers, "Encoding").
private enum Protobuf {
    static func append(field: UInt64, _ value: UInt64, to bytes: inout [UInt8]) {
        append(varint: field << 3, to: &bytes)
        append(varint: value, to: &bytes)
    }

    static func append(field: UInt64, _ value: [UInt8], to bytes: inout [UInt8]) {
        append(varint: field << 3 | 2, to: &bytes)
        append(varint: UInt64(value.count), to: &bytes)
        bytes.append(contentsOf: value)
    }

    private static func append(varint value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

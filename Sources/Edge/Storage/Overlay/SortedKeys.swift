/// A row's key with its hash, computed once.
struct RowKey: Hashable, Comparable, Sendable {
    let bytes: [UInt8]
    let hash: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        hash = hasher.finalize()
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    static func == (left: RowKey, right: RowKey) -> Bool {
        left.hash == right.hash && left.bytes == right.bytes
    }

    static func < (left: RowKey, right: RowKey) -> Bool { KeyOrder.precedes(left.bytes, right.bytes) }
}

/// Keys in order, in chunks of about a hundred: an insertion moves one chunk, and copies only that where a
/// snapshot holds it.
struct SortedKeys: Sendable {
    private static let chunkLimit = 128
    private var chunks: [[RowKey]] = []
    /// The chunk of the latest insertion: a block's keys come in order, so the next one is mostly there too.
    private var latest = 0

    /// Where a key stands.
    struct Position {
        fileprivate var chunk: Int
        fileprivate var index: Int
    }

    /// Inserts a key that is not there yet.
    mutating func insert(_ key: RowKey) {
        guard let last = chunks.last?.last else {
            chunks = [[key]]
            return
        }
        if last < key {
            append(key)
            return
        }
        latest = holds(latest, key.bytes) ? latest : chunk(of: key.bytes)
        chunks[latest].insert(key, at: index(of: key.bytes, in: latest))
        let count = chunks[latest].count
        if count > SortedKeys.chunkLimit {
            let upper = Array(chunks[latest][(count / 2)...])
            chunks[latest].removeSubrange((count / 2)...)
            chunks.insert(upper, at: latest + 1)
        }
    }

    /// Whether a key belongs into a chunk: at or above its first key and below the next chunk's.
    private func holds(_ chunk: Int, _ key: [UInt8]) -> Bool {
        !KeyOrder.precedes(key, chunks[chunk][0].bytes)
            && (chunk + 1 == chunks.count || KeyOrder.precedes(key, chunks[chunk + 1][0].bytes))
    }

    /// The last chunk that begins at or below the key, else the first.
    private func chunk(of key: [UInt8]) -> Int {
        var (low, high) = (0, chunks.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if KeyOrder.precedes(key, chunks[middle][0].bytes) { high = middle } else { low = middle }
        }
        return low
    }

    /// Where a key stands, or would stand, in a chunk.
    private func index(of key: [UInt8], in chunk: Int) -> Int {
        var (first, end) = (0, chunks[chunk].count)
        while first < end {
            let middle = (first + end) / 2
            if KeyOrder.precedes(chunks[chunk][middle].bytes, key) {
                first = middle + 1
            } else {
                end = middle
            }
        }
        return first
    }

    /// Rising keys fill chunks to the end.
    private mutating func append(_ key: RowKey) {
        if chunks[chunks.count - 1].count < SortedKeys.chunkLimit {
            chunks[chunks.count - 1].append(key)
        } else {
            chunks.append([key])
        }
    }

    /// The first key at or above the given one.
    func lowerBound(_ key: [UInt8]) -> Position {
        let low = chunk(of: key)
        guard low < chunks.count else { return Position(chunk: 0, index: 0) }
        let first = index(of: key, in: low)
        return first == chunks[low].count
            ? Position(chunk: low + 1, index: 0) : Position(chunk: low, index: first)
    }

    /// The key at a position; nil at the end.
    subscript(position: Position) -> RowKey? {
        position.chunk < chunks.count ? chunks[position.chunk][position.index] : nil
    }

    func position(after position: Position) -> Position {
        position.index + 1 < chunks[position.chunk].count
            ? Position(chunk: position.chunk, index: position.index + 1)
            : Position(chunk: position.chunk + 1, index: 0)
    }

    /// All keys, rising.
    var all: [RowKey] { chunks.flatMap { $0 } }
}

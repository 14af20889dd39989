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

/// Keys in order, as runs of rising keys: one for each block, several small ones made one.
///
/// A block's keys come in order, so that taking them in costs nothing. Who walks the keys looks into each
/// run: a few dozen of them by the time that a layer is set aside.
struct SortedKeys: Sendable {
    /// A run of fewer keys is merged with the next, so that many small blocks make few runs.
    private static let smallRun = 1024
    private var settled: [[RowKey]] = []
    /// What has been inserted since the last `settle`.
    private var fresh: [RowKey] = []

    /// Inserts a key that is not there yet.
    mutating func insert(_ key: RowKey) { fresh.append(key) }

    /// Makes what has been inserted a run of its own.
    mutating func settle() {
        guard !fresh.isEmpty else { return }
        var run = SortedKeys.sorted(fresh)
        fresh = []
        while let last = settled.last, last.count < SortedKeys.smallRun, last.count <= 2 * run.count {
            run = SortedKeys.merged(last, run)
            settled.removeLast()
        }
        settled.append(run)
    }

    /// Rising keys each; a key is in one of them.
    var runs: [[RowKey]] { fresh.isEmpty ? settled : settled + [SortedKeys.sorted(fresh)] }

    /// The index of the first key of a run at or above the given one.
    static func lowerBound(_ key: [UInt8], in run: [RowKey]) -> Int {
        var (first, end) = (0, run.count)
        while first < end {
            let middle = (first + end) / 2
            if KeyOrder.precedes(run[middle].bytes, key) { first = middle + 1 } else { end = middle }
        }
        return first
    }

    private static func sorted(_ keys: [RowKey]) -> [RowKey] {
        let isRising = keys.indices.dropFirst().allSatisfy { keys[$0 - 1] < keys[$0] }
        return isRising ? keys : keys.sorted()
    }

    private static func merged(_ left: [RowKey], _ right: [RowKey]) -> [RowKey] {
        var keys: [RowKey] = []
        keys.reserveCapacity(left.count + right.count)
        var next = 0
        for key in right {
            while next < left.count, left[next] < key {
                keys.append(left[next])
                next += 1
            }
            keys.append(key)
        }
        keys.append(contentsOf: left[next...])
        return keys
    }
}

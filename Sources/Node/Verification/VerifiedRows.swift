import Ledger
import Synchronization

/// The rows as a verification derives them, in memory: independent of what the node has stored.
final class VerifiedRows: StateReader, Sendable {
    private struct Rows {
        var values: [RowKey: [UInt8]] = [:]
        /// Sorted chunks of keys, so that scans and insertions are cheap.
        var order = KeyChunks()
    }

    private let rows = Mutex(Rows())

    func value(for key: RowKey) throws -> [UInt8]? { rows.withLock { $0.values[key] } }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
        rows.withLock { $0.order.keys(from: RowKey(bytes: start), prefix: prefix, limit: limit) }
    }

    func apply(_ changes: [RowChange]) {
        rows.withLock { rows in
            for change in changes {
                if let value = change.value {
                    if rows.values.updateValue(value, forKey: change.key) == nil { rows.order.insert(change.key) }
                } else if rows.values.removeValue(forKey: change.key) != nil {
                    rows.order.remove(change.key)
                }
            }
        }
    }
}

/// Keys in order, in chunks of bounded size: insertion moves a few hundred entries at most.
private struct KeyChunks {
    private var chunks: [[RowKey]] = []
    private static let limit = 512

    /// The last chunk that begins at or before a key, or the first.
    private func chunk(of key: RowKey) -> Int {
        max(0, KeyChunks.position(in: chunks.count) { !(key < chunks[$0][0]) } - 1)
    }

    /// The number of leading positions for which a monotone condition holds.
    private static func position(in count: Int, while holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insert(_ key: RowKey) {
        guard !chunks.isEmpty else {
            chunks.append([key])
            return
        }
        let index = chunk(of: key)
        let position = KeyChunks.position(in: chunks[index].count) { chunks[index][$0] < key }
        chunks[index].insert(key, at: position)
        if chunks[index].count > KeyChunks.limit {
            let half = Array(chunks[index][(KeyChunks.limit / 2)...])
            chunks[index].removeSubrange((KeyChunks.limit / 2)...)
            chunks.insert(half, at: index + 1)
        }
    }

    mutating func remove(_ key: RowKey) {
        guard !chunks.isEmpty else { return }
        let index = chunk(of: key)
        let position = KeyChunks.position(in: chunks[index].count) { chunks[index][$0] < key }
        guard position < chunks[index].count, chunks[index][position] == key else { return }
        chunks[index].remove(at: position)
        if chunks[index].isEmpty { chunks.remove(at: index) }
    }

    func keys(from start: RowKey, prefix: [UInt8], limit: Int) -> [RowKey] {
        guard !chunks.isEmpty else { return [] }
        var result: [RowKey] = []
        var index = chunk(of: start)
        var position = KeyChunks.position(in: chunks[index].count) { chunks[index][$0] < start }
        while index < chunks.count, result.count < limit {
            guard position < chunks[index].count else {
                (index, position) = (index + 1, 0)
                continue
            }
            let key = chunks[index][position]
            guard key.bytes.starts(with: prefix) else { break }
            result.append(key)
            position += 1
        }
        return result
    }
}

import Ledger
import Storage
import Synchronization

/// The rows as a verification derives them, in memory: independent of what the node has stored.
final class VerifiedRows: StateReader, Sendable {
    private struct Rows {
        var values: [Ledger.RowKey: [UInt8]] = [:]
        /// Sorted chunks of keys, so that scans and insertions are cheap.
        var order = KeyChunks()
    }

    private let rows = Mutex(Rows())

    func value(for key: Ledger.RowKey) throws -> [UInt8]? { rows.withLock { $0.values[key] } }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [Ledger.RowKey] {
        rows.withLock { $0.order.keys(from: Ledger.RowKey(bytes: start), prefix: prefix, limit: limit) }
    }

    /// The first row, in order of keys, that a store has otherwise, has not, or has too much. Rows of
    /// indexes, which the state root does not cover, are compared too.
    func firstDifference(from reader: LayeredReader) throws -> Ledger.RowKey? {
        var start: [UInt8] = [0]
        while true {
            let own = try keys(withPrefix: [], from: start, limit: 1024)
            let stored = try reader.entries(from: start, limit: 1024)
            for (key, row) in zip(own, stored) {
                guard key.bytes == row.key else { return min(key, Ledger.RowKey(bytes: row.key)) }
                guard try value(for: key) == row.value else { return key }
            }
            guard own.count == stored.count else {
                let shorter = min(own.count, stored.count)
                return own.count > shorter ? own[shorter] : Ledger.RowKey(bytes: stored[shorter].key)
            }
            guard own.count == 1024, let last = own.last else { return nil }
            start = last.bytes + [0]
        }
    }

    func apply(_ changes: [Ledger.RowChange]) {
        rows.withLock { rows in
            for change in changes {
                if let value = change.value {
                    if rows.values.updateValue(value, forKey: change.key) == nil {
                        rows.order.insert(change.key)
                    }
                } else if rows.values.removeValue(forKey: change.key) != nil {
                    rows.order.remove(change.key)
                }
            }
        }
    }
}

/// Keys in order, in chunks of bounded size: insertion moves a few hundred entries at most.
private struct KeyChunks {
    private var chunks: [[Ledger.RowKey]] = []
    private static let limit = 512

    /// The last chunk that begins at or before a key, or the first.
    private func chunk(of key: Ledger.RowKey) -> Int {
        max(0, chunks.indices.end { !(key < chunks[$0][0]) } - 1)
    }

    mutating func insert(_ key: Ledger.RowKey) {
        guard !chunks.isEmpty else {
            chunks.append([key])
            return
        }
        let index = chunk(of: key)
        let position = chunks[index].indices.end { chunks[index][$0] < key }
        chunks[index].insert(key, at: position)
        if chunks[index].count > KeyChunks.limit {
            let half = Array(chunks[index][(KeyChunks.limit / 2)...])
            chunks[index].removeSubrange((KeyChunks.limit / 2)...)
            chunks.insert(half, at: index + 1)
        }
    }

    mutating func remove(_ key: Ledger.RowKey) {
        guard !chunks.isEmpty else { return }
        let index = chunk(of: key)
        let position = chunks[index].indices.end { chunks[index][$0] < key }
        guard position < chunks[index].count, chunks[index][position] == key else { return }
        chunks[index].remove(at: position)
        if chunks[index].isEmpty { chunks.remove(at: index) }
    }

    func keys(from start: Ledger.RowKey, prefix: [UInt8], limit: Int) -> [Ledger.RowKey] {
        guard !chunks.isEmpty else { return [] }
        var result: [Ledger.RowKey] = []
        var index = chunk(of: start)
        var position = chunks[index].indices.end { chunks[index][$0] < start }
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

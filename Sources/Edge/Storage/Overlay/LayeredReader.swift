import Ledger

/// A consistent view of the rows at one height: layers in memory, newest first, over a checkpoint.
///
/// A value for any thread. It holds an LMDB reader: keep it for one request.
package struct LayeredReader: Sendable {
    package let layers: [RowLayer]
    package let base: RowReader

    package init(layers: [RowLayer], base: RowReader) { (self.layers, self.base) = (layers, base) }

    /// The same with one more layer on top, such as the rows of a block that is not final.
    package func adding(_ layer: RowLayer) -> LayeredReader {
        LayeredReader(layers: [layer] + layers, base: base)
    }

    /// The last block whose changes are seen; nil before the first.
    package var height: UInt64? { layers.lazy.compactMap(\.height).first ?? base.height }

    /// The value of a key; nil where there is none or it was deleted.
    package func value(
        forKey key: [UInt8], in table: StoreTable = .rows
    ) throws(StorageError) -> [UInt8]? {
        try table.checkKey(key)
        let found = key.withUnsafeBytes { key -> [UInt8]?? in
            let hash = LayerTable.hash(key)
            for layer in layers {
                if let found = layer.value(forKey: key, hash: hash, in: table) { return found }
            }
            return nil
        }
        if let found { return found }
        return try base.value(forKey: key, in: table)
    }

    /// Up to `limit` rows in rising order of keys, from a key on (itself included), with the prefix.
    package func entries(
        from key: [UInt8]? = nil, prefix: [UInt8] = [], limit: Int, in table: StoreTable = .rows
    ) throws(StorageError) -> [Row] {
        try rows(from: key, prefix: prefix, limit: limit, in: table) { Array($0) }
    }

    /// The keys of those rows. Their values, which may be long, are not read.
    package func keys(
        from key: [UInt8]? = nil, prefix: [UInt8] = [], limit: Int, in table: StoreTable = .rows
    ) throws(StorageError) -> [[UInt8]] {
        try rows(from: key, prefix: prefix, limit: limit, in: table) { _ in [] }.map(\.key)
    }

    private func rows(
        from key: [UInt8]?, prefix: [UInt8], limit: Int, in table: StoreTable,
        _ keep: (UnsafeRawBufferPointer) -> [UInt8]
    ) throws(StorageError) -> [Row] {
        guard limit > 0 else { return [] }
        let start = KeyOrder.start(key, prefix)
        var merge = LayerMerge(layers, table: table, start: start, prefix: prefix)
        var rows: [Row] = []
        var from = start
        while rows.count < limit {
            // Rows below a deleted one are read for nothing: a few more than are missing save a second read.
            let batchLimit = limit - rows.count + 16
            let batch = try base.rows(from: from, prefix: prefix, limit: batchLimit, in: table, keep)
            let isLast = batch.count < batchLimit
            for row in batch {
                merge.take(below: row.key, into: &rows, limit: limit, keep)
                if rows.count == limit { return rows }
                if let changed = merge.take(at: row.key, keep) {
                    if let value = changed { rows.append(Row(key: row.key, value: value)) }
                } else {
                    rows.append(row)
                }
                if rows.count == limit { return rows }
            }
            guard !isLast, let last = batch.last else { break }
            from = last.key + [0]
        }
        merge.take(below: nil, into: &rows, limit: limit, keep)
        return rows
    }

    /// Hands all rows with the prefix to the body, in rising order of their keys.
    package func forEachRow(
        prefix: [UInt8] = [], in table: StoreTable = .rows, _ body: (Row) throws -> Void
    ) throws {
        try forEachPage(prefix: prefix, in: table) { page in
            for row in page { try body(row) }
            return nil
        }
    }

    /// Hands the rows that the state root covers to the body, in rising order of their keys. Derived ones are
    /// not read.
    package func forEachStateRow(_ body: (_ key: Ledger.RowKey, _ value: [UInt8]) throws -> Void) throws {
        try forEachPage(prefix: [], in: .rows) { page in
            for row in page {
                let key = Ledger.RowKey(bytes: row.key)
                if key.isDerived { return Ledger.RowKey.behindDerived }
                try body(key, row.value)
            }
            return nil
        }
    }

    /// - Parameter body: says from which key on to go on, nil for the next one.
    private func forEachPage(
        prefix: [UInt8], in table: StoreTable, _ body: ([Row]) throws -> [UInt8]?
    ) throws {
        let pageCount = 4096
        var start: [UInt8]?
        while true {
            let page = try entries(from: start, prefix: prefix, limit: pageCount, in: table)
            let next = try body(page)
            guard let last = page.last, next != nil || page.count == pageCount else { return }
            start = next ?? last.key + [0]
        }
    }
}

/// Walks the runs of several layers at once in rising order of keys; of equal keys the newest layer's
/// counts.
struct LayerMerge {
    private struct Run {
        let layer: Int
        let rows: ArraySlice<UInt32>
        var position: Int
    }

    private let layers: [RowLayer]
    private let table: StoreTable
    private let prefix: [UInt8]
    private var runs: [Run] = []
    /// Indices of `runs` with keys left, as a binary heap: the lowest key first, of equal ones the newest.
    private var heap: [Int] = []

    init(_ layers: [RowLayer], table: StoreTable, start: [UInt8], prefix: [UInt8]) {
        (self.layers, self.table, self.prefix) = (layers, table, prefix)
        for (layer, rows) in layers.enumerated() {
            for run in rows.runs(of: table, from: start) {
                guard let first = run.first, KeyOrder.hasPrefix(rows.key(first, in: table), prefix) else {
                    continue
                }
                heap.append(runs.count)
                runs.append(Run(layer: layer, rows: run, position: run.startIndex))
            }
        }
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
    }

    /// The key at which a run stands. Its bytes are there as long as the layers.
    private func key(_ run: Int) -> UnsafeRawBufferPointer {
        layers[runs[run].layer].key(runs[run].rows[runs[run].position], in: table)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let order = KeyOrder.compare(key(left), key(right))
        return order != 0 ? order < 0 : runs[left].layer < runs[right].layer
    }

    /// Moves what stands at a place in the heap down to where it belongs.
    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
                if precedes(heap[child], heap[least]) { least = child }
            }
            if least == place { return }
            heap.swapAt(place, least)
            place = least
        }
    }

    /// The newest layer's word on the lowest key that is left.
    private var lowest: LayerTable.Entry? {
        heap.first.map { layers[runs[$0].layer].entry(runs[$0].rows[runs[$0].position], in: table) }
    }

    private mutating func pass(_ key: UnsafeRawBufferPointer) {
        while let run = heap.first, KeyOrder.compare(self.key(run), key) == 0 {
            runs[run].position += 1
            let hasMore =
                runs[run].position < runs[run].rows.endIndex && KeyOrder.hasPrefix(self.key(run), prefix)
            if !hasMore {
                heap.swapAt(0, heap.count - 1)
                heap.removeLast()
            }
            sink(0)
        }
    }

    /// Takes the rows below a key, or all that are left, up to the limit; deleted ones are passed over.
    mutating func take(
        below bound: [UInt8]?, into rows: inout [Row], limit: Int,
        _ keep: (UnsafeRawBufferPointer) -> [UInt8]
    ) {
        while rows.count < limit, let entry = lowest {
            if let bound, !bound.withUnsafeBytes({ KeyOrder.compare(entry.key, $0) < 0 }) { return }
            if let value = entry.value { rows.append(Row(key: Array(entry.key), value: keep(value))) }
            pass(entry.key)
        }
    }

    /// The newest layer's word on a key, where it is the lowest one left: nil for none, inner nil for
    /// deleted.
    mutating func take(at bound: [UInt8], _ keep: (UnsafeRawBufferPointer) -> [UInt8]) -> [UInt8]?? {
        guard let entry = lowest, bound.withUnsafeBytes({ KeyOrder.compare(entry.key, $0) == 0 }) else {
            return nil
        }
        pass(entry.key)
        return .some(entry.value.map(keep))
    }
}

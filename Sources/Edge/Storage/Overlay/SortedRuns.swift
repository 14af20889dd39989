import Ledger

/// Rows of a table in order of their keys, as runs of rising keys: one for each block, several small ones
/// made one. A row is in one run, as the number of its first entry.
///
/// A block's keys come in order, so that taking them in costs nothing. Who walks the rows looks into each
/// run: a few dozen of them by the time that a layer is set aside.
struct SortedRuns: Sendable {
    /// A run of fewer rows is merged with the next, so that many small blocks make few runs.
    private static let smallRun = 1024
    private var settled: [[UInt32]] = []
    /// What has been inserted since the last `settle`.
    private var fresh: [UInt32] = []
    private(set) var count = 0

    /// Inserts a row that is not there yet.
    mutating func insert(_ number: UInt32) {
        fresh.append(number)
        count += 1
    }

    /// Makes what has been inserted a run of its own.
    mutating func settle(in table: LayerTable) {
        guard !fresh.isEmpty else { return }
        var run = SortedRuns.sorted(fresh, in: table)
        fresh = []
        while let last = settled.last, last.count < SortedRuns.smallRun, last.count <= 2 * run.count {
            run = SortedRuns.merged(last, run, in: table)
            settled.removeLast()
        }
        settled.append(run)
    }

    /// Rising keys each.
    func runs(in table: LayerTable) -> [[UInt32]] {
        fresh.isEmpty ? settled : settled + [SortedRuns.sorted(fresh, in: table)]
    }

    /// All rows by rising key.
    func all(in table: LayerTable) -> [UInt32] {
        let joined = Array(runs(in: table).joined())
        // Runs of the history follow one another.
        if SortedRuns.isRising(joined, in: table) { return joined }
        let keys = joined.map { table[$0].key }
        let order = KeySorting.order(ofCount: keys.count) {
            (KeySorting.word(of: keys[$0], at: $1), keys[$0].count - $1)
        }
        return order.map { joined[$0] }
    }

    /// The row with a key.
    func find(_ key: UnsafeRawBufferPointer, in table: LayerTable) -> UInt32? {
        for run in runs(in: table) {
            let place = SortedRuns.lowerBound(key, in: run, of: table)
            if place < run.count, KeyOrder.compare(table[run[place]].key, key) == 0 { return run[place] }
        }
        return nil
    }

    /// The index of the first row of a run at or above a key.
    static func lowerBound(_ key: [UInt8], in run: [UInt32], of table: LayerTable) -> Int {
        key.withUnsafeBytes { lowerBound($0, in: run, of: table) }
    }

    private static func lowerBound(
        _ key: UnsafeRawBufferPointer, in run: [UInt32], of table: LayerTable
    ) -> Int {
        var (first, end) = (0, run.count)
        while first < end {
            let middle = (first + end) / 2
            if KeyOrder.compare(table[run[middle]].key, key) < 0 {
                first = middle + 1
            } else {
                end = middle
            }
        }
        return first
    }
}

extension SortedRuns {
    private static func precedes(_ left: UInt32, _ right: UInt32, in table: LayerTable) -> Bool {
        KeyOrder.compare(table[left].key, table[right].key) < 0
    }

    private static func isRising(_ rows: [UInt32], in table: LayerTable) -> Bool {
        rows.indices.dropFirst().allSatisfy { precedes(rows[$0 - 1], rows[$0], in: table) }
    }

    private static func sorted(_ rows: [UInt32], in table: LayerTable) -> [UInt32] {
        isRising(rows, in: table) ? rows : rows.sorted { precedes($0, $1, in: table) }
    }

    private static func merged(_ left: [UInt32], _ right: [UInt32], in table: LayerTable) -> [UInt32] {
        var rows: [UInt32] = []
        rows.reserveCapacity(left.count + right.count)
        var next = 0
        for row in right {
            while next < left.count, precedes(left[next], row, in: table) {
                rows.append(left[next])
                next += 1
            }
            rows.append(row)
        }
        rows.append(contentsOf: left[next...])
        return rows
    }
}

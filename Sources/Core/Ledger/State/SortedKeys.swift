/// Row keys in order, for the few thousand that one block writes: sorted only when somebody asks for the
/// order.
struct SortedKeys {
    private var sorted: [RowKey] = []
    /// The latest keys, as they came.
    private var fresh: [RowKey] = []

    /// All keys, rising.
    mutating func all() -> [RowKey] {
        settle()
        return sorted
    }

    /// Inserts a key that is not there yet.
    mutating func insert(_ key: RowKey) { fresh.append(key) }

    /// Removes a key; nothing happens where it is not there. The latest one costs least.
    mutating func remove(_ key: RowKey) {
        if fresh.last == key {
            fresh.removeLast()
            return
        }
        settle()
        let position = position(of: key)
        if position < sorted.count, sorted[position] == key { sorted.remove(at: position) }
    }

    mutating func keys(withPrefix prefix: [UInt8]) -> [RowKey] {
        settle()
        return Array(sorted[position(of: RowKey(bytes: prefix))...].prefix { $0.bytes.starts(with: prefix) })
    }

    private func position(of key: RowKey) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func settle() {
        if fresh.isEmpty { return }
        fresh.sort()
        if sorted.isEmpty {
            swap(&sorted, &fresh)
            return
        }
        var merged: [RowKey] = []
        merged.reserveCapacity(sorted.count + fresh.count)
        var next = 0
        for key in fresh {
            while next < sorted.count, sorted[next] < key {
                merged.append(sorted[next])
                next += 1
            }
            merged.append(key)
        }
        merged.append(contentsOf: sorted[next...])
        sorted = merged
        fresh.removeAll(keepingCapacity: true)
    }
}

/// Row keys in order, for the few thousand that one block writes.
struct SortedKeys {
    private var keys: [RowKey] = []

    var all: [RowKey] { keys }

    private func position(of key: RowKey) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insert(_ key: RowKey) {
        let position = position(of: key)
        if position < keys.count, keys[position] == key { return }
        keys.insert(key, at: position)
    }

    mutating func remove(_ key: RowKey) {
        let position = position(of: key)
        if position < keys.count, keys[position] == key { keys.remove(at: position) }
    }

    func keys(withPrefix prefix: [UInt8]) -> [RowKey] {
        let start = position(of: RowKey(bytes: prefix))
        return Array(keys[start...].prefix { $0.bytes.starts(with: prefix) })
    }
}

import Codec

/// The rows of executed blocks that are not final yet, over the final state.
struct PendingRows: Sendable {
    private struct Version: Sendable {
        let height: Height
        let value: [UInt8]?
    }

    private struct Layer: Sendable {
        let height: Height
        /// Rising.
        let keys: [RowKey]
    }

    /// Oldest first in each list.
    private var versions: [RowKey: [Version]] = [:]
    /// Oldest first.
    private var layers: [Layer] = []

    /// Adds the rows of the block above the last.
    /// - Parameter changes: in order of their keys, each once.
    mutating func push(_ changes: [RowChange], height: Height) {
        precondition(layers.last.map { $0.height < height } ?? true, "blocks come in order")
        layers.append(Layer(height: height, keys: changes.map(\.key)))
        for change in changes {
            versions[change.key, default: []].append(Version(height: height, value: change.value))
        }
    }

    /// Takes back the rows of the last block.
    mutating func pop() {
        guard let layer = layers.popLast() else { return }
        for key in layer.keys {
            versions[key]?.removeLast()
            if versions[key]?.isEmpty == true { versions[key] = nil }
        }
    }

    /// Lets go of rows that the final state holds now.
    mutating func drop(through height: Height) {
        let count = layers.prefix { $0.height <= height }.count
        for layer in layers.prefix(count) {
            for key in layer.keys {
                versions[key]?.removeFirst()
                if versions[key]?.isEmpty == true { versions[key] = nil }
            }
        }
        layers.removeFirst(count)
    }

    /// The rows after a pending block, or after the last one.
    func reader(over base: any StateReader, at height: Height = .max) -> any StateReader {
        layers.first.map { $0.height <= height } ?? false
            ? Reader(rows: self, base: base, height: height) : base
    }

    /// The value as of a height; nil where no pending block up to it wrote the row.
    private func value(_ key: RowKey, at height: Height) -> [UInt8]?? {
        guard let written = versions[key]?.last(where: { $0.height <= height }) else { return nil }
        return .some(written.value)
    }

    private struct Reader: StateReader {
        let rows: PendingRows
        let base: any StateReader
        let height: Height

        func value(for key: RowKey) throws -> [UInt8]? {
            if let own = rows.value(key, at: height) { return own }
            return try base.value(for: key)
        }

        func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
            let first = RowKey(bytes: start.lexicographicallyPrecedes(prefix) ? prefix : start)
            var own = rows.layers.prefix { $0.height <= height }.map {
                $0.keys[$0.keys.place(of: first) { $0 }...]
            }
            var below = try base.keys(withPrefix: prefix, from: first.bytes, limit: limit)[...]
            var mayHaveMore = below.count == limit
            var result: [RowKey] = []
            while result.count < limit {
                var next = below.first
                for keys in own {
                    if let key = keys.first, key.bytes.starts(with: prefix), next.map({ key < $0 }) ?? true {
                        next = key
                    }
                }
                guard let key = next else { break }
                var isVisible = false
                if below.first == key {
                    below.removeFirst()
                    isVisible = true
                }
                for index in own.indices where own[index].first == key { own[index].removeFirst() }
                if let written = rows.value(key, at: height) { isVisible = written != nil }
                if isVisible { result.append(key) }
                // All that was read below may have been deleted above.
                if below.isEmpty, mayHaveMore {
                    below = try base.keys(withPrefix: prefix, from: key.bytes + [0], limit: limit)[...]
                    mayHaveMore = below.count == limit
                }
            }
            return result
        }
    }
}

/// The order of row keys: bytewise, a prefix first.
package enum KeySorting {
    /// Eight bytes of a key as a number that sorts as they do, zeros behind its end.
    static func word(of bytes: [UInt8], at depth: Int) -> UInt64 {
        bytes.withUnsafeBytes { word(of: $0, at: depth) }
    }

    package static func word(of bytes: UnsafeRawBufferPointer, at depth: Int) -> UInt64 {
        if depth + 8 <= bytes.count {
            return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: depth, as: UInt64.self))
        }
        var word: UInt64 = 0
        var shift: UInt64 = 56
        for index in min(depth, bytes.count)..<bytes.count {
            word |= UInt64(bytes[index]) << shift
            shift -= 8
        }
        return word
    }

    private struct Item {
        var word: UInt64
        /// How many of the word's bytes are the key's: of equal words the shorter key comes first.
        var count: Int32
        var index: Int32

        init(_ part: (word: UInt64, count: Int), index: Int32) {
            word = part.word
            count = Int32(truncatingIfNeeded: max(0, min(8, part.count)))
            self.index = index
        }

        static func precedes(_ left: Item, _ right: Item) -> Bool {
            left.word != right.word ? left.word < right.word : left.count < right.count
        }
    }

    /// The indices of distinct keys in the keys' order.
    package static func order(of keys: [[UInt8]]) -> [Int] {
        order(ofCount: keys.count) { (word(of: keys[$0], at: $1), keys[$0].count - $1) }
    }

    /// The indices of distinct keys in the keys' order.
    ///
    /// Keys of one table begin alike: sorting by eight bytes at a time compares numbers, and looks at later
    /// bytes only of keys that are equal so far.
    /// - Parameter part: of a key the eight bytes at a depth as `word` gives them, and how many bytes it has
    ///   from there on.
    package static func order(
        ofCount count: Int, _ part: (_ key: Int, _ depth: Int) -> (word: UInt64, count: Int)
    ) -> [Int] {
        var items = (0..<count).map { Item(part($0, 0), index: Int32(truncatingIfNeeded: $0)) }
        sort(&items, 0..<items.count, part, depth: 0)
        return items.map { Int($0.index) }
    }

    private static func sort(
        _ items: inout [Item], _ range: Range<Int>,
        _ part: (_ key: Int, _ depth: Int) -> (word: UInt64, count: Int), depth: Int
    ) {
        items[range].sort(by: Item.precedes)
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start + 1
            while end < range.upperBound, items[end].word == items[start].word, items[end].count == 8 {
                end += 1
            }
            // One that ended within the word stands first, alone.
            let first = items[start].count == 8 ? start : start + 1
            if end - first > 1 {
                for index in first..<end {
                    let key = items[index].index
                    items[index] = Item(part(Int(key), depth + 8), index: key)
                }
                sort(&items, first..<end, part, depth: depth + 8)
            }
            start = end
        }
    }
}

extension Array {
    /// Where a key is, or would be, among elements in order of their keys.
    func place(of key: RowKey, by keyOf: (Element) -> RowKey) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if keyOf(self[middle]) < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

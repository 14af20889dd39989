import Codec

/// Which rows a block has written, as they came: sorted only when somebody asks for the order.
struct WrittenRows {
    private var keys: [RowKey] = []
    /// Where the block keeps each of them.
    private var places: [Int] = []
    /// The first eight bytes of each key: mostly enough to see that a prefix is another.
    private var words: [UInt64] = []
    private var mark = 0

    /// Adds a row that is not there yet.
    /// - Returns: the first eight bytes of its key.
    @discardableResult
    mutating func append(_ place: Int, _ key: RowKey) -> UInt64 {
        let word = KeySorting.word(of: key.bytes, at: 0)
        keys.append(key)
        places.append(place)
        words.append(word)
        return word
    }

    /// Keeps what has been added.
    mutating func keep() { mark = keys.count }

    /// Takes back what has been added since the last `keep`.
    mutating func undo() {
        let more = keys.count - mark
        keys.removeLast(more)
        places.removeLast(more)
        words.removeLast(more)
    }

    /// All places by rising key.
    func sorted() -> [Int] {
        KeySorting.order(ofCount: keys.count) { index, depth in
            let bytes = keys[index].bytes
            return (depth == 0 ? words[index] : KeySorting.word(of: bytes, at: depth), bytes.count - depth)
        }.map { places[$0] }
    }

    /// The places of keys with a prefix at or after `first`, by rising key: the first `limit` of them, and
    /// whether that is all. Who wants a few does not wait for thousands to be sorted.
    func sorted(
        withPrefix prefix: [UInt8], from first: [UInt8], limit: Int
    ) -> (places: [Int], isAll: Bool) {
        let word = KeySorting.word(of: prefix, at: 0)
        let mask = prefix.count >= 8 ? UInt64.max : ~(UInt64.max >> UInt64(prefix.count * 8))
        var found: [Int] = []
        for index in words.indices
        where words[index] & mask == word && keys[index].bytes.starts(with: prefix)
            && !RawBytes.precedes(keys[index].bytes, first)
        {
            found.append(index)
        }
        let isAll = found.count <= limit
        if !isAll, limit <= WrittenRows.few {
            found = smallest(limit, of: found)
        } else {
            found = KeySorting.order(of: found.map { keys[$0].bytes }).prefix(limit).map { found[$0] }
        }
        return (found.map { places[$0] }, isAll)
    }

    /// Up to here picking the smallest one by one is quicker than sorting all.
    private static let few = 32

    /// Those with the smallest keys, by rising key.
    private func smallest(_ limit: Int, of found: [Int]) -> [Int] {
        var result: [Int] = []
        for index in found {
            if result.count == limit, let last = result.last, keys[last] < keys[index] { continue }
            let place = result.firstIndex { keys[index] < keys[$0] } ?? result.count
            result.insert(index, at: place)
            if result.count > limit { result.removeLast() }
        }
        return result
    }
}

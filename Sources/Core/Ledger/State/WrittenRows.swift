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
    mutating func append(_ place: Int, _ key: RowKey) {
        keys.append(key)
        places.append(place)
        words.append(KeySorting.word(of: key.bytes, at: 0))
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

    /// The places of keys with a prefix, by rising key.
    func sorted(withPrefix prefix: [UInt8]) -> [Int] {
        let word = KeySorting.word(of: prefix, at: 0)
        let mask = prefix.count >= 8 ? UInt64.max : ~(UInt64.max >> UInt64(prefix.count * 8))
        var found: [Int] = []
        for index in words.indices
        where words[index] & mask == word && keys[index].bytes.starts(with: prefix) {
            found.append(index)
        }
        return KeySorting.order(of: found.map { keys[$0].bytes }).map { places[found[$0]] }
    }
}

import Codec

/// Which ids transactions may have used: who has used none need not be looked for among the rows.
///
/// It says maybe of every id that was used and could be used again, and of few others. What was used before
/// it began has expired a day later; until then it says maybe of all.
package struct UsedIDs: Sendable {
    /// Ids of a stretch of time.
    private struct Stretch: Sendable {
        var filter: IDFilter
        /// None of its ids has an earlier one.
        var firstLeaf: UInt64
        /// Of its ids.
        var latestExpiry: Timestamp
    }

    /// The last one grows.
    private var stretches: [Stretch] = []
    /// Consensus time up to which any id may have been used.
    private var blindUntil: Timestamp

    /// - Parameter start: the time of the block from which on it is told of all ids; nil for genesis.
    init(since start: Timestamp? = nil) {
        blindUntil = start.map { $0 + SeenRecord.maximumLifetime } ?? .zero
    }

    /// All ids that could be used again, from the rows that remember them.
    /// - Parameter reader: the rows at the head, which the caller compares with its state root.
    /// - Throws: `LedgerFault` where an id is not found where execution looks for it, which no root covers:
    ///   it would happen twice; `cbor.*`; what the reader throws.
    package init(rememberedIn reader: any StateReader, at head: BlockHeader) throws {
        self.init()
        let moment = SeenRecord.rowKey(SeenRecord.Place(of: head.time)).bytes
        var leaves = RememberedLeaves(logSize: head.logSize)
        try reader.forEachRow(ofTable: SeenRecord.table, from: moment) { _, stored in
            let record = try StoredRow.record(SeenRecord.self, in: stored)
            for (id, leaf) in record.remembered {
                leaves.note(id, leaf)
                note(id, expires: record.id.latestExpiry, leaf: leaf)
            }
        }
        try leaves.check(reader)
    }

    /// From which leaf on an id may have been used; nil where it has not been.
    /// - Parameter time: of the block in which the id would be used.
    func firstLeaf(thatMayHave id: TransactionID, at time: Timestamp) -> UInt64? {
        if time < blindUntil { return 0 }
        return stretches.lazy.filter { $0.filter.mayHold(id) }.map(\.firstLeaf).min()
    }

    mutating func note(_ id: TransactionID, expires: Timestamp, leaf: UInt64) {
        if stretches.last?.filter.isFull ?? true {
            // Room for as many more as are held: few filters, however many ids there are, and none too large.
            let held = stretches.reduce(0) { $0 + $1.filter.count }
            stretches.append(Stretch(filter: IDFilter(for: held), firstLeaf: leaf, latestExpiry: expires))
        }
        let last = stretches.count - 1
        stretches[last].filter.note(id)
        stretches[last].firstLeaf = min(leaf, stretches[last].firstLeaf)
        stretches[last].latestExpiry = max(stretches[last].latestExpiry, expires)
    }

    /// Lets go of ids that no transaction can use any more.
    mutating func forget(at time: Timestamp) { stretches.removeAll { $0.latestExpiry <= time } }

    /// A block of a time is undone: what was let go of had expired by then, and may be used again before.
    mutating func undo(from time: Timestamp) { blindUntil = max(blindUntil, time) }
}

/// A Bloom filter of sixteen bits an id, three of which are set, all in one word: it never denies an id that
/// was noted, and says maybe of less than one in a hundred others. Ids are digests, so that their own bits
/// name the word and the bits.
struct IDFilter: Sendable {
    private var words: [UInt64]
    private let capacity: Int
    private(set) var count = 0

    private static let smallest = 4096
    private static let bitsPerID = 16

    /// With room for a number of ids at least.
    init(for number: Int) {
        var capacity = IDFilter.smallest
        while capacity < number { capacity *= 2 }
        self.capacity = capacity
        words = Array(repeating: 0, count: capacity * IDFilter.bitsPerID / UInt64.bitWidth)
    }

    var isFull: Bool { count == capacity }

    mutating func note(_ id: Digest) {
        words[place(of: id)] |= IDFilter.bits(of: id)
        count += 1
    }

    func mayHold(_ id: Digest) -> Bool {
        let bits = IDFilter.bits(of: id)
        return words[place(of: id)] & bits == bits
    }

    private func place(of id: Digest) -> Int { Int(truncatingIfNeeded: id.word) & (words.count - 1) }

    private static func bits(of id: Digest) -> UInt64 {
        let word = id.word
        return 1 << (word >> 58) | 1 << (word >> 52 & 63) | 1 << (word >> 46 & 63)
    }
}

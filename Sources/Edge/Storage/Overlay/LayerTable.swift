import Synchronization

/// The rows of one table of a layer with all values that they had, found by key: one thread adds, and any
/// thread reads at the same time without a lock.
///
/// Keys, values and entries lie in memory that is never moved or changed once an entry can be found. A
/// reader brings the count of entries that it may see: what was added later is passed over, so a count is a
/// consistent view for as long as the table lives. Memory is given back all at once.
///
/// `@unchecked Sendable`: all is written by the one thread that adds. Readers follow `index` and its slots,
/// which are atomic, to entries that were written before they were put there.
final class LayerTable: @unchecked Sendable {
    /// A row's value at one time.
    struct Entry {
        /// The key's bytes, then the value's.
        let bytes: UnsafeRawPointer
        let hash: UInt32
        let keyCount: UInt16
        /// Negative where the row was deleted.
        let valueCount: Int32
        /// The row's entry before this one.
        var older: UInt32

        var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: Int(keyCount)) }
        /// Nil where the row was deleted.
        var value: UnsafeRawBufferPointer? {
            valueCount < 0
                ? nil : UnsafeRawBufferPointer(start: bytes + Int(keyCount), count: Int(valueCount))
        }
    }

    /// An open hash table of entries: the newest of each row, its number plus one, and above it the key's
    /// hash, so that other rows' entries need not be fetched from memory; 0 is free.
    private final class Index: Sendable {
        typealias Slot = Atomic<UInt64>
        nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
        let mask: Int

        /// - Parameter count: A power of two.
        init(count: Int) {
            slots = .allocate(capacity: count)
            for slot in 0..<count { (slots + slot).initialize(to: Slot(0)) }
            mask = count - 1
        }

        deinit {
            slots.deinitialize(count: mask + 1)
            slots.deallocate()
        }
    }

    /// Entries in a part, and parts at most.
    private static let partCount = 1 << 12
    private static let parts = 1 << 16
    /// For `older`: there is none.
    static let none = UInt32.max

    private let entries: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
    private let index: Atomic<Unmanaged<Index>>
    /// The last one is in use; readers may still be in the ones before.
    private var indices: [Index]
    /// The last one's.
    private var mask: Int
    /// Entries so far. Only the thread that adds may ask.
    private(set) var count: UInt32 = 0
    private var rows = 0
    private var chunks: [UnsafeMutableRawPointer] = []
    private var (free, freeCount, chunkCount): (UnsafeMutableRawPointer?, Int, Int)

    /// Whether rows are found by key. Those of a table that only grows, each once, are not.
    let isIndexed: Bool

    /// - Parameters:
    ///   - isLarge: whether many rows are to be expected.
    ///   - isIndexed: false where no row is added twice and none is looked for by its key.
    init(isLarge: Bool, isIndexed: Bool = true) {
        self.isIndexed = isIndexed
        entries = .allocate(capacity: LayerTable.parts)
        entries.initialize(repeating: nil, count: LayerTable.parts)
        let first = Index(count: isLarge && isIndexed ? 1 << 16 : 1 << 6)
        (indices, mask) = ([first], first.mask)
        index = Atomic(Unmanaged.passUnretained(first))
        (free, freeCount, chunkCount) = (nil, 0, isLarge ? 1 << 18 : 1 << 12)
    }

    deinit {
        for part in 0..<LayerTable.parts {
            guard let entries = entries[part] else { break }
            entries.deallocate()
        }
        entries.deallocate()
        for chunk in chunks { chunk.deallocate() }
    }

    /// A number that depends on the key's bytes and on nothing that others can know.
    static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    subscript(number: UInt32) -> Entry {
        guard let part = entries[Int(number) / LayerTable.partCount] else {
            preconditionFailure("there is no such entry")
        }
        return part[Int(number) % LayerTable.partCount]
    }

    /// The row's newest entry among the first `count`; nil where it has none.
    func find(_ key: UnsafeRawBufferPointer, hash: UInt32, among count: UInt32) -> UInt32? {
        precondition(isIndexed, "the rows of this table are not found by key")
        // The table holds all its indices for as long as it lives: no reader need count its reference.
        return index.load(ordering: .acquiring)._withUnsafeGuaranteedRef { index in
            guard var number = newest(key, hash: hash, in: index).number else { return nil }
            while number >= count {
                number = self[number].older
                if number == LayerTable.none { return nil }
            }
            return number
        }
    }

    /// The slot of a row and its newest entry, or the free slot where it belongs.
    @inline(__always)
    private func newest(
        _ key: UnsafeRawBufferPointer, hash: UInt32, in index: Index
    ) -> (slot: Int, number: UInt32?) {
        var slot = Int(hash) & index.mask
        while true {
            let held = index.slots[slot].load(ordering: .acquiring)
            if held == 0 { return (slot, nil) }
            let number = LayerTable.number(held)
            if LayerTable.hash(held) == hash, LayerTable.isEqual(self[number].key, key) {
                return (slot, number)
            }
            slot = (slot + 1) & index.mask
        }
    }

    private static func slot(_ number: UInt32, hash: UInt32) -> UInt64 {
        UInt64(hash) << 32 | UInt64(number + 1)
    }

    private static func hash(_ held: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: held >> 32) }
    private static func number(_ held: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: held) - 1 }

    private static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        left.count == right.count && compareBytes(left, right, count: left.count) == 0
    }

    // MARK: Adding

    /// Room for a key and a value; `add` follows.
    func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if count > freeCount || free == nil {
            let size = max(chunkCount, count)
            let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
            chunks.append(chunk)
            (free, freeCount) = (chunk, size)
            chunkCount = min(chunkCount * 2, 1 << 20)
        }
        guard let room = free else { preconditionFailure("a chunk was made") }
        (free, freeCount) = (room + count, freeCount - count)
        return room
    }

    /// Adds a row's value, or that it was deleted, and says whether the row is new here.
    /// - Parameters:
    ///   - bytes: what `reserve` gave last, filled with the key and the value.
    ///   - valueCount: negative for a deleted row.
    func add(_ bytes: UnsafeMutableRawPointer, keyCount: Int, valueCount: Int) -> Bool {
        guard isIndexed else {
            append(
                Entry(
                    bytes: UnsafeRawPointer(bytes), hash: 0, keyCount: UInt16(keyCount),
                    valueCount: Int32(valueCount), older: LayerTable.none))
            return true
        }
        if rows * 2 > mask { grow() }
        let key = UnsafeRawBufferPointer(start: bytes, count: keyCount)
        let hash = LayerTable.hash(key)
        return index.load(ordering: .relaxed)._withUnsafeGuaranteedRef { index in
            let (slot, older) = newest(key, hash: hash, in: index)
            let number = count
            append(
                Entry(
                    bytes: UnsafeRawPointer(bytes), hash: hash, keyCount: UInt16(keyCount),
                    valueCount: Int32(valueCount), older: older ?? LayerTable.none))
            index.slots[slot].store(LayerTable.slot(number, hash: hash), ordering: .releasing)
            if older == nil { rows += 1 }
            return older == nil
        }
    }

    private func append(_ entry: Entry) {
        let (part, place) = (Int(count) / LayerTable.partCount, Int(count) % LayerTable.partCount)
        precondition(part < LayerTable.parts, "a layer has room for all rows")
        if entries[part] == nil { entries[part] = .allocate(capacity: LayerTable.partCount) }
        guard let room = entries[part] else { preconditionFailure("it has just been made") }
        (room + place).initialize(to: entry)
        count += 1
    }

    /// Goes over to an index of twice the size.
    private func grow() {
        guard let old = indices.last else { return }
        let new = Index(count: (old.mask + 1) * 2)
        for place in 0...old.mask {
            let held = old.slots[place].load(ordering: .relaxed)
            if held == 0 { continue }
            var slot = Int(LayerTable.hash(held)) & new.mask
            while new.slots[slot].load(ordering: .relaxed) != 0 { slot = (slot + 1) & new.mask }
            new.slots[slot].store(held, ordering: .relaxed)
        }
        indices.append(new)
        mask = new.mask
        index.store(Unmanaged.passUnretained(new), ordering: .releasing)
    }
}

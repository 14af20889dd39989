import Codec

/// The rows as the block under execution sees them: what it has written over a reader at the parent's height.
///
/// A class because contracts share it during one call chain on one thread; it never leaves the executor.
/// Writes go straight in; a journal takes a rejected transaction's back. A read error is kept as `fault` and
/// halts the node.
final class BlockState {
    /// A row that this block has read or written.
    private struct Entry {
        let key: RowKey
        /// Nil where there is no row, or where it was removed.
        var value: [UInt8]?
        /// Whether `value` is what the block sees, or nobody has looked below yet.
        var isKnown: Bool
        var isWritten: Bool
        /// The position of the step whose change the history holds already.
        var noted: UInt32?
        /// Whether a record has been decoded from the value.
        var wasDecoded = false
        /// The record, where it was decoded a second time: a `Decoded`. Most are needed once.
        var decoded: AnyObject?
    }

    private final class Decoded<R: Record> {
        let record: R
        init(_ record: R) { self.record = record }
    }

    /// What a write took the place of.
    private struct Step {
        let place: Int
        let entry: Entry
    }

    private let base: any StateReader
    /// What this block has read and written. Members, their accounts and a machine between `get` and
    /// `put` are read and decoded once.
    private var entries: [Entry] = []
    /// Where a row is in `entries`.
    private var places: [RowKey: Int] = [:]
    /// Written rows in the order of their first writing.
    private var written = WrittenRows()
    /// The keys whose rows have been written, by transactions that were rejected too.
    private(set) var writtenKeys: Set<KeyID> = []
    /// How often the row of a member's account was written or taken back.
    private(set) var accountChanges = 0
    private var journal: [Step] = []
    private(set) var events: [Event] = []
    private var eventMark = 0
    /// History: for each row changed by a step, the change before it.
    private(set) var history: [HistoryEntry] = []
    private var historyMark = 0
    private(set) var fault: (any Error)?
    /// The step under execution.
    var change: ChangeReference
    /// Where records are encoded before their bytes are kept.
    private var writer = CBORWriter(reservingCapacity: 4096)

    /// - Parameter steps: How many transactions are to come, to reserve room for their rows.
    init(base: any StateReader, height: Height, steps: Int = 0) {
        self.base = base
        change = ChangeReference(height: height, position: 0)
        entries.reserveCapacity(steps * 4)
        places.reserveCapacity(steps * 4)
        history.reserveCapacity(steps * 2)
    }

    // MARK: Rows

    func value(for key: RowKey) throws(Rejection) -> [UInt8]? { entries[try place(of: key)].value }

    /// A row as it was before the block. Nothing of it is kept.
    func read(_ key: RowKey) throws(Rejection) -> [UInt8]? {
        do { return try base.value(for: key) } catch { throw fail(error) }
    }

    /// Where a row is, read from below where this block has not seen it yet.
    private func place(of key: RowKey) throws(Rejection) -> Int {
        let place = placeUnread(of: key)
        if entries[place].isKnown { return place }
        entries[place].value = try read(key)
        entries[place].isKnown = true
        return place
    }

    /// Where a row is, with a new entry where there is none.
    private func placeUnread(of key: RowKey) -> Int {
        let next = entries.count
        func held(_ place: inout Int) -> Int { place }
        let place = held(&places[key, default: next])
        if place == next { entries.append(Entry(key: key, value: nil, isKnown: false, isWritten: false)) }
        return place
    }

    private func fail(_ error: any Error) -> Rejection {
        if fault == nil { fault = error }
        return Rejection("ledger.fault", "the node could not read its state")
    }

    /// Writes a row without reading what lies below.
    func write(_ value: [UInt8]?, for key: RowKey) {
        set(value, at: placeUnread(of: key))
    }

    private func set(_ value: [UInt8]?, at place: Int) {
        let key = entries[place].key
        var entry = Entry(
            key: key, value: value, isKnown: true, isWritten: true, noted: entries[place].noted)
        swap(&entry, &entries[place])
        let word = entry.isWritten ? KeySorting.word(of: key.bytes, at: 0) : written.append(place, key)
        journal.append(Step(place: place, entry: entry))
        note(key, word)
    }

    /// Notes a change of what every transaction asks for, its key and its member's account, so that whoever
    /// has asked before knows that it still holds.
    /// - Parameter word: the first eight bytes of the row's key.
    private func note(_ row: RowKey, _ word: UInt64) {
        if word == AccountRecord.word { accountChanges += 1 }
        if word >> 32 == KeyRecord.word >> 32, let key = KeyRecord.id(of: row) { writtenKeys.insert(key) }
    }

    /// Writes a row that the executor itself encodes.
    func write(for key: RowKey, _ record: (inout CBORWriter) -> Void) {
        writer.clear()
        StoredRow.begin(change, in: &writer)
        record(&writer)
        write(writer.exactBytes, for: key)
    }

    /// Keeps what the transaction wrote.
    func keep() {
        journal.removeAll(keepingCapacity: true)
        written.keep()
        eventMark = events.count
        historyMark = history.count
    }

    /// Takes back what was written since the last `keep`.
    func undo() {
        for step in journal.reversed() { entries[step.place] = step.entry }
        accountChanges += 1
        journal.removeAll(keepingCapacity: true)
        written.undo()
        events.removeLast(events.count - eventMark)
        history.removeLast(history.count - historyMark)
    }

    /// Everything the block wrote, in order of the keys; rows that ended as they began included.
    func changes() -> [RowChange] {
        written.sorted().map { RowChange(key: entries[$0].key, value: entries[$0].value) }
    }

    // MARK: Records

    func record<R: Record>(_ type: R.Type, _ key: RowKey) throws(Rejection) -> R? {
        try record(type, at: try place(of: key))
    }

    private func record<R: Record>(_ type: R.Type, at place: Int) throws(Rejection) -> R? {
        guard let bytes = entries[place].value else { return nil }
        if let known = entries[place].decoded as? Decoded<R> { return known.record }
        let record = try decode(type, bytes)
        if entries[place].wasDecoded { entries[place].decoded = Decoded(record) }
        entries[place].wasDecoded = true
        return record
    }

    private func decode<R: Record>(_ type: R.Type, _ bytes: [UInt8]) throws(Rejection) -> R {
        do { return try StoredRow.record(type, in: bytes) } catch { throw fail(error) }
    }

    func put<R: Record>(_ record: R) throws(Rejection) { try put(record, at: R.rowKey(record.id)) }

    /// - Parameter key: the record's.
    func put<R: Record>(_ record: R, at key: RowKey) throws(Rejection) {
        let place = try place(of: key)
        if !R.indexes.isEmpty {
            try reindex(
                R.self, id: record.id.keyBytes, from: try self.record(R.self, at: place), to: record)
        }
        writer.clear()
        StoredRow.begin(change, in: &writer)
        do { try record.writeRecord(to: &writer) } catch { throw fail(error) }
        try setNoting(writer.exactBytes, at: place)
    }

    func delete<R: Record>(_ type: R.Type, _ key: RowKey) throws(Rejection) {
        let place = try place(of: key)
        guard let old = try record(type, at: place) else { return }
        try reindex(type, id: old.id.keyBytes, from: old, to: nil)
        try setNoting(nil, at: place)
    }

    /// Sets a record's row, and notes in the history which change came before: once a step, however often it
    /// changes the row.
    private func setNoting(_ value: [UInt8]?, at place: Int) throws(Rejection) {
        let isNoted = entries[place].noted == change.position
        if !isNoted {
            var previous: ChangeReference?
            if let old = entries[place].value {
                var reader = CBORReader(old)
                do { previous = try StoredRow.begin(&reader) } catch { throw fail(error) }
            }
            history.append(HistoryEntry(change: change, key: entries[place].key, previous: previous))
        }
        set(value, at: place)
        entries[place].noted = change.position
    }

    private func reindex<R: Record>(
        _ type: R.Type, id: [UInt8], from old: R?, to new: R?
    ) throws(Rejection) {
        for index in R.indexes {
            let before = old.flatMap { index.key($0) }
            let after = new.flatMap { index.key($0) }
            if before == after { continue }
            if let before { write(nil, for: R.indexKey(index.name, before, id)) }
            if let after {
                let key = R.indexKey(index.name, after, id)
                guard key.isStorable else { throw Rejection("ledger.key_too_long") }
                write([], for: key)
            }
        }
    }

    func records<R: Record>(
        _ type: R.Type, where index: String, equals value: [UInt8], limit: Int
    ) throws(Rejection) -> [R] {
        let prefix = R.indexKey(index, value)
        var records: [R] = []
        for key in try keys(withPrefix: prefix.bytes, limit: limit) {
            let row = RowKey(table: R.table, key: Array(key.bytes.dropFirst(prefix.bytes.count)))
            guard let record = try record(type, row) else {
                throw fail(LedgerFault("index \(index) of \(R.table) lists a record that is not there"))
            }
            records.append(record)
        }
        return records
    }

    func all<R: Record>(_ type: R.Type, limit: Int) throws(Rejection) -> [R] {
        try records(type, keysBeginWith: [], from: [], limit: limit)
    }

    func records<R: Record>(
        _ type: R.Type, keysBeginWith prefix: [UInt8], from start: [UInt8], limit: Int
    ) throws(Rejection) -> [R] {
        let prefix = RowKey(table: R.table, key: prefix).bytes
        let start = RowKey(table: R.table, key: start).bytes
        var records: [R] = []
        for key in try keys(withPrefix: prefix, from: start, limit: limit) {
            if let record = try record(type, key) { records.append(record) }
        }
        return records
    }

    /// Keys with a prefix as this block sees them, in order, at most `limit`.
    /// - Parameter first: leaves out the keys before it.
    func keys(
        withPrefix prefix: [UInt8], from first: [UInt8] = [], limit: Int
    ) throws(Rejection) -> [RowKey] {
        // A few more than wanted: some may be rows that this block has removed.
        var reach = min(limit, 1 << 32) + 16
        while true {
            let own = written.sorted(withPrefix: prefix, from: first, limit: reach)
            var position = 0
            let start = RawBytes.precedes(prefix, first) ? first : prefix
            let keys = try keys(
                withPrefix: prefix, from: start, own: own.places, &position, limit: limit)
            // Where those at hand are spent others may come between.
            if own.isAll || position < own.places.count { return keys }
            reach *= 8
        }
    }

    private func keys(
        withPrefix prefix: [UInt8], from first: [UInt8], own: [Int], _ position: inout Int, limit: Int
    ) throws(Rejection) -> [RowKey] {
        var result: [RowKey] = []
        var start = first
        var want = min(limit, 1 << 32)
        while result.count < limit {
            let below: [RowKey]
            do {
                below = try base.keys(withPrefix: prefix, from: start, limit: want)
            } catch { throw fail(error) }
            merge(below, own, &position, into: &result, limit: limit, isLast: below.count < want)
            guard below.count == want, let last = below.last else { break }
            start = last.bytes + [0]
            want = min(2 * want, 1 << 32)
        }
        return result
    }

    private func merge(
        _ below: [RowKey], _ own: [Int], _ position: inout Int, into result: inout [RowKey], limit: Int,
        isLast: Bool
    ) {
        func takeOwn() {
            let entry = entries[own[position]]
            if entry.value != nil { result.append(entry.key) }
            position += 1
        }
        for key in below {
            while position < own.count, entries[own[position]].key < key, result.count < limit { takeOwn() }
            guard result.count < limit else { return }
            let isOwn = position < own.count && entries[own[position]].key == key
            if isOwn { takeOwn() } else { result.append(key) }
        }
        while isLast, position < own.count, result.count < limit { takeOwn() }
    }

    // MARK: Events and deadlines

    func emit(_ event: Event) { events.append(event) }

    func schedule(_ timer: Timer) throws(Rejection) {
        guard timer.kind.utf8.count <= 64, timer.subject.count <= 200 else {
            throw Rejection("ledger.timer_too_long", "a deadline's kind or subject is too long")
        }
        let row = TimerRow(timer)
        write(StoredRow(change: change, record: row.encoded).encoded, for: row.key)
    }

    func cancel(_ timer: Timer) throws(Rejection) {
        let key = TimerRow(timer).key
        if try value(for: key) != nil { write(nil, for: key) }
    }
}

/// One row as a block left it: its bytes, or nil where it was removed.
package struct RowChange: Hashable, Sendable {
    package let key: RowKey
    package let value: [UInt8]?

    package init(key: RowKey, value: [UInt8]?) { (self.key, self.value) = (key, value) }
}

extension [RowChange] {
    /// Those of a table, where all are in order of their keys.
    func of(_ table: String) -> ArraySlice<RowChange> {
        let prefix = RowKey(table: table, key: [])
        return self[place(of: prefix, by: \.key)...].prefix { $0.key.bytes.starts(with: prefix.bytes) }
    }
}

/// The node's own state contradicts itself or cannot be read: it stops.
package struct LedgerFault: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

import Codec

/// The rows as the block under execution sees them: what it has written over a reader at the parent's height.
///
/// A class because contracts share it during one call chain on one thread; it never leaves the executor.
/// Writes go straight in; a journal takes a rejected transaction's back. A read error is kept as `fault` and
/// halts the node.
final class BlockState {
    /// A row that this block has read or written.
    private struct Entry {
        /// Nil where there is no row, or where it was removed.
        var value: [UInt8]?
        var isWritten: Bool
        /// The record that was last decoded from the value: a `Decoded`.
        var decoded: AnyObject?
    }

    private final class Decoded<R: Record> {
        let record: R
        init(_ record: R) { self.record = record }
    }

    private let base: any StateReader
    /// What this block has read and written. Members, their accounts and a machine between `get` and
    /// `put` are read and decoded once.
    private var rows: [RowKey: Entry] = [:]
    /// The keys of written rows.
    private var writtenKeys = SortedKeys()
    private var journal: [(key: RowKey, previous: Entry?)] = []
    private(set) var events: [Event] = []
    private var eventMark = 0
    /// History: for each row changed by a step, the change before it.
    private(set) var history: [(change: ChangeReference, key: RowKey, previous: ChangeReference?)] = []
    private var historyMark = 0
    private(set) var fault: (any Error)?
    /// The step under execution.
    var change: ChangeReference

    init(base: any StateReader, height: Height) {
        self.base = base
        change = ChangeReference(height: height, position: 0)
    }

    // MARK: Rows

    func value(for key: RowKey) throws(Rejection) -> [UInt8]? { try entry(for: key).value }

    private func entry(for key: RowKey) throws(Rejection) -> Entry {
        if let known = rows[key] { return known }
        let entry: Entry
        do { entry = Entry(value: try base.value(for: key), isWritten: false) } catch { throw fail(error) }
        rows[key] = entry
        return entry
    }

    private func fail(_ error: any Error) -> Rejection {
        if fault == nil { fault = error }
        return Rejection("ledger.fault", "the node could not read its state")
    }

    func write(_ value: [UInt8]?, for key: RowKey) {
        let previous = rows.updateValue(Entry(value: value, isWritten: true), forKey: key)
        journal.append((key, previous))
        if previous?.isWritten != true { writtenKeys.insert(key) }
    }

    /// Keeps what the transaction wrote.
    func keep() {
        journal.removeAll(keepingCapacity: true)
        eventMark = events.count
        historyMark = history.count
    }

    /// Takes back what was written since the last `keep`.
    func undo() {
        for (key, previous) in journal.reversed() {
            rows[key] = previous
            if previous?.isWritten != true { writtenKeys.remove(key) }
        }
        journal.removeAll(keepingCapacity: true)
        events.removeLast(events.count - eventMark)
        history.removeLast(history.count - historyMark)
    }

    /// Everything the block wrote, in order of the keys; rows that ended as they began included.
    func changes() -> [RowChange] {
        writtenKeys.all().map { key in
            guard let entry = rows[key] else { preconditionFailure("a written row is in the table of rows") }
            return RowChange(key: key, value: entry.value)
        }
    }

    // MARK: Records

    func record<R: Record>(_ type: R.Type, _ key: RowKey) throws(Rejection) -> R? {
        let entry = try entry(for: key)
        guard let bytes = entry.value else { return nil }
        if let known = entry.decoded as? Decoded<R> { return known.record }
        let record = try decode(type, bytes)
        rows[key]?.decoded = Decoded(record)
        return record
    }

    private func decode<R: Record>(_ type: R.Type, _ bytes: [UInt8]) throws(Rejection) -> R {
        do {
            return try CBOR.decode(type, from: StoredRow(decoding: bytes).record)
        } catch { throw fail(error) }
    }

    func put<R: Record>(_ record: R) throws(Rejection) {
        let key = R.rowKey(record.id)
        let old = try value(for: key)
        if !R.indexes.isEmpty {
            try reindex(
                R.self, id: record.id.keyBytes, from: try self.record(R.self, key), to: record)
        }
        let encoded: [UInt8]
        do { encoded = try CBOR.encode(record) } catch { throw fail(error) }
        try noteHistory(key, old)
        write(StoredRow(change: change, record: encoded).encoded, for: key)
    }

    func delete<R: Record>(_ type: R.Type, _ key: RowKey) throws(Rejection) {
        guard let old = try value(for: key) else { return }
        let oldRecord = try decode(type, old)
        try reindex(type, id: oldRecord.id.keyBytes, from: oldRecord, to: nil)
        try noteHistory(key, old)
        write(nil, for: key)
    }

    private func noteHistory(_ key: RowKey, _ old: [UInt8]?) throws(Rejection) {
        var previous: ChangeReference?
        if let old {
            do { previous = try StoredRow(decoding: old).change } catch { throw fail(error) }
            if previous == change { return }
        }
        history.append((change, key, previous))
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
        var records: [R] = []
        for key in try keys(withPrefix: RowKey(table: R.table, key: []).bytes, limit: limit) {
            if let record = try record(type, key) { records.append(record) }
        }
        return records
    }

    /// Keys with a prefix as this block sees them, in order, at most `limit`.
    func keys(withPrefix prefix: [UInt8], limit: Int) throws(Rejection) -> [RowKey] {
        let own = writtenKeys.keys(withPrefix: prefix)
        var result: [RowKey] = []
        var start = prefix
        var position = 0
        while result.count < limit {
            let want = limit - result.count + own.count - position
            let below: [RowKey]
            do {
                below = try base.keys(withPrefix: prefix, from: start, limit: want)
            } catch { throw fail(error) }
            merge(below, own, &position, into: &result, limit: limit, isLast: below.count < want)
            guard below.count == want, let last = below.last else { break }
            start = last.bytes + [0]
        }
        return result
    }

    private func merge(
        _ below: [RowKey], _ own: [RowKey], _ position: inout Int, into result: inout [RowKey], limit: Int,
        isLast: Bool
    ) {
        func takeOwn() {
            if rows[own[position]]?.value != nil { result.append(own[position]) }
            position += 1
        }
        for key in below {
            while position < own.count, own[position] < key, result.count < limit { takeOwn() }
            guard result.count < limit else { return }
            if position < own.count, own[position] == key { takeOwn() } else { result.append(key) }
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

/// The node's own state contradicts itself or cannot be read: it stops.
package struct LedgerFault: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

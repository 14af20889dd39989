import Ledger

/// The outbox's transactions by their ids. Each stays in one place while it is there, so that whoever was
/// told the place need not look the id up again.
struct OutboxEntries: Sendable {
    /// A transaction that is not final yet.
    struct Entry: Sendable {
        let transaction: VerifiedTransaction
        let since: Timestamp
        /// Whose favour it is to send it; nil for this node's own.
        let giver: MemberID?
        var waiters: [Waiter] = []
        /// Batches on their way that hold it.
        var copies = 0
        var isQueued = false
        var isOrdered = false
        var isDurable = false

        init(_ transaction: VerifiedTransaction, since: Timestamp, giver: MemberID?) {
            (self.transaction, self.since, self.giver) = (transaction, since, giver)
        }

        var id: TransactionID { transaction.transaction.id }
        var bytes: [UInt8] { transaction.transaction.bytes }
        var expires: Timestamp { transaction.transaction.payload.expires }

        fileprivate mutating func changed<T>(by body: (inout Entry) -> T) -> T { body(&self) }
    }

    /// Where a transaction was put. It names nothing any more once that is gone.
    struct Place: Sendable {
        let id: TransactionID
        fileprivate let index: Int
    }

    private var entries: [Entry?] = []
    private var free: [Int] = []
    private var indices: [TransactionID: Int] = [:]

    var count: Int { indices.count }
    var isEmpty: Bool { indices.isEmpty }

    func place(of id: TransactionID) -> Place? { indices[id].map { Place(id: id, index: $0) } }

    /// - Parameter place: where it was, if it was.
    func place(of id: TransactionID, was place: Place?) -> Place? {
        if let place, place.id == id, isThere(place) { return place }
        return self.place(of: id)
    }

    private func isThere(_ place: Place) -> Bool {
        entries.indices.contains(place.index) && entries[place.index]?.id == place.id
    }

    subscript(place: Place) -> Entry? { isThere(place) ? entries[place.index] : nil }

    /// Changes an entry; nil where it is gone.
    @discardableResult
    mutating func change<T>(_ place: Place, _ body: (inout Entry) -> T) -> T? {
        isThere(place) ? entries[place.index]?.changed(by: body) : nil
    }

    /// Adds one, unless its id is there.
    mutating func add(_ entry: @autoclosure () -> Entry, for id: TransactionID) -> (place: Place, isNew: Bool)
    {
        func held(_ index: inout Int) -> Int { index }
        let next = free.last ?? entries.count
        let place = Place(id: id, index: held(&indices[id, default: next]))
        guard place.index == next else { return (place, false) }
        if free.popLast() == nil { entries.append(entry()) } else { entries[next] = entry() }
        return (place, true)
    }

    mutating func remove(_ place: Place) -> Entry? {
        guard isThere(place) else { return nil }
        indices[place.id] = nil
        free.append(place.index)
        return entries[place.index].take()
    }

    /// Those that a condition holds for, in order of their ids.
    func all(where condition: (Entry) -> Bool) -> [(place: Place, entry: Entry)] {
        entries.indices.compactMap { index in
            guard let entry = entries[index], condition(entry) else { return nil }
            return (Place(id: entry.id, index: index), entry)
        }.sorted { $0.place.id < $1.place.id }
    }
}

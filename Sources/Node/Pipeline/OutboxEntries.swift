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

        /// Notes that it has a place in the order; who waits for that is told, and waits no more.
        mutating func noteOrdered() -> [Waiter] {
            guard !isOrdered else { return [] }
            isOrdered = true
            let told = waiters.filter { $0.level == .ordered }
            if !told.isEmpty { waiters.removeAll { $0.level == .ordered } }
            return told
        }

        fileprivate mutating func changed<T>(by body: (inout Entry) -> T) -> T { body(&self) }
    }

    /// Where a transaction was put. It names nothing any more once that is gone, though the same transaction
    /// may have come back.
    struct Place: Sendable {
        let id: TransactionID
        fileprivate let index: Int
        fileprivate let serial: UInt64
    }

    private struct Slot: Sendable {
        var entry: Entry?
        /// Of the last entry.
        var serial: UInt64
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private var indices: [TransactionID: Int] = [:]
    /// The last one given.
    private var serial: UInt64 = 0

    /// Once all are gone the memory is kept of so many.
    private static let kept = 4096

    var count: Int { indices.count }
    var isEmpty: Bool { indices.isEmpty }

    func place(of id: TransactionID) -> Place? {
        indices[id].map { Place(id: id, index: $0, serial: slots[$0].serial) }
    }

    /// - Parameter place: where it was, if it was.
    func place(of id: TransactionID, was place: Place?) -> Place? {
        if let place, place.id == id, isThere(place) { place } else { self.place(of: id) }
    }

    private func isThere(_ place: Place) -> Bool {
        slots.indices.contains(place.index) && slots[place.index].serial == place.serial
            && slots[place.index].entry != nil
    }

    subscript(place: Place) -> Entry? { isThere(place) ? slots[place.index].entry : nil }

    /// Changes an entry; nil where it is gone.
    @discardableResult
    mutating func change<T>(_ place: Place, _ body: (inout Entry) -> T) -> T? {
        isThere(place) ? slots[place.index].entry?.changed(by: body) : nil
    }

    /// Adds one, unless its id is there.
    mutating func add(
        _ entry: @autoclosure () -> Entry, for id: TransactionID
    ) -> (place: Place, isNew: Bool) {
        func held(_ index: inout Int) -> Int { index }
        let next = free.last ?? slots.count
        let index = held(&indices[id, default: next])
        guard index == next else {
            return (Place(id: id, index: index, serial: slots[index].serial), false)
        }
        serial += 1
        let slot = Slot(entry: entry(), serial: serial)
        if free.popLast() == nil { slots.append(slot) } else { slots[index] = slot }
        return (Place(id: id, index: index, serial: serial), true)
    }

    mutating func remove(_ place: Place) -> Entry? {
        guard isThere(place) else { return nil }
        let entry = slots[place.index].entry.take()
        indices[place.id] = nil
        free.append(place.index)
        if isEmpty, free.count > OutboxEntries.kept { (slots, free) = ([], []) }
        return entry
    }

    /// Those that a condition holds for, in order of their ids.
    func all(where condition: (Entry) -> Bool) -> [(place: Place, entry: Entry)] {
        slots.indices.compactMap { index in
            guard let entry = slots[index].entry, condition(entry) else { return nil }
            return (Place(id: entry.id, index: index, serial: slots[index].serial), entry)
        }.sorted { $0.place.id < $1.place.id }
    }
}

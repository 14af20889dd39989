/// What an executor knows of when something falls due next, so that not every block looks for it in tables
/// that lie scattered over memory. A bound that is never later than the truth; nil where nobody has looked.
struct Calm: Sendable {
    /// No deadline is due before it.
    var firstDeadline: Timestamp?
    /// No remembered ids expire before it.
    var firstExpiry: Timestamp?

    /// Takes into account what a block wrote, in order of the keys.
    mutating func note(_ changes: [RowChange]) {
        firstDeadline = firstDeadline.flatMap { known in
            Calm.first(TimerRow.table, changes, known) { TimerRow(key: $0)?.timer.due }
        }
        firstExpiry = firstExpiry.flatMap { known in
            Calm.first(SeenRecord.table, changes, known) { SeenRecord.Place(key: $0)?.latestExpiry }
        }
    }

    /// The earlier of what was known and the first row that was written of a table that sorts by time.
    private static func first(
        _ table: String, _ changes: [RowChange], _ known: Timestamp, _ time: (RowKey) -> Timestamp?
    ) -> Timestamp? {
        guard let first = changes.of(table).first(where: { $0.value != nil }) else { return known }
        return time(first.key).map { min(known, $0) }
    }
}

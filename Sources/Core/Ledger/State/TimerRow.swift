import Codec

/// A deadline as a row: the key sorts by due time, the value is empty CBOR text since the key says
/// everything.
struct TimerRow {
    let timer: Timer

    init(_ timer: Timer) { self.timer = timer }

    static let table = "timer"

    /// `timer` zero, due time in 8 bytes, then contract, kind and subject, each but the last ended by a zero
    /// byte.
    var key: RowKey {
        RowKey(
            table: TimerRow.table,
            key: timer.due.keyBytes + Array(timer.contract.utf8) + [0] + Array(timer.kind.utf8) + [0]
                + timer.subject)
    }

    var encoded: [UInt8] { [0x60] }

    init?(key: RowKey) {
        let body = key.bytes.dropFirst(TimerRow.table.utf8.count + 1)
        guard body.count > 10 else { return nil }
        let nanoseconds = bigEndianNumber(body.prefix(8))
        let parts = body.dropFirst(8).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let due = Int64(exactly: nanoseconds) else { return nil }
        timer = Timer(
            contract: String(decoding: parts[0], as: UTF8.self), due: Timestamp(nanoseconds: due),
            kind: String(decoding: parts[1], as: UTF8.self), subject: Array(parts[2]))
    }
}

/// The rows as they are at one fixed height. The edge implements it; a thrown error halts the node and never
/// rejects a transaction.
package protocol StateReader {
    /// The row's stored bytes, or nil where there is none.
    func value(for key: RowKey) throws -> [UInt8]?

    /// Keys that begin with a prefix and are at or after `start`, in order, at most `limit`.
    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey]
}

extension StateReader {
    /// Hands a table's keys to the body, in order.
    /// - Parameter start: keys before it are left out.
    func forEachKey(
        ofTable table: String, from start: [UInt8] = [], _ body: (RowKey) throws -> Void
    ) throws {
        let pageCount = 1024
        let prefix = RowKey(table: table, key: []).bytes
        var start = start
        while true {
            let page = try keys(withPrefix: prefix, from: start, limit: pageCount)
            for key in page { try body(key) }
            guard page.count == pageCount, let last = page.last else { return }
            start = last.bytes + [0]
        }
    }

    /// Hands a table's rows to the body, as they are stored, in order of their keys.
    /// - Parameter start: rows before it are left out.
    func forEachRow(
        ofTable table: String, from start: [UInt8] = [], _ body: (RowKey, [UInt8]) throws -> Void
    ) throws {
        try forEachKey(ofTable: table, from: start) { key in
            guard let stored = try value(for: key) else {
                throw LedgerFault("a row of \(table) is listed and not there")
            }
            try body(key, stored)
        }
    }
}

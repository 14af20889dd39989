/// The rows as they are at one fixed height. The edge implements it; a thrown error halts the node and never
/// rejects a transaction.
package protocol StateReader {
    /// The row's stored bytes, or nil where there is none.
    func value(for key: RowKey) throws -> [UInt8]?

    /// Keys that begin with a prefix and are at or after `start`, in order, at most `limit`.
    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey]

    /// The rows of those keys, as they are stored.
    func rows(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [StateRow]
}

/// A row as it is stored.
package typealias StateRow = (key: RowKey, value: [UInt8])

extension StateReader {
    package func rows(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [StateRow] {
        try keys(withPrefix: prefix, from: start, limit: limit).map { key in
            guard let value = try value(for: key) else {
                throw LedgerFault("a row of \(key.table) is listed and not there")
            }
            return (key, value)
        }
    }

    /// Hands a table's rows to the body, in order of their keys.
    /// - Parameter start: rows before it are left out.
    func forEachRow(
        ofTable table: String, from start: [UInt8] = [], _ body: (RowKey, [UInt8]) throws -> Void
    ) throws {
        let pageCount = 1024
        let prefix = RowKey(table: table, key: []).bytes
        var start = start
        while true {
            let page = try rows(withPrefix: prefix, from: start, limit: pageCount)
            for row in page { try body(row.key, row.value) }
            guard page.count == pageCount, let last = page.last else { return }
            start = last.key.bytes + [0]
        }
    }
}

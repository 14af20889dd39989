import Codec
import Ledger
import Storage

/// The final state, read consistently: every answer of one view is at the same height.
package struct StateView: Sendable {
    package let source: any RowSource

    package init(_ source: any RowSource) { self.source = source }

    package var height: Height { source.height ?? 0 }

    /// The rows that are read at a time.
    package static let pageSize = 1024

    /// The record, or nil where there is none.
    package func get<R: Record>(_ type: R.Type, _ id: R.ID) throws(NodeError) -> R? {
        guard let stored = try row(R.rowKey(id)) else { return nil }
        return try StateView.decode(R.self, stored)
    }

    /// The record.
    /// - Throws: `<table>.unknown`.
    package func existing<R: Record>(_ type: R.Type, _ id: R.ID) throws(NodeError) -> R {
        guard let record = try get(type, id) else { throw StateView.unknown(type, id) }
        return record
    }

    /// The records, in the order of their ids.
    /// - Throws: `<table>.unknown`.
    package func allExisting<R: Record>(_ type: R.Type, _ ids: [R.ID]) throws(NodeError) -> [R] {
        var records: [R] = []
        for start in stride(from: 0, to: ids.count, by: StateView.pageSize) {
            let page = ids[start..<min(start + StateView.pageSize, ids.count)]
            let stored = try read { try source.values(forKeys: page.map { R.rowKey($0).bytes }) }
            for (id, value) in zip(page, stored) {
                guard let value else { throw StateView.unknown(type, id) }
                records.append(try StateView.decode(R.self, value))
            }
        }
        return records
    }

    private static func unknown<R: Record>(_ type: R.Type, _ id: R.ID) -> NodeError {
        let name =
            (id as? any CustomStringConvertible)?.description ?? String(decoding: id.keyBytes, as: UTF8.self)
        return NodeError("\(R.table).unknown", "there is no \(R.table) «\(name)»")
    }

    /// All records of a table in order of their keys.
    package func all<R: Record>(_ type: R.Type) throws(NodeError) -> [R] {
        try records(type, keysBeginWith: [])
    }

    /// Records whose keys begin with these bytes, in order of their keys.
    /// - Parameter start: leaves out the keys before it.
    package func records<R: Record>(
        _ type: R.Type, keysBeginWith prefix: [UInt8], from start: [UInt8]? = nil
    ) throws(NodeError) -> [R] {
        var records: [R] = []
        let start = RowKey(table: R.table, key: start ?? prefix).bytes
        try pages(withPrefix: RowKey(table: R.table, key: prefix).bytes, from: start) {
            page throws(NodeError) in
            for row in page { records.append(try StateView.decode(R.self, row.value)) }
        }
        return records
    }

    /// Records that an index lists under a value, in order of their keys.
    package func records<R: Record>(
        _ type: R.Type, where index: String, equals value: [UInt8]
    ) throws(NodeError) -> [R] {
        let prefix = R.indexKey(index, value).bytes
        var records: [R] = []
        try pages(withPrefix: prefix) { page throws(NodeError) in
            let keys = page.map { RowKey(table: R.table, key: Array($0.key.dropFirst(prefix.count))).bytes }
            let stored = try read { try source.values(forKeys: keys) }
            for case .some(let value) in stored { records.append(try StateView.decode(R.self, value)) }
        }
        return records
    }

    /// A row's stored bytes.
    package func row(_ key: Ledger.RowKey) throws(NodeError) -> [UInt8]? {
        try read { try source.value(forKey: key.bytes) }
    }

    private func pages(
        withPrefix prefix: [UInt8], from start: [UInt8]? = nil,
        _ body: ([Row]) throws(NodeError) -> Void
    ) throws(NodeError) {
        var start = start ?? prefix
        while true {
            let page = try read {
                try source.entries(from: start, prefix: prefix, limit: StateView.pageSize)
            }
            try body(page)
            guard page.count == StateView.pageSize, let last = page.last else { return }
            start = last.key + [0]
        }
    }

    private func read<T>(_ body: () throws -> T) throws(NodeError) -> T {
        do { return try body() } catch let error as NodeError { throw error } catch {
            throw NodeError("node.storage", "the state could not be read", cause: error)
        }
    }

    static func decode<R: Record>(_ type: R.Type, _ stored: [UInt8]) throws(NodeError) -> R {
        do { return try StoredRow.record(R.self, in: stored) } catch {
            throw NodeError("node.damaged", "a row of \(R.table) is damaged", cause: error)
        }
    }
}

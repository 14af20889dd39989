/// The rows as they are at one fixed height. The edge implements it; a thrown error halts the node and never
/// rejects a transaction.
package protocol StateReader {
    /// The row's stored bytes, or nil where there is none.
    func value(for key: RowKey) throws -> [UInt8]?

    /// Keys that begin with a prefix and are at or after `start`, in order, at most `limit`.
    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey]
}

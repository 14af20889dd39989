import Storage

/// Rows at one height, wherever they are: in this node's store, or with the node that holds it.
package protocol RowSource: Sendable {
    /// The block whose changes are the last ones seen; nil before the first.
    var height: UInt64? { get }
    /// The value of a key; nil where there is none.
    func value(forKey key: [UInt8]) throws -> [UInt8]?
    /// The values of several keys, in their order.
    func values(forKeys keys: [[UInt8]]) throws -> [[UInt8]?]
    /// Up to `limit` rows in rising order of keys, from a key on (itself included), with the prefix.
    func entries(from key: [UInt8]?, prefix: [UInt8], limit: Int) throws -> [Row]
}

extension RowSource {
    package func values(forKeys keys: [[UInt8]]) throws -> [[UInt8]?] {
        try keys.map { try value(forKey: $0) }
    }
}

extension LayeredReader: RowSource {
    package func value(forKey key: [UInt8]) throws -> [UInt8]? { try value(forKey: key, in: .rows) }

    package func entries(from key: [UInt8]?, prefix: [UInt8], limit: Int) throws -> [Row] {
        try entries(from: key, prefix: prefix, limit: limit, in: .rows)
    }
}

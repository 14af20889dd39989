import Codec
import HTTP
import Ledger
import Storage

/// The rows of a state that the node keeps at one height while it is read.
struct RemoteRows: RowSource {
    private let link: NodeLink
    private let token: String
    let height: UInt64?

    /// - Throws: `node.unreachable`.
    init(_ link: NodeLink) throws(NodeError) {
        let view: LocalView = try link.call(.post, ["views"])
        (self.link, token, height) = (link, view.token, view.height)
    }

    func value(forKey key: [UInt8]) throws -> [UInt8]? { try values(forKeys: [key])[0] }

    func values(forKeys keys: [[UInt8]]) throws -> [[UInt8]?] {
        guard !keys.isEmpty else { return [] }
        let body = try NodeLink.encode(LocalKeys(keys))
        let found: LocalRows = try link.call(.post, ["views", token, "values"], body: body)
        // Those that are there, in the order in which they were asked for.
        var rest = found.rows[...]
        let values = keys.map { key -> [UInt8]? in
            guard let row = rest.first, row.key == key else { return nil }
            rest.removeFirst()
            return row.value
        }
        guard rest.isEmpty else {
            throw NodeError("node.bad_answer", "the node's answer holds rows that nobody asked for")
        }
        return values
    }

    func entries(from key: [UInt8]?, prefix: [UInt8], limit: Int) throws -> [Row] {
        let query = [
            HTTPTarget.Item("from", Hex.encode(key ?? [])), HTTPTarget.Item("prefix", Hex.encode(prefix)),
            HTTPTarget.Item("limit", "\(limit)"),
        ]
        let page: LocalRows = try link.call(.get, ["views", token, "rows"], query: query)
        return page.rows
    }
}

import Ledger

/// Where blocks of long ago come from: the other nodes, each asked by itself. Nothing that they say is
/// trusted.
package protocol HistorySource: Sendable {
    /// Whom to ask, the likeliest first.
    var peers: [MemberID] { get }

    /// A peer's chain above a height: encoded block records, rising, with the certificates that it has; a
    /// few megabytes at most.
    /// - Throws: why there is no answer: `block.pruned` where the peer does not keep them any more.
    func blocks(above height: Height, from peer: MemberID) throws(NodeError) -> [[UInt8]]
}

/// How far a fetch of older blocks has come.
package struct HistoryProgress: Codable, Hashable, Sendable {
    /// Blocks that are fetched and checked, of so many below those that the node had.
    package let done: UInt64
    package let total: UInt64

    package init(done: UInt64, total: UInt64) { (self.done, self.total) = (done, total) }
}

/// What a fetch of older blocks came to.
package struct HistoryReport: Codable, Hashable, Sendable {
    /// Blocks that this call brought; those of an earlier one that was interrupted do not count.
    package let fetched: UInt64
    /// The lowest block that the log has now, and the highest.
    package let first: UInt64
    package let last: UInt64

    package init(fetched: UInt64, first: UInt64, last: UInt64) {
        (self.fetched, self.first, self.last) = (fetched, first, last)
    }
}

/// Why what a peer served is not the ledger's beginning. Nothing of it was kept.
struct HistoryRefusal: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

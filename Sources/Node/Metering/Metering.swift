import Billing
import Codec
import Contracts
import Merkle

/// What a machine's anchored telemetry came to, with the evidence that it can be read again from.
package struct Metering: Hashable, Sendable {
    package var usage: Usage
    /// The anchors that were read, by their numbers in the machine's chain; nil where there are none.
    package var anchors: ClosedRange<UInt64>?
    /// The anchors whose contests stand, by number: they counted as gaps.
    package var contested: [UInt64]
    /// Contests of what was read that do not stand yet.
    package var openContests: [ContestRecord]
    /// The tree of RFC 9162 over the roots of those anchors, in order: each leaf is a root's 32 bytes.
    package var root: Digest
    /// Entries that were read and verified.
    package var entries: UInt64
    /// Whether an entry at or after the end of the time asked for is there, so that later anchors change
    /// nothing.
    package var isComplete: Bool

    package init(
        usage: Usage, anchors: ClosedRange<UInt64>?, contested: [UInt64] = [],
        openContests: [ContestRecord] = [], root: Digest, entries: UInt64, isComplete: Bool
    ) {
        (self.usage, self.anchors, self.root) = (usage, anchors, root)
        (self.contested, self.openContests) = (contested, openContests)
        (self.entries, self.isComplete) = (entries, isComplete)
    }

    /// The evidence root over anchors' roots.
    package static func root(over roots: [Digest], hash: HashFunction) -> Digest {
        var log = LogFrontier()
        for root in roots { log.append(LogTree.leafHash(of: root.bytes, hash: hash), hash: hash) }
        return log.root(hash: hash)
    }
}

import Codec
import Merkle

/// A log by the recursive definitions of RFC 9162 §2.1, word for word, with the node file beside it.
struct ReferenceLog {
    private(set) var leaves: [Digest] = []
    private(set) var nodeFile: [Digest] = []
    private(set) var frontier = LogFrontier()
    /// Every frontier by size, from the empty one.
    private(set) var frontiers = [LogFrontier()]
    private var complete: [[Digest]] = []

    init(size: Int) {
        for index in 0..<size {
            let leaf = LogTree.leafHash(of: Array("entry \(index)".utf8), hash: sha256)
            leaves.append(leaf)
            frontier.append(leaf, hash: sha256) { nodeFile.append($0) }
            frontiers.append(frontier)
        }
        complete = [leaves]
        while let level = complete.last, level.count > 1 {
            complete.append((0..<level.count / 2).map { sha256.node(1, level[2 * $0], level[2 * $0 + 1]) })
        }
    }

    func node(_ position: UInt64) -> Digest { nodeFile[Int(position)] }

    func head(_ size: Int) -> LogHead { LogHead(size: UInt64(size), root: root(0..<size)) }

    /// MTH(D[range]), §2.1.1; complete aligned subtrees come from a table to save time.
    func root(_ range: Range<Int>) -> Digest {
        if range.isEmpty { return sha256([]) }
        let level = range.count.trailingZeroBitCount
        if range.count == 1 << level && range.lowerBound % range.count == 0 {
            return complete[level][range.lowerBound >> level]
        }
        let middle = range.lowerBound + ReferenceLog.split(range.count)
        return sha256.node(1, root(range.lowerBound..<middle), root(middle..<range.upperBound))
    }

    /// PATH(m, D[range]), §2.1.3.1.
    func path(_ m: Int, _ range: Range<Int>) -> [Digest] {
        if range.count == 1 { return [] }
        let k = ReferenceLog.split(range.count)
        let (left, right) = parts(range, k)
        return m < k ? path(m, left) + [root(right)] : path(m - k, right) + [root(left)]
    }

    /// SUBPROOF(m, D[range], b), §2.1.4.1.
    func subproof(_ m: Int, _ range: Range<Int>, _ isOld: Bool) -> [Digest] {
        if m == range.count { return isOld ? [] : [root(range)] }
        let k = ReferenceLog.split(range.count)
        let (left, right) = parts(range, k)
        return m <= k
            ? subproof(m, left, isOld) + [root(right)]
            : subproof(m - k, right, false) + [root(left)]
    }

    private func parts(_ range: Range<Int>, _ k: Int) -> (Range<Int>, Range<Int>) {
        let middle = range.lowerBound + k
        return (range.lowerBound..<middle, middle..<range.upperBound)
    }

    /// The largest power of two smaller than `count`.
    private static func split(_ count: Int) -> Int {
        var k = 1
        while k * 2 < count { k *= 2 }
        return k
    }
}

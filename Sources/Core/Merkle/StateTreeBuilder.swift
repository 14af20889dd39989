import Codec

/// Builds a state tree from pairs that come one by one in rising order of their keys, such as from a cursor:
/// O(n).
package struct StateTreeBuilder {
    private var tree: StateTree
    private var last = StateTree.Subtree.none
    /// The finished left subtrees of the rightmost path, from the root, each with the bit at which it ends.
    private var pending: [(left: StateTree.Subtree, bit: Int)] = []

    package init(hash: HashFunction) {
        tree = StateTree(hash: hash)
    }

    /// Adds a pair. The key must be greater than all before it.
    package mutating func add(key: Digest, value: Digest) {
        if let previous = tree.leaves.last?.key {
            precondition(previous < key, "pairs are sorted and unique by key")
            let bit = previous.commonPrefix(with: key)
            closeSubtrees(below: bit)
            pending.append((last, bit))
        }
        last = tree.makeLeaf(key: key, value: value)
    }

    /// The tree over all pairs added.
    package consuming func finish() -> StateTree {
        closeSubtrees(below: -1)
        tree.top = last
        return tree
    }

    private mutating func closeSubtrees(below bit: Int) {
        while let subtree = pending.last, subtree.bit > bit {
            pending.removeLast()
            last = tree.makeInterior(bit: subtree.bit, subtree.left, last)
        }
    }
}

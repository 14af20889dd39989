import Codec

extension StateTree {
    /// A new value for a key; nil removes the key.
    package typealias Change = (key: Digest, value: Digest?)

    /// Applies changes in rising order of their keys, each key once. Removing an absent key changes nothing.
    ///
    /// Every node on the way to a change is hashed once, however many changes are below it. Updating with
    /// the previous values of the same keys restores the previous root.
    package mutating func update(_ changes: [Change]) {
        for index in changes.indices.dropFirst() {
            precondition(changes[index - 1].key < changes[index].key, "changes are sorted and unique by key")
        }
        if changes.count <= StateTree.readAheadCount {
            readAhead(changes, 0..<changes.count, below: top.link)
        }
        top = apply(changes, 0..<changes.count, to: top, from: 0)
    }

    /// Changes whose nodes are read ahead together: a few hundred kilobytes, which the processor's own cache
    /// holds until they are updated.
    private static let readAheadCount = 128

    /// Reads the nodes that a part of an update will meet, level by level, and does nothing with them.
    ///
    /// The update goes down one path after the other, and in a large tree it waits for memory at each
    /// step. The nodes of one level do not depend on each other, so the processor fetches many of them at
    /// once.
    private func readAhead(_ changes: [Change], _ range: Range<Int>, below link: Link) {
        guard range.count > 8, link != .none, !link.isLeaf else { return }
        var level: [(index: Int, range: Range<Int>)] = [(link.index, range)]
        var next: [(index: Int, range: Range<Int>)] = []
        var sum: UInt64 = 0
        func visit(_ link: Link, _ part: Range<Int>) {
            if part.isEmpty { return }
            if link.isLeaf {
                sum &+= leaves[link.index].key.word &+ leaves[link.index].value.word
            } else {
                next.append((link.index, part))
            }
        }
        while !level.isEmpty {
            next.removeAll(keepingCapacity: true)
            for (index, range) in level {
                let (bit, left, right, glance) = interiors[index].outline
                sum &+= glance
                let middle = StateTree.firstWithBit(bit, in: changes, range)
                visit(left, range.lowerBound..<middle)
                visit(right, middle..<range.upperBound)
            }
            swap(&level, &next)
        }
        StateTree.keep(sum)
    }

    /// A place for a number that nobody needs, so that the compiler does not leave out what it is made of.
    @inline(never) @_optimize(none)
    private static func keep(_ number: UInt64) {}

    /// Applies a range of changes to a subtree and gives what takes its place.
    ///
    /// The keys of the range and of the subtree share all bits before `depth`.
    private mutating func apply(
        _ changes: [Change], _ range: Range<Int>, to subtree: Subtree, from depth: Int
    ) -> Subtree {
        if range.isEmpty { return subtree }
        let (first, last) = (changes[range.lowerBound], changes[range.upperBound - 1])
        if subtree.isEmpty {
            if range.count > 1 {
                let bit = first.key.commonPrefix(with: last.key)
                return part(changes, range, at: bit, from: subtree, onTheRight: false)
            }
            guard let value = first.value else { return .none }
            return makeLeaf(key: first.key, value: value)
        }
        // As the range is sorted, all its keys share with the subtree what its first and last key do.
        let link = subtree.link
        if link.isLeaf {
            let key = leaves[link.index].key
            let bit = min(key.commonPrefix(with: first.key), key.commonPrefix(with: last.key))
            if bit < 256 { return part(changes, range, at: bit, from: subtree, onTheRight: key.bit(bit)) }
            return setLeaf(link, to: first.value)
        }
        let split = Int(interiors[link.index].bit)
        if split > depth {
            let bit = min(
                commonPrefix(of: link.index, with: first.key), commonPrefix(of: link.index, with: last.key))
            if bit < split {
                let isRight = leaves[Int(interiors[link.index].sample)].key.bit(bit)
                return part(changes, range, at: bit, from: subtree, onTheRight: isRight)
            }
        }
        return descend(changes, range, into: link, split: split)
    }

    /// The first position at which a key differs from an interior node's sample.
    private func commonPrefix(of index: Int, with key: Digest) -> Int {
        let difference = interiors[index].sampleWord ^ key.word
        if difference != 0 { return difference.leadingZeroBitCount }
        return leaves[Int(interiors[index].sample)].key.commonPrefix(with: key)
    }

    /// Applies a range of changes that share with an interior node all bits before its split.
    private mutating func descend(
        _ changes: [Change], _ range: Range<Int>, into link: Link, split: Int
    ) -> Subtree {
        let index = link.index
        let middle = StateTree.firstWithBit(split, in: changes, range)
        let (lower, upper) = (range.lowerBound..<middle, middle..<range.upperBound)
        let isAhead = range.count <= StateTree.readAheadCount
        if !isAhead, lower.count <= StateTree.readAheadCount {
            readAhead(changes, lower, below: interiors[index].left.link)
        }
        let left = apply(changes, lower, to: interiors[index].left, from: split + 1)
        if !isAhead, upper.count <= StateTree.readAheadCount {
            readAhead(changes, upper, below: interiors[index].right.link)
        }
        let right = apply(changes, upper, to: interiors[index].right, from: split + 1)
        if left.isEmpty || right.isEmpty {
            freeInteriors.append(UInt32(index))
            return left.isEmpty ? right : left
        }
        if !lower.isEmpty {
            interiors[index].left = left
            (interiors[index].sample, interiors[index].sampleWord) = sample(of: left.link)
        }
        if !upper.isEmpty { interiors[index].right = right }
        return Subtree(
            link: link,
            hash: StateTree.interiorHash(bit: UInt8(split), left.hash, right.hash, hash: hash))
    }

    /// Applies a range of changes whose keys, together with the subtree's, first differ at `bit`.
    private mutating func part(
        _ changes: [Change], _ range: Range<Int>, at bit: Int, from subtree: Subtree, onTheRight: Bool
    ) -> Subtree {
        let middle = StateTree.firstWithBit(bit, in: changes, range)
        let (lower, upper) = (range.lowerBound..<middle, middle..<range.upperBound)
        let left = apply(changes, lower, to: onTheRight ? .none : subtree, from: bit + 1)
        let right = apply(changes, upper, to: onTheRight ? subtree : .none, from: bit + 1)
        // Either may be empty: removals of absent keys part the range but leave nothing.
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        return makeInterior(bit: bit, left, right)
    }

    /// The first change whose key has a 1 at `bit`; the keys of the range share all bits before it.
    private static func firstWithBit(_ bit: Int, in changes: [Change], _ range: Range<Int>) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if changes[middle].key.bit(bit) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension StateTree {
    private mutating func setLeaf(_ link: Link, to value: Digest?) -> Subtree {
        guard let value else {
            freeLeaves.append(UInt32(link.index))
            return .none
        }
        leaves[link.index].value = value
        let key = leaves[link.index].key
        return Subtree(link: link, hash: StateTree.leafHash(key: key, value: value, hash: hash))
    }

    mutating func makeLeaf(key: Digest, value: Digest) -> Subtree {
        let leaf = Leaf(key: key, value: value)
        let link: Link
        if let index = freeLeaves.popLast() {
            leaves[Int(index)] = leaf
            link = .leaf(Int(index))
        } else {
            precondition(leaves.count < Link.limit, "a state tree has fewer than 2^31 pairs")
            leaves.append(leaf)
            link = .leaf(leaves.count - 1)
        }
        return Subtree(link: link, hash: StateTree.leafHash(key: key, value: value, hash: hash))
    }

    mutating func makeInterior(bit: Int, _ left: Subtree, _ right: Subtree) -> Subtree {
        let (sample, word) = sample(of: left.link)
        let node = Interior(bit: UInt8(bit), left: left, right: right, sample: sample, sampleWord: word)
        let link: Link
        if let index = freeInteriors.popLast() {
            interiors[Int(index)] = node
            link = .interior(Int(index))
        } else {
            interiors.append(node)
            link = .interior(interiors.count - 1)
        }
        return Subtree(
            link: link, hash: StateTree.interiorHash(bit: UInt8(bit), left.hash, right.hash, hash: hash))
    }

    /// The leftmost leaf of a subtree, and the first 64 bits of its key.
    private func sample(of link: Link) -> (index: UInt32, word: UInt64) {
        link.isLeaf
            ? (UInt32(link.index), leaves[link.index].key.word)
            : (interiors[link.index].sample, interiors[link.index].sampleWord)
    }
}

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
        readAhead(changes)
        top = apply(changes, 0..<changes.count, to: top, from: 0)
    }

    /// Reads the nodes that an update will meet, level by level, and does nothing with them.
    ///
    /// The update goes down one path after the other, and in a large tree it waits for memory at each
    /// step. The nodes of one level do not depend on each other, so the processor fetches many of them at
    /// once.
    private func readAhead(_ changes: [Change]) {
        guard changes.count > 8, top != .none, !top.isLeaf else { return }
        var level: [(index: Int, range: Range<Int>)] = [(top.index, 0..<changes.count)]
        var next: [(index: Int, range: Range<Int>)] = []
        var sum: UInt64 = 0
        while !level.isEmpty {
            next.removeAll(keepingCapacity: true)
            for (index, range) in level {
                let (left, right) = (interiors[index].left, interiors[index].right)
                let middle = StateTree.firstWithBit(Int(interiors[index].bit), in: changes, range)
                for (link, part) in [(left, range.lowerBound..<middle), (right, middle..<range.upperBound)] {
                    // A sibling's hash is read too.
                    if link.isLeaf {
                        sum &+= leaves[link.index].hash.word &+ leaves[link.index].key.word
                    } else if part.isEmpty {
                        sum &+= interiors[link.index].hash.word
                    } else {
                        next.append((link.index, part))
                    }
                }
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
        _ changes: [Change], _ range: Range<Int>, to link: Link, from depth: Int
    ) -> Link {
        if range.isEmpty { return link }
        let (first, last) = (changes[range.lowerBound], changes[range.upperBound - 1])
        if link == .none {
            if range.count > 1 {
                let bit = first.key.commonPrefix(with: last.key)
                return part(changes, range, at: bit, from: link, onTheRight: false)
            }
            guard let value = first.value else { return .none }
            return makeLeaf(key: first.key, value: value)
        }
        // As the range is sorted, all its keys share with the subtree what its first and last key do.
        if link.isLeaf {
            let key = leaves[link.index].key
            let bit = min(key.commonPrefix(with: first.key), key.commonPrefix(with: last.key))
            if bit < 256 { return part(changes, range, at: bit, from: link, onTheRight: key.bit(bit)) }
            return setLeaf(link, to: first.value)
        }
        let split = Int(interiors[link.index].bit)
        if split > depth {
            let key = leaves[Int(interiors[link.index].sample)].key
            let bit = min(key.commonPrefix(with: first.key), key.commonPrefix(with: last.key))
            if bit < split { return part(changes, range, at: bit, from: link, onTheRight: key.bit(bit)) }
        }
        return descend(changes, range, into: link, split: split)
    }

    /// Applies a range of changes that share with an interior node all bits before its split.
    private mutating func descend(
        _ changes: [Change], _ range: Range<Int>, into link: Link, split: Int
    ) -> Link {
        let index = link.index
        let middle = StateTree.firstWithBit(split, in: changes, range)
        let (lower, upper) = (range.lowerBound..<middle, middle..<range.upperBound)
        let left = apply(changes, lower, to: interiors[index].left, from: split + 1)
        let right = apply(changes, upper, to: interiors[index].right, from: split + 1)
        if left == .none || right == .none {
            freeInteriors.append(UInt32(index))
            return left == .none ? right : left
        }
        interiors[index] = interior(bit: split, left, right)
        return link
    }

    /// Applies a range of changes whose keys, together with the subtree's, first differ at `bit`.
    private mutating func part(
        _ changes: [Change], _ range: Range<Int>, at bit: Int, from link: Link, onTheRight: Bool
    ) -> Link {
        let middle = StateTree.firstWithBit(bit, in: changes, range)
        let (lower, upper) = (range.lowerBound..<middle, middle..<range.upperBound)
        let left = apply(changes, lower, to: onTheRight ? .none : link, from: bit + 1)
        let right = apply(changes, upper, to: onTheRight ? link : .none, from: bit + 1)
        // Either may be empty: removals of absent keys part the range but leave nothing.
        if left == .none { return right }
        if right == .none { return left }
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
    private mutating func setLeaf(_ link: Link, to value: Digest?) -> Link {
        guard let value else {
            freeLeaves.append(UInt32(link.index))
            return .none
        }
        let key = leaves[link.index].key
        let leafHash = StateTree.leafHash(key: key, value: value, hash: hash)
        leaves[link.index] = Leaf(key: key, value: value, hash: leafHash)
        return link
    }

    mutating func makeLeaf(key: Digest, value: Digest) -> Link {
        let leafHash = StateTree.leafHash(key: key, value: value, hash: hash)
        let leaf = Leaf(key: key, value: value, hash: leafHash)
        if let index = freeLeaves.popLast() {
            leaves[Int(index)] = leaf
            return .leaf(Int(index))
        }
        precondition(leaves.count < Link.limit, "a state tree has fewer than 2^31 pairs")
        leaves.growByAQuarterWhenFull()
        leaves.append(leaf)
        return .leaf(leaves.count - 1)
    }

    mutating func makeInterior(bit: Int, _ left: Link, _ right: Link) -> Link {
        let node = interior(bit: bit, left, right)
        if let index = freeInteriors.popLast() {
            interiors[Int(index)] = node
            return .interior(Int(index))
        }
        interiors.growByAQuarterWhenFull()
        interiors.append(node)
        return .interior(interiors.count - 1)
    }

    private func interior(bit: Int, _ left: Link, _ right: Link) -> Interior {
        let bit = UInt8(bit)
        let nodeHash = StateTree.interiorHash(bit: bit, hash(of: left), hash(of: right), hash: hash)
        let sample = left.isLeaf ? UInt32(left.index) : interiors[left.index].sample
        return Interior(hash: nodeHash, left: left, right: right, sample: sample, bit: bit)
    }
}

extension Array {
    /// Growth by a quarter, where `append` alone would double: the tree is the largest thing in a node's
    /// memory.
    fileprivate mutating func growByAQuarterWhenFull() {
        if count == capacity { reserveCapacity(count + count / 4 + 64) }
    }
}

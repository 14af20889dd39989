import Codec
import Merkle
import Testing

@Suite struct StateTreeTests {
    private static func sorted(_ pairs: [Digest: Digest]) -> [(key: Digest, value: Digest)] {
        pairs.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    /// A batch of inserts, updates, removals and removals of absent keys, sorted by key.
    private static func batch(
        of count: Int, over pairs: [Digest: Digest], _ generator: inout SeededGenerator
    ) -> [StateTree.Change] {
        let present = pairs.keys.sorted()
        var changes: [Digest: Digest?] = [:]
        for _ in 0..<count {
            let known = present.randomElement(using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4: changes[generator.key(near: known)] = .some(generator.digest())
            case 4..<6: changes[known ?? generator.digest()] = .some(generator.digest())
            case 6..<9: changes[known ?? generator.digest()] = .some(nil)
            default: changes[generator.key(near: known)] = .some(nil)
            }
        }
        return changes.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    @Test func noPairsHaveTheZeroRoot() {
        var tree = StateTree(hash: sha256)
        #expect(tree.root == .zero)
        tree.update([])
        tree.update([(.zero, nil)])
        #expect(tree.root == .zero && tree.count == 0 && tree.value(for: .zero) == nil)
    }

    @Test func hashesAreTheDocumentedOnes() {
        var generator = SeededGenerator(seed: 1)
        let (a, b) = (generator.digest(), generator.digest())
        let high = Digest.zero.flipped(255)
        var tree = StateTree(hash: sha256)
        tree.update([(.zero, a)])
        let left = sha256([0x02] + Digest.zero.bytes + a.bytes)
        #expect(tree.root == left)
        tree.update([(high, b)])
        let right = sha256([0x02] + high.bytes + b.bytes)
        #expect(tree.root == sha256([0x03, 255] + left.bytes + right.bytes))
        #expect(tree.count == 2 && tree.value(for: high) == b)
    }

    @Test(arguments: 1...12) func everyBatchGivesTheRootOfARebuildAndUndoesToThePreviousOne(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var tree = StateTree(hash: sha256)
        var pairs: [Digest: Digest] = [:]
        for round in 0..<25 {
            let size = Int.random(in: 1...(round % 5 == 0 ? 40 : 6), using: &generator)
            let changes = StateTreeTests.batch(of: size, over: pairs, &generator)
            let previous = changes.map { (key: $0.key, value: tree.value(for: $0.key)) }
            let (root, count) = (tree.root, tree.count)
            tree.update(changes)

            var undone = tree
            undone.update(previous)
            #expect(undone.root == root && undone.count == count)

            for change in changes { pairs[change.key] = change.value }
            #expect(tree.root == ReferenceStateTree.root(pairs))
            #expect(tree.root == StateTree(building: StateTreeTests.sorted(pairs), hash: sha256).root)
            #expect(tree.count == pairs.count)
            for change in changes { #expect(tree.value(for: change.key) == change.value) }
        }
    }

    @Test func aBatchLargerThanWhatIsReadAheadAtOnceGivesTheRootOfARebuild() {
        var generator = SeededGenerator(seed: 8)
        var tree = StateTree(hash: sha256)
        var pairs: [Digest: Digest] = [:]
        for _ in 0..<4 {
            let kept = pairs.keys.sorted().enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
            var changes = kept.enumerated().map { index, key in
                (key: key, value: index % 2 == 0 ? generator.digest() : nil)
            }
            for _ in 0..<700 { changes.append((generator.digest(), generator.digest())) }
            changes.sort { $0.key < $1.key }
            tree.update(changes)
            for change in changes { pairs[change.key] = change.value }
            #expect(tree.root == StateTree(building: StateTreeTests.sorted(pairs), hash: sha256).root)
        }
    }

    @Test func orderAndGroupingDoNotMatter() {
        var generator = SeededGenerator(seed: 99)
        var pairs: [Digest: Digest] = [:]
        for _ in 0..<120 { pairs[generator.key(near: pairs.keys.min())] = generator.digest() }
        let root = ReferenceStateTree.root(pairs)
        for _ in 0..<4 {
            var tree = StateTree(hash: sha256)
            var waiting = pairs.sorted { $0.key < $1.key }
            waiting.shuffle(using: &generator)
            while !waiting.isEmpty {
                let taken = waiting.suffix(Int.random(in: 1...10, using: &generator))
                waiting.removeLast(taken.count)
                let stray = generator.digest()
                tree.update([(stray, stray)])
                tree.update(taken.map { ($0.key, $0.value) }.sorted { $0.key < $1.key })
                tree.update([(stray, nil)])
            }
            #expect(tree.root == root)
        }
    }

    @Test func removingEverythingLeavesNothing() {
        var generator = SeededGenerator(seed: 5)
        let keys = (0..<64).map { _ in generator.digest() }.sorted()
        var tree = StateTree(building: keys.map { (key: $0, value: $0) }, hash: sha256)
        tree.update(keys.map { ($0, nil) })
        #expect(tree.root == .zero && tree.count == 0)
        tree.update(keys.map { ($0, $0) })
        #expect(tree.root == StateTree(building: keys.map { (key: $0, value: $0) }, hash: sha256).root)
    }

    @Test func keysThatShareAllButOneBitMakeTheDeepestTree() throws {
        let keys = ([Digest.zero] + (0..<256).map { Digest.zero.flipped($0) }).sorted()
        let tree = StateTree(building: keys.map { (key: $0, value: $0) }, hash: sha256)
        var pairs: [Digest: Digest] = [:]
        for key in keys { pairs[key] = key }
        #expect(tree.root == ReferenceStateTree.root(pairs))
        let proof = tree.proof(for: .zero)
        #expect(proof.path.count == 256)
        try proof.verify(key: .zero, value: .zero, root: tree.root, hash: sha256)
        #expect(try StateProof(decoding: proof.encoded) == proof)
    }

    @Test func aCopyKeepsItsOwnState() {
        var tree = StateTree(hash: sha256)
        tree.update([(.zero, .zero)])
        let copy = tree
        let root = tree.root
        tree.update([(.zero, nil)])
        #expect(copy.root == root && copy.value(for: .zero) == .zero && tree.root == .zero)
    }

    @Test func unchangedSubtreesAreNotHashedAgain() {
        final class Counter: @unchecked Sendable { var count = 0 }  // used by one thread
        let counter = Counter()
        let counting = HashFunction { buffer in
            counter.count += 1
            return sha256(buffer)
        }
        var generator = SeededGenerator(seed: 3)
        let keys = (0..<256).map { _ in generator.digest() }.sorted()
        var tree = StateTree(building: keys.map { (key: $0, value: $0) }, hash: counting)
        #expect(counter.count == 2 * 256 - 1)
        counter.count = 0
        tree.update(keys.map { ($0, .zero) })
        #expect(counter.count == 2 * 256 - 1)
        counter.count = 0
        tree.update([(keys[17], keys[17])])
        #expect(counter.count == tree.proof(for: keys[17]).path.count + 1)
    }
}

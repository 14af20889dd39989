import Codec
import Merkle
import Testing

private let largest = 130
private let reference = ReferenceLog(size: largest)

@Suite struct LogTreeTests {
    @Test func emptyLogHasTheDigestOfNothing() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(LogFrontier().root(hash: sha256).description == empty)
        #expect(LogTree.emptyRoot(hash: sha256).description == empty)
    }

    @Test func everyRootIsTheOneOfTheRecursiveDefinition() {
        for size in 0...largest {
            #expect(reference.frontiers[size].head(hash: sha256) == reference.head(size), "size \(size)")
        }
    }

    @Test func appendingAtOnceIsAppendingOneByOne() {
        var frontier = reference.frontiers[37]
        frontier.append(contentsOf: reference.leaves[37..<101], hash: sha256)
        #expect(frontier == reference.frontiers[101])
    }

    @Test func nodeFileHoldsEveryCompleteSubtreeWhereItsPositionSays() {
        for size in 0...largest {
            var log = LogFrontier()
            var count: UInt64 = 0
            if size > 0 { log = reference.frontiers[size - 1] }
            if size > 0 { log.append(reference.leaves[size - 1], hash: sha256) { _ in count += 1 } }
            let before = size > 0 ? LogTree.nodeCount(size: UInt64(size - 1)) : 0
            #expect(LogTree.nodeCount(size: UInt64(size)) == before + count)
            #expect(LogTree.size(nodeCount: before + count) == UInt64(size))
        }
        #expect(LogTree.nodeCount(size: UInt64(largest)) == UInt64(reference.nodeFile.count))
        for level in 0..<8 {
            for index in 0..<largest >> level {
                let position = LogTree.nodePosition(level: level, index: UInt64(index))
                let range = index << level..<(index + 1) << level
                #expect(reference.node(position) == reference.root(range), "level \(level) index \(index)")
            }
        }
    }

    @Test func positionsReachTheLargestLog() {
        #expect(LogTree.nodePosition(level: 62, index: 0) == UInt64(1) << 63 - 2)
        let count = LogTree.nodeCount(size: LogTree.maximumSize)
        #expect(count == UInt64(1) << 63 - 1)
        #expect(LogTree.size(nodeCount: count) == LogTree.maximumSize)
        #expect(LogTree.size(nodeCount: count - 63) == LogTree.maximumSize - 1)
    }
}

@Suite struct LogProofTests {
    @Test func everyInclusionProofIsTheOneOfTheRecursiveDefinition() throws {
        for size in 1...largest {
            let head = reference.head(size)
            for index in 0..<size {
                var reads = 0
                let proof = LogProof.inclusion(index: UInt64(index), size: UInt64(size), hash: sha256) {
                    reads += 1
                    return reference.node($0)
                }
                guard let proof else {
                    Issue.record("no proof of \(index) in \(size)")
                    continue
                }
                #expect(proof.path == reference.path(index, 0..<size))
                #expect(reads <= 2 * 8)
                try proof.verify(leafHash: reference.leaves[index], in: head, hash: sha256)
            }
        }
    }

    @Test func everyConsistencyProofIsTheOneOfTheRecursiveDefinition() throws {
        for to in 1...largest {
            let newer = reference.head(to)
            for from in 1...to {
                let proof = LogProof.consistency(
                    from: UInt64(from), to: UInt64(to), hash: sha256, node: reference.node)
                guard let proof else {
                    Issue.record("no proof from \(from) to \(to)")
                    continue
                }
                #expect(proof.path == reference.subproof(from, 0..<to, true))
                try proof.verify(from: reference.head(from), to: newer, hash: sha256)
            }
        }
    }

    @Test func asksNothingOfALogThatCannotBe() {
        func unread(_ position: UInt64) -> Digest {
            Issue.record("record \(position) was read")
            return .zero
        }
        for (index, size) in [(0, 0), (5, 5), (6, 5), (UInt64.max, 5), (3, UInt64.max), (1 << 62, 1 << 62)] {
            #expect(LogProof.inclusion(index: index, size: size, hash: sha256, node: unread) == nil)
        }
        for (from, to) in [(0, 0), (0, 5), (6, 5), (UInt64.max, UInt64.max), (1, UInt64.max)] {
            #expect(LogProof.consistency(from: from, to: to, hash: sha256, node: unread) == nil)
        }
    }

    @Test func readErrorsReachTheCaller() {
        struct Unreadable: Error, Equatable { let position: UInt64 }
        #expect(throws: Unreadable(position: 1)) {
            try LogProof.inclusion(index: 0, size: 4, hash: sha256) { position throws(Unreadable) in
                throw Unreadable(position: position)
            }
        }
        #expect(throws: Unreadable(position: 3)) {
            try LogProof.consistency(from: 3, to: 7, hash: sha256) { position throws(Unreadable) in
                throw Unreadable(position: position)
            }
        }
    }
}

import Codec
import Merkle
import Testing

private let reference = ReferenceLog(size: 40)

/// Paths with one change of structure: a hash dropped, doubled, added or moved.
private func structuralMutations(_ path: [Digest], strange: [Digest]) -> [[Digest]] {
    var mutations: [[Digest]] = []
    for index in path.indices {
        var dropped = path
        dropped.remove(at: index)
        mutations.append(dropped)
        var swapped = path
        swapped.swapAt(index, (index + 1) % path.count)
        if swapped != path { mutations.append(swapped) }
    }
    for index in 0...path.count {
        for digest in strange + path {
            var added = path
            added.insert(digest, at: index)
            mutations.append(added)
        }
    }
    mutations.append(path.reversed() == path ? [] : path.reversed())
    return mutations.filter { $0 != path }
}

@Suite struct InclusionMutationTests {
    private static let cases = [
        (0, 1), (0, 2), (1, 2), (4, 5), (0, 8), (5, 11), (10, 11), (20, 33), (32, 33),
    ]

    private static func proof(_ index: Int, _ size: Int) throws -> InclusionProof {
        try #require(
            LogProof.inclusion(
                index: UInt64(index), size: UInt64(size), hash: sha256, node: reference.node))
    }

    @Test(arguments: cases) func refusesEveryFlippedBit(index: Int, size: Int) throws {
        let proof = try InclusionMutationTests.proof(index, size)
        let (leaf, head) = (reference.leaves[index], reference.head(size))
        for node in proof.path.indices {
            for bit in 0..<256 {
                var wrong = proof
                wrong.path[node] = proof.path[node].flipped(bit)
                let error = refusal { () throws(ProofError) in
                    try wrong.verify(leafHash: leaf, in: head, hash: sha256)
                }
                #expect(error == .rootMismatch)
            }
        }
        for bit in 0..<256 {
            let wrongLeaf = refusal { () throws(ProofError) in
                try proof.verify(leafHash: leaf.flipped(bit), in: head, hash: sha256)
            }
            #expect(wrongLeaf == .rootMismatch)
            let wrongHead = LogHead(size: head.size, root: head.root.flipped(bit))
            let wrongRoot = refusal { () throws(ProofError) in
                try proof.verify(leafHash: leaf, in: wrongHead, hash: sha256)
            }
            #expect(wrongRoot == .rootMismatch)
        }
    }

    @Test(arguments: cases) func refusesEveryChangeOfStructure(index: Int, size: Int) throws {
        let proof = try InclusionMutationTests.proof(index, size)
        let (leaf, head) = (reference.leaves[index], reference.head(size))
        for path in structuralMutations(proof.path, strange: [.zero, leaf, head.root]) {
            var wrong = proof
            wrong.path = path
            let error = refusal { () throws(ProofError) in
                try wrong.verify(leafHash: leaf, in: head, hash: sha256)
            }
            #expect(error == (path.count == proof.path.count ? .rootMismatch : .pathLength))
        }
    }

    @Test(arguments: cases) func refusesEveryOtherIndexEvenWithoutTheSignedSize(index: Int, size: Int) throws
    {
        let proof = try InclusionMutationTests.proof(index, size)
        let (leaf, head) = (reference.leaves[index], reference.head(size))
        for other in (0...UInt64(size + 2)) where other != proof.index {
            var wrong = proof
            wrong.index = other
            let error = refusal { () throws(ProofError) in
                try wrong.verify(leafHash: leaf, root: head.root, hash: sha256)
            }
            #expect(error != nil, "index \(other)")
        }
        var wrong = proof
        wrong.index = .max
        let error = refusal { () throws(ProofError) in
            try wrong.verify(leafHash: leaf, root: head.root, hash: sha256)
        }
        #expect(error == .indexOutOfRange)
    }

    @Test(arguments: cases) func refusesEveryOtherSize(index: Int, size: Int) throws {
        let proof = try InclusionMutationTests.proof(index, size)
        let (leaf, head) = (reference.leaves[index], reference.head(size))
        for other in [0, proof.size - 1, proof.size + 1, proof.size * 2, .max] {
            var wrong = proof
            wrong.size = other
            let error = refusal { () throws(ProofError) in
                try wrong.verify(leafHash: leaf, in: head, hash: sha256)
            }
            #expect(error == .sizeMismatch)
        }
    }

    @Test func aRootAloneDoesNotBindTheSize() throws {
        var proof = try InclusionMutationTests.proof(0, 5)
        proof.size = 7
        try proof.verify(leafHash: reference.leaves[0], root: reference.head(5).root, hash: sha256)
    }
}

@Suite struct ConsistencyMutationTests {
    private static let cases = [
        (1, 1), (1, 2), (2, 3), (3, 4), (4, 8), (6, 8), (7, 13), (8, 13), (20, 33), (32, 33),
    ]

    private static func proof(_ from: Int, _ to: Int) throws -> ConsistencyProof {
        try #require(
            LogProof.consistency(from: UInt64(from), to: UInt64(to), hash: sha256, node: reference.node))
    }

    @Test(arguments: cases) func refusesEveryFlippedBit(from: Int, to: Int) throws {
        let proof = try ConsistencyMutationTests.proof(from, to)
        let (older, newer) = (reference.head(from), reference.head(to))
        for node in proof.path.indices {
            for bit in 0..<256 {
                var wrong = proof
                wrong.path[node] = proof.path[node].flipped(bit)
                let error = refusal { () throws(ProofError) in
                    try wrong.verify(from: older, to: newer, hash: sha256)
                }
                #expect(error == .rootMismatch)
            }
        }
        for bit in 0..<256 {
            let old = refusal { () throws(ProofError) in
                try proof.verify(oldRoot: older.root.flipped(bit), newRoot: newer.root, hash: sha256)
            }
            let new = refusal { () throws(ProofError) in
                try proof.verify(oldRoot: older.root, newRoot: newer.root.flipped(bit), hash: sha256)
            }
            #expect(old == .rootMismatch && new == .rootMismatch)
        }
    }

    @Test(arguments: cases) func refusesEveryChangeOfStructure(from: Int, to: Int) throws {
        let proof = try ConsistencyMutationTests.proof(from, to)
        let (older, newer) = (reference.head(from), reference.head(to))
        for path in structuralMutations(proof.path, strange: [.zero, older.root, newer.root]) {
            var wrong = proof
            wrong.path = path
            let error = refusal { () throws(ProofError) in
                try wrong.verify(from: older, to: newer, hash: sha256)
            }
            #expect(error == (path.count == proof.path.count ? .rootMismatch : .pathLength))
        }
    }

    @Test(arguments: cases) func refusesEveryOtherSize(from: Int, to: Int) throws {
        let proof = try ConsistencyMutationTests.proof(from, to)
        let (older, newer) = (reference.head(from), reference.head(to))
        for (otherFrom, otherTo) in [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)] {
            var wrong = proof
            wrong.from = UInt64(from + otherFrom)
            wrong.to = UInt64(to + otherTo)
            let error = refusal { () throws(ProofError) in
                try wrong.verify(from: older, to: newer, hash: sha256)
            }
            #expect(error == .sizeMismatch)
        }
        let swapped = refusal { () throws(ProofError) in
            let wrong = ConsistencyProof(from: proof.to, to: proof.from, path: proof.path)
            try wrong.verify(from: newer, to: older, hash: sha256)
        }
        #expect(swapped == (from == to ? nil : .sizeOutOfRange))
    }

    @Test func refusesToProveAnythingFromNothing() {
        let proof = ConsistencyProof(from: 0, to: 5, path: [])
        let error = refusal { () throws(ProofError) in
            try proof.verify(from: reference.head(0), to: reference.head(5), hash: sha256)
        }
        #expect(error == .sizeOutOfRange)
    }

    @Test func refusesARewrittenLog() throws {
        var rewritten = LogFrontier()
        rewritten.append(
            contentsOf: reference.leaves[0..<5] + [.zero] + reference.leaves[6..<11], hash: sha256)
        let proof = try ConsistencyMutationTests.proof(7, 11)
        let error = refusal { () throws(ProofError) in
            try proof.verify(from: reference.head(7), to: rewritten.head(hash: sha256), hash: sha256)
        }
        #expect(error == .rootMismatch)
    }

    @Test func sizesAtTheEndOfTheRangeAreNoTrap() {
        for (from, to) in [(UInt64.max, UInt64.max), (1, .max), (1 << 63, .max), (.max - 1, .max)] {
            let proof = ConsistencyProof(from: from, to: to, path: [.zero, .zero])
            let error = refusal { () throws(ProofError) in
                try proof.verify(oldRoot: .zero, newRoot: .zero, hash: sha256)
            }
            #expect(error != nil)
        }
    }
}

import Codec
import Merkle
import Testing

@Suite struct StateProofTests {
    private let keys: [Digest]
    private let tree: StateTree
    private var generator = SeededGenerator(seed: 7)

    init() {
        var all: [Digest] = []
        for _ in 0..<40 { all.append(generator.key(near: all.last)) }
        keys = all.sorted()
        tree = StateTree(building: keys.map { (key: $0, value: sha256($0.bytes)) }, hash: sha256)
    }

    private func refusal(_ proof: StateProof, _ key: Digest, _ value: Digest?) -> ProofError? {
        MerkleTests.refusal { () throws(ProofError) in
            try proof.verify(key: key, value: value, root: tree.root, hash: sha256)
        }
    }

    /// Keys that are not in the tree: random ones, and present ones with a single bit turned over.
    private func absentKeys() -> [Digest] {
        var generator = generator
        let near = keys.map { $0.flipped(Int.random(in: 0..<256, using: &generator)) }
        return (near + (0..<40).map { _ in generator.digest() }).filter { tree.value(for: $0) == nil }
    }

    @Test func everyPresentKeyIsProvenWithItsValue() throws {
        for key in keys {
            let proof = tree.proof(for: key)
            #expect(try proof.value(of: key, root: tree.root, hash: sha256) == sha256(key.bytes))
            #expect(refusal(proof, key, sha256(key.bytes)) == nil)
        }
    }

    @Test func everyAbsentKeyIsProvenAbsent() throws {
        let absent = absentKeys()
        #expect(absent.count > 70)
        for key in absent {
            let proof = tree.proof(for: key)
            #expect(try proof.value(of: key, root: tree.root, hash: sha256) == nil)
            #expect(refusal(proof, key, nil) == nil)
        }
    }

    @Test func everyKeyIsAbsentFromNoPairs() throws {
        let empty = StateTree(hash: sha256)
        let proof = empty.proof(for: keys[0])
        try proof.verify(key: keys[0], value: nil, root: empty.root, hash: sha256)
        #expect(refusal(proof, keys[0], nil) == .rootMismatch)
        #expect(refusal(proof, absentKeys()[0], nil) == .rootMismatch)
    }

    @Test func refusesAnotherValueOrTheOppositeClaim() {
        for key in keys {
            let proof = tree.proof(for: key)
            #expect(refusal(proof, key, nil) == .valueMismatch)
            #expect(refusal(proof, key, key) == .valueMismatch)
            var forged = proof
            forged.leaf?.value = key
            #expect(refusal(forged, key, key) == .rootMismatch)
        }
        for key in absentKeys() {
            #expect(refusal(tree.proof(for: key), key, key) == .valueMismatch)
            var forged = tree.proof(for: key)
            forged.leaf?.key = key
            #expect(refusal(forged, key, forged.leaf?.value) == .rootMismatch)
        }
    }

    @Test func noOtherKeysPathProvesAPresentKeyAbsent() {
        for key in keys {
            for other in keys + absentKeys() where other != key {
                let proof = tree.proof(for: other)
                if proof.leaf?.key == key { continue }
                #expect(refusal(proof, key, nil) == .wrongLeaf)
            }
        }
    }

    @Test func noShorterPathPassesASubtreeOffAsALeaf() {
        for key in keys {
            let proof = tree.proof(for: key)
            for count in proof.path.indices {
                let forged = StateProof(path: Array(proof.path[..<count]), leaf: proof.leaf)
                #expect(refusal(forged, key, sha256(key.bytes)) == .rootMismatch)
                let headless = StateProof(path: Array(proof.path[..<count]), leaf: nil)
                #expect(refusal(headless, key, nil) == (count == 0 ? .rootMismatch : .pathLength))
            }
        }
    }

    /// A prover shows another split bit, at which the asked key turns towards another leaf.
    @Test func noOtherSplitBitLeadsAroundAPresentKey() {
        let key = keys[3]
        let proof = tree.proof(for: key)
        for step in proof.path.indices {
            for bit in UInt8.min...UInt8.max where bit != proof.path[step].bit {
                var forged = proof
                forged.path[step].bit = bit
                #expect(refusal(forged, key, sha256(key.bytes)) != nil)
                for other in keys where other != key {
                    var around = tree.proof(for: other)
                    guard step < around.path.count else { continue }
                    around.path[step].bit = bit
                    #expect(refusal(around, key, nil) != nil)
                }
            }
        }
    }

    @Test func refusesEveryFlippedBit() {
        for (key, value) in [(keys[0], Optional(sha256(keys[0].bytes))), (absentKeys()[60], nil)] {
            let proof = tree.proof(for: key)
            for bit in 0..<256 {
                for step in proof.path.indices {
                    var wrong = proof
                    wrong.path[step].sibling = wrong.path[step].sibling.flipped(bit)
                    #expect(refusal(wrong, key, value) == .rootMismatch)
                    guard bit < 8 else { continue }
                    wrong = proof
                    wrong.path[step].bit ^= 1 << UInt8(bit)
                    #expect(refusal(wrong, key, value) != nil)
                }
                var wrong = proof
                wrong.leaf?.value = proof.leaf?.value.flipped(bit) ?? .zero
                #expect(refusal(wrong, key, value) == .rootMismatch)
                wrong = proof
                wrong.leaf?.key = proof.leaf?.key.flipped(bit) ?? .zero
                #expect(refusal(wrong, key, value) != nil)
                let error = MerkleTests.refusal { () throws(ProofError) in
                    try proof.verify(key: key, value: value, root: tree.root.flipped(bit), hash: sha256)
                }
                #expect(error == .rootMismatch)
            }
        }
    }

    @Test func refusesEveryChangeOfStructure() {
        for (key, value) in [(keys[0], Optional(sha256(keys[0].bytes))), (absentKeys()[60], nil)] {
            let proof = tree.proof(for: key)
            for index in proof.path.indices {
                var wrong = proof
                let step = wrong.path.remove(at: index)
                #expect(refusal(wrong, key, value) == .rootMismatch)
                wrong = proof
                wrong.path.insert(step, at: index)
                #expect(refusal(wrong, key, value) == .pathOrder)
                wrong = proof
                wrong.path.swapAt(index, (index + 1) % proof.path.count)
                #expect(refusal(wrong, key, value) == .pathOrder)
            }
            var wrong = proof
            wrong.leaf = nil
            #expect(refusal(wrong, key, value) == .pathLength)
            for bit in UInt8.min...UInt8.max {
                var wrong = proof
                let index = wrong.path.firstIndex { $0.bit > bit } ?? wrong.path.count
                wrong.path.insert(StateProof.Step(bit: bit, sibling: .zero), at: index)
                #expect(refusal(wrong, key, value) != nil)
            }
        }
    }
}

import Codec
import Merkle
import Testing

@Suite struct ProofEncodingTests {
    private let reference = ReferenceLog(size: 21)

    private func inclusion() throws -> InclusionProof {
        try #require(LogProof.inclusion(index: 9, size: 21, hash: sha256, node: reference.node))
    }

    private func state() -> (tree: StateTree, present: StateProof, absent: StateProof) {
        var generator = SeededGenerator(seed: 11)
        let keys = (0..<9).map { _ in generator.digest() }.sorted()
        let tree = StateTree(building: keys.map { (key: $0, value: $0) }, hash: sha256)
        return (tree, tree.proof(for: keys[4]), tree.proof(for: keys[4].flipped(200)))
    }

    @Test func inclusionProofIsRFC9942sByteStringOfSizeIndexAndPath() throws {
        let proof = InclusionProof(size: 2, index: 1, path: [.zero])
        let inner: [UInt8] = [0x83, 0x02, 0x01, 0x81, 0x58, 0x20] + [UInt8](repeating: 0, count: 32)
        #expect(proof.encoded == inner)
        var writer = CBORWriter()
        proof.write(to: &writer)
        #expect(writer.bytes == [0x58, UInt8(inner.count)] + inner)
        var reader = CBORReader(writer.bytes)
        #expect(try InclusionProof(reading: &reader) == proof)
        #expect(reader.isAtEnd)
    }

    @Test func everyEncodingDecodesToItself() throws {
        for frontier in reference.frontiers {
            #expect(try LogFrontier(decoding: frontier.encoded) == frontier)
        }
        let inclusion = try inclusion()
        #expect(try InclusionProof(decoding: inclusion.encoded) == inclusion)
        let consistency = try #require(
            LogProof.consistency(from: 7, to: 21, hash: sha256, node: reference.node))
        #expect(try ConsistencyProof(decoding: consistency.encoded) == consistency)
        var writer = CBORWriter()
        consistency.write(to: &writer)
        var reader = CBORReader(writer.bytes)
        #expect(try ConsistencyProof(reading: &reader) == consistency)
        let (_, present, absent) = state()
        let nothing = StateTree(hash: sha256).proof(for: .zero)
        for proof in [present, absent, nothing] { #expect(try StateProof(decoding: proof.encoded) == proof) }
    }

    /// Cut anywhere, or with any bit turned over, bytes are refused or are the canonical encoding of
    /// something else.
    @Test func decodersAreStrict() throws {
        let samples: [([UInt8], ([UInt8]) throws(CodecError) -> [UInt8])] = [
            (
                reference.frontier.encoded,
                { bytes throws(CodecError) in try LogFrontier(decoding: bytes).encoded }
            ),
            (
                try inclusion().encoded,
                { bytes throws(CodecError) in try InclusionProof(decoding: bytes).encoded }
            ),
            (
                ConsistencyProof(from: 3, to: 300, path: [.zero, .zero]).encoded,
                { bytes throws(CodecError) in try ConsistencyProof(decoding: bytes).encoded }
            ),
            (
                state().absent.encoded,
                { bytes throws(CodecError) in try StateProof(decoding: bytes).encoded }
            ),
        ]
        for (bytes, recode) in samples {
            for count in bytes.indices {
                #expect(
                    decodingError { () throws(CodecError) in _ = try recode(Array(bytes[..<count])) } != nil)
            }
            let longer = decodingError { () throws(CodecError) in _ = try recode(bytes + [0]) }
            #expect(longer == .trailingBytes)
            for bit in 0..<bytes.count * 8 {
                var wrong = bytes
                wrong[bit / 8] ^= 0x80 >> UInt8(bit % 8)
                if let recoded = try? recode(wrong) { #expect(recoded == wrong) }
            }
        }
    }

    @Test func refusesPathsThatNoTreeHas() {
        let long = [Digest](repeating: .zero, count: 66)
        let inclusion = InclusionProof(size: 1, index: 0, path: long).encoded
        #expect(
            decodingError { () throws(CodecError) in _ = try InclusionProof(decoding: inclusion) }
                == .tooLarge)
        let consistency = ConsistencyProof(from: 1, to: 2, path: long).encoded
        #expect(
            decodingError { () throws(CodecError) in _ = try ConsistencyProof(decoding: consistency) }
                == .tooLarge)
        let steps = [StateProof.Step](repeating: .init(bit: 0, sibling: .zero), count: 257)
        let state = StateProof(path: steps, leaf: nil).encoded
        #expect(decodingError { () throws(CodecError) in _ = try StateProof(decoding: state) } == .tooLarge)
        var writer = CBORWriter()
        writer.array(2)
        writer.array(1)
        writer.array(2)
        writer.unsigned(256)
        writer.digest(.zero)
        writer.null()
        let wide = writer.bytes
        #expect(decodingError { () throws(CodecError) in _ = try StateProof(decoding: wide) } == .outOfRange)
    }

    @Test func refusesAFrontierWhosePeaksDoNotFitItsSize() {
        func bytes(_ size: UInt64, _ peaks: Int) -> [UInt8] {
            var writer = CBORWriter()
            writer.array(2)
            writer.unsigned(size)
            writer.array(peaks)
            for _ in 0..<peaks { writer.digest(.zero) }
            return writer.bytes
        }
        func error(_ bytes: [UInt8]) -> CodecError.Code? {
            decodingError { () throws(CodecError) in _ = try LogFrontier(decoding: bytes) }
        }
        #expect(error(bytes(5, 1)) == .invalidValue)
        #expect(error(bytes(5, 2)) == nil)
        #expect(error(bytes(4, 2)) == .invalidValue)
        #expect(error(bytes(0, 1)) == .invalidValue)
        #expect(error(bytes(1 << 63, 1)) == .outOfRange)
    }
}

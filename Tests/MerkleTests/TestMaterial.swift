import Codec
import Merkle

let sha256 = TestSHA256.hash

/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A digest with every bit random.
    mutating func digest() -> Digest {
        var bytes: [UInt8] = []
        for _ in 0..<32 { bytes.append(UInt8(truncatingIfNeeded: next())) }
        return Digest(reading: bytes)
    }
}

extension Digest {
    init(reading bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Digest(reading: $0) }
    }

    /// The digest with one bit turned over, counted as `bit(_:)` does.
    func flipped(_ position: Int) -> Digest {
        var bytes = bytes
        bytes[position / 8] ^= 0x80 >> UInt8(position % 8)
        return Digest(reading: bytes)
    }
}

/// What a verification said: nil where it accepted.
func refusal(_ verification: () throws(ProofError) -> Void) -> ProofError? {
    do {
        try verification()
        return nil
    } catch {
        return error
    }
}

/// What a decoder said: nil where it accepted.
func decodingError(_ decoding: () throws(CodecError) -> Void) -> CodecError.Code? {
    do {
        try decoding()
        return nil
    } catch {
        return error.code
    }
}

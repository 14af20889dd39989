import Codec
import Merkle

/// The state tree by its definition, built from nothing each time: partition by the first bit that differs.
enum ReferenceStateTree {
    static func root(_ pairs: [Digest: Digest]) -> Digest {
        pairs.isEmpty ? .zero : root(pairs.map { ($0.key, $0.value) }[...], from: 0)
    }

    private static func root(_ pairs: ArraySlice<(Digest, Digest)>, from bit: Int) -> Digest {
        if pairs.count == 1, let (key, value) = pairs.first {
            return sha256([0x02] + key.bytes + value.bytes)
        }
        var bit = bit
        while true {
            let left = pairs.filter { !$0.0.bit(bit) }
            let right = pairs.filter { $0.0.bit(bit) }
            if !left.isEmpty && !right.isEmpty {
                let (l, r) = (root(left[...], from: bit + 1), root(right[...], from: bit + 1))
                return sha256([0x03, UInt8(bit)] + l.bytes + r.bytes)
            }
            bit += 1
        }
    }
}

extension SeededGenerator {
    /// A key of a shape that exercises the tree: uniform, or equal to `other` up to a random bit.
    mutating func key(near other: Digest?) -> Digest {
        let random = digest()
        guard let other, Bool.random(using: &self) else { return random }
        let shared = Int.random(in: 0..<256, using: &self)
        var bytes = random.bytes
        for bit in 0..<shared {
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            bytes[bit / 8] &= ~mask
            if other.bit(bit) { bytes[bit / 8] |= mask }
        }
        return Digest(reading: bytes)
    }
}

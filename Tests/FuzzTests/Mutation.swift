import TestSupport

/// Seeded changes to bytes: the same seed makes the same inputs.
struct Mutator {
    private(set) var random: SeededGenerator
    private let seeds: [[UInt8]]
    private static let longest = 1 << 17

    init(seed: UInt64, seeds: [[UInt8]]) { (random, self.seeds) = (SeededGenerator(seed: seed), seeds) }

    /// The next input: now and then random bytes, else a seed with one to a few changes.
    mutating func next() -> [UInt8] {
        guard let seed = seeds.randomElement(using: &random), Int.random(in: 0..<32, using: &random) > 0
        else {
            return random.bytes(Int.random(in: 0..<300, using: &random))
        }
        var bytes = seed
        for _ in 0...Int.random(in: 0..<4, using: &random) { change(&bytes) }
        return Array(bytes.prefix(Mutator.longest))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = random.bytes(8)
            return
        }
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(position...)
        case 3:
            bytes.removeSubrange(
                position..<min(bytes.count, position + Int.random(in: 1...40, using: &random)))
        case 4: bytes.insert(contentsOf: random.bytes(Int.random(in: 1...16, using: &random)), at: position)
        case 5: splice(&bytes, at: position)
        case 6: editLength(&bytes, near: position)
        case 7:
            // The same piece once more.
            let end = min(bytes.count, position + Int.random(in: 1...64, using: &random))
            bytes.insert(contentsOf: bytes[position..<end], at: position)
        default: editNumber(&bytes, at: position)
        }
    }

    /// A piece of another seed over the rest.
    private mutating func splice(_ bytes: inout [UInt8], at position: Int) {
        guard let other = seeds.randomElement(using: &random), !other.isEmpty else { return }
        let start = Int.random(in: 0..<other.count, using: &random)
        bytes.replaceSubrange(position..., with: other[start...])
    }

    /// Another length in the next CBOR head: a byte more or less, or far more than there is.
    private mutating func editLength(_ bytes: inout [UInt8], near position: Int) {
        guard let head = bytes[position...].firstIndex(where: { (2...5).contains($0 >> 5) }) else { return }
        let major = bytes[head] & 0xe0
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[head] &+= 1
        case 1: bytes[head] &-= 1
        case 2: bytes.replaceSubrange(head...head, with: [major | 26, 0x7f, 0xff, 0xff, 0xff])
        default: bytes.replaceSubrange(head...head, with: [major | 27] + [UInt8](repeating: 0xff, count: 8))
        }
    }

    /// A number at the end of a range, in eight bytes.
    private mutating func editNumber(_ bytes: inout [UInt8], at position: Int) {
        let numbers: [UInt64] = [
            0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, UInt64(Int64.max),
            UInt64(Int64.max) + 1, .max - 1, .max,
        ]
        let number = numbers.randomElement(using: &random) ?? 0
        let encoded = (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
        bytes.replaceSubrange(position..<min(bytes.count, position + 8), with: encoded)
    }
}

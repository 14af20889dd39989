/// A SHA-256 digest: 32 bytes, ordered and compared as bytes.
package struct Digest: Hashable, Comparable, Sendable {
    /// The bytes as four big-endian words, so that word order is byte order.
    let a, b, c, d: UInt64

    /// The number of bytes.
    package static let count = 32
    package static let zero = Digest(a: 0, b: 0, c: 0, d: 0)

    init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    /// The digest held in exactly 32 bytes; nil for any other length.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.count else { return nil }
        let direct = bytes.withContiguousStorageIfAvailable { Digest(reading: UnsafeRawBufferPointer($0)) }
        if let direct {
            self = direct
            return
        }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (offset, byte) in bytes.enumerated() {
            switch offset >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (a, b, c, d) = words
    }

    /// Reads 32 bytes. The buffer must hold at least that many.
    package init(reading buffer: UnsafeRawBufferPointer) {
        precondition(buffer.count >= Digest.count)
        a = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        b = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        c = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        d = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// Writes 32 bytes. The buffer must have room for at least that many.
    package func write(to buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Digest.count)
        buffer.storeBytes(of: a.bigEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: b.bigEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: c.bigEndian, toByteOffset: 16, as: UInt64.self)
        buffer.storeBytes(of: d.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Digest.count) { buffer, count in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            count = Digest.count
        }
    }

    /// The first eight bytes as a number.
    package var word: UInt64 { a }

    /// The bit at a position, 0 the most significant of the first byte. Range 0..<256.
    package func bit(_ position: Int) -> Bool {
        let word =
            switch position >> 6 {
            case 0: a
            case 1: b
            case 2: c
            default: d
            }
        return word >> UInt64(63 - position & 63) & 1 == 1
    }

    /// The first position at which two digests differ, 256 where they are equal.
    package func commonPrefix(with other: Digest) -> Int {
        if a != other.a { return (a ^ other.a).leadingZeroBitCount }
        if b != other.b { return 64 + (b ^ other.b).leadingZeroBitCount }
        if c != other.c { return 128 + (c ^ other.c).leadingZeroBitCount }
        return 192 + (d ^ other.d).leadingZeroBitCount
    }

    package static func < (left: Digest, right: Digest) -> Bool {
        if left.a != right.a { return left.a < right.a }
        if left.b != right.b { return left.b < right.b }
        if left.c != right.c { return left.c < right.c }
        return left.d < right.d
    }
}

extension Digest: CustomStringConvertible {
    /// Lower-case hexadecimal, 64 characters.
    package var description: String { Hex.encode(bytes) }
}

extension Digest: Codable {
    /// In CBOR a byte string of 32 (the codec's own fast path); elsewhere hexadecimal text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hex.decode(try container.decode(String.self)), let digest = Digest(bytes) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a digest is 64 hexadecimal digits")
        }
        self = digest
    }
}

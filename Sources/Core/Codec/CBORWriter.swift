/// Writes deterministic CBOR (RFC 8949 §4.2.1) item by item. The caller keeps map keys sorted and counts right.
package struct CBORWriter {
    package private(set) var bytes: [UInt8] = []

    package init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    private mutating func head(_ major: UInt8, _ value: UInt64) {
        let major = major << 5
        switch value {
        case 0..<24: bytes.append(major | UInt8(value))
        case 24...0xff:
            bytes.append(major | 24)
            bytes.append(UInt8(value))
        case 0x100...0xffff:
            bytes.append(major | 25)
            bigEndian(value, 2)
        case 0x1_0000...0xffff_ffff:
            bytes.append(major | 26)
            bigEndian(value, 4)
        default:
            bytes.append(major | 27)
            bigEndian(value, 8)
        }
    }

    private mutating func bigEndian(_ value: UInt64, _ count: Int) {
        for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    package mutating func unsigned(_ value: UInt64) { head(0, value) }

    package mutating func integer(_ value: Int64) {
        if value >= 0 { head(0, UInt64(value)) } else { head(1, UInt64(bitPattern: ~value)) }
    }

    package mutating func byteString(_ value: some Collection<UInt8>) {
        head(2, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func digest(_ value: Digest) {
        head(2, 32)
        bytes.append(contentsOf: value.bytes)
    }

    package mutating func text(_ value: String) {
        let utf8 = value.utf8
        head(3, UInt64(utf8.count))
        bytes.append(contentsOf: utf8)
    }

    /// Opens an array of `count` items; the items follow.
    package mutating func array(_ count: Int) { head(4, UInt64(count)) }
    /// Opens a map of `count` pairs; keys and values follow, keys in bytewise order of their encodings.
    package mutating func map(_ count: Int) { head(5, UInt64(count)) }
    package mutating func tag(_ number: UInt64) { head(6, number) }
    package mutating func bool(_ value: Bool) { bytes.append(value ? 0xf5 : 0xf4) }
    package mutating func null() { bytes.append(0xf6) }
    /// Appends an item that is already encoded.
    package mutating func raw(_ encoded: some Collection<UInt8>) { bytes.append(contentsOf: encoded) }
}

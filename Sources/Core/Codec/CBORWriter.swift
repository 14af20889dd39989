/// Writes deterministic CBOR (RFC 8949 §4.2.1) item by item. The caller keeps map keys sorted and counts
/// right.
@usableFromInline package struct CBORWriter {
    package private(set) var bytes: [UInt8] = []

    package init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// A copy of the bytes that takes no more room than they do.
    package var exactBytes: [UInt8] { bytes.withUnsafeBufferPointer { Array($0) } }

    /// Forgets what was written and keeps the room for it.
    package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    @inline(__always)
    private mutating func head(_ major: UInt8, _ value: UInt64) {
        if value < 24 {
            bytes.append(major << 5 | UInt8(truncatingIfNeeded: value))
        } else {
            longHead(major, value)
        }
    }

    private mutating func longHead(_ major: UInt8, _ value: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 9, alignment: 1) { memory in
            guard let base = memory.baseAddress else { return }
            let size = CBORHead.write(major, value, to: base)
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: base, count: size))
        }
    }

    package mutating func unsigned(_ value: UInt64) { head(0, value) }

    package mutating func integer(_ value: Int64) {
        if value >= 0 { head(0, UInt64(value)) } else { head(1, UInt64(bitPattern: ~value)) }
    }

    /// As the generic one, which other modules cannot specialise.
    package mutating func byteString(_ value: [UInt8]) {
        head(2, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func byteString(_ value: some Collection<UInt8>) {
        head(2, UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func digest(_ value: Digest) {
        head(2, UInt64(Digest.count))
        withUnsafeTemporaryAllocation(byteCount: Digest.count, alignment: 8) { memory in
            value.write(to: memory)
            bytes.append(contentsOf: UnsafeRawBufferPointer(memory))
        }
    }

    package mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            head(3, UInt64(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    /// Writes a text that is known to be UTF-8.
    package mutating func text(_ utf8: UnsafeRawBufferPointer) {
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
    package mutating func raw(_ encoded: [UInt8]) { bytes.append(contentsOf: encoded) }
    /// Appends an item that is already encoded.
    package mutating func raw(_ encoded: some Collection<UInt8>) { bytes.append(contentsOf: encoded) }
}

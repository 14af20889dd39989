/// What the C library would do for bytes, without it.
package enum RawBytes {
    /// Whether the left bytes come before the right ones, a prefix first.
    package static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { compare(left, $0) < 0 } }
    }

    /// Negative, zero or positive as the left bytes come before, are equal to or come after the right ones.
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        var index = 0
        while index + 8 <= shared {
            let a = left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let b = right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if a != b { return a.bigEndian < b.bigEndian ? -1 : 1 }
            index += 8
        }
        while index < shared {
            if left[index] != right[index] { return left[index] < right[index] ? -1 : 1 }
            index += 1
        }
        return left.count - right.count
    }

    /// Whether two strings of the same length are equal.
    @inline(__always)
    static func equal(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int) -> Bool {
        var index = 0
        while index + 8 <= count {
            let a = left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let b = right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if a != b { return false }
            index += 8
        }
        while index < count {
            if left.load(fromByteOffset: index, as: UInt8.self)
                != right.load(fromByteOffset: index, as: UInt8.self)
            {
                return false
            }
            index += 1
        }
        return true
    }

    /// The text, where the bytes are UTF-8 (RFC 3629), kept byte for byte.
    @inline(__always)
    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        isUTF8(bytes) ? String(decoding: bytes.bindMemory(to: UInt8.self), as: UTF8.self) : nil
    }

    /// Whether the bytes are well-formed UTF-8 (RFC 3629 §4): no surrogates, no overlong forms, at most
    /// U+10FFFF.
    @inline(__always)
    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ascii = asciiPrefix(bytes)
        return ascii == bytes.count || isUTF8(bytes, from: ascii)
    }

    @inline(__always)
    private static func asciiPrefix(_ bytes: UnsafeRawBufferPointer) -> Int {
        var index = 0
        while index + 8 <= bytes.count,
            bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
            index += 8
        }
        while index < bytes.count, bytes[index] < 0x80 { index += 1 }
        return index
    }

    @inline(never)
    private static func isUTF8(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        var index = start
        while index < bytes.count {
            let lead = bytes[index]
            index += 1
            if lead < 0x80 { continue }
            let more: Int
            var second: ClosedRange<UInt8> = 0x80...0xbf
            switch lead {
            case 0xc2...0xdf: more = 1
            case 0xe0...0xef:
                more = 2
                if lead == 0xe0 { second = 0xa0...0xbf } else if lead == 0xed { second = 0x80...0x9f }
            case 0xf0...0xf4:
                more = 3
                if lead == 0xf0 { second = 0x90...0xbf } else if lead == 0xf4 { second = 0x80...0x8f }
            default: return false
            }
            guard bytes.count - index >= more, second ~= bytes[index] else { return false }
            for position in index + 1..<index + more where bytes[position] & 0xc0 != 0x80 { return false }
            index += more
        }
        return true
    }
}

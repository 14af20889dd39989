/// An item's first bytes (RFC 8949 §3): major type and argument, in shortest form, one that this codec has
/// a use for.
struct CBORHead {
    let major: UInt8
    /// The integer, the length, the count, the tag; for major type 7 the simple value (20, 21 or 22).
    let value: UInt64
    /// The number of bytes: 1, 2, 3, 5 or 9.
    let size: Int

    /// The least integer that has no form: below it, and above `-1 - value`, is all that `Int64` and
    /// `UInt64` hold.
    private static let negativeLimit: UInt64 = 1 << 63

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(CodecError) {
        guard start < bytes.count else { throw CodecError(.truncated, at: start) }
        let initial = bytes[start]
        let info = initial & 31
        if info < 24 && initial < 0xe0 {
            (major, value, size) = (initial >> 5, UInt64(info), 1)
        } else {
            self = try CBORHead(long: bytes, at: start)
        }
    }

    @inline(never)
    private init(long bytes: UnsafeRawBufferPointer, at start: Int) throws(CodecError) {
        major = bytes[start] >> 5
        let info = bytes[start] & 31
        if major == 7 {
            guard 20...22 ~= info else { throw CodecError(CBORHead.refusal(ofSimple: info), at: start) }
            (value, size) = (UInt64(info), 1)
            return
        }
        guard info < 28 else {
            // 31 has a meaning (a break or an unknown length) for strings, arrays and maps only; 28 to 30
            // have none.
            let isIndefinite = info == 31 && 2...5 ~= major
            throw CodecError(isIndefinite ? .indefiniteLength : .unsupported, at: start)
        }
        let count = 1 << Int(info - 24)
        guard bytes.count - start > count else { throw CodecError(.truncated, at: start) }
        var argument: UInt64 = 0
        for index in start + 1...start + count { argument = argument << 8 | UInt64(bytes[index]) }
        let least: UInt64 = count == 1 ? 24 : 1 << UInt64(count * 4)
        guard argument >= least else { throw CodecError(.nonMinimal, at: start) }
        if major == 1 && argument >= CBORHead.negativeLimit { throw CodecError(.outOfRange, at: start) }
        (value, size) = (argument, count + 1)
    }

    private static func refusal(ofSimple info: UInt8) -> CodecError.Code {
        switch info {
        case 25...27: .floatingPoint
        case 31: .indefiniteLength
        default: .unsupported
        }
    }

    /// Writes the shortest head to memory that has room for 9 bytes, and gives its size.
    @inline(__always)
    static func write(_ major: UInt8, _ value: UInt64, to memory: UnsafeMutableRawPointer) -> Int {
        let major = major << 5
        if value < 24 {
            memory.storeBytes(of: major | UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        if value <= 0xff {
            memory.storeBytes(of: major | 24, as: UInt8.self)
            memory.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: 1, as: UInt8.self)
            return 2
        }
        if value <= 0xffff {
            memory.storeBytes(of: major | 25, as: UInt8.self)
            memory.storeBytes(
                of: UInt16(truncatingIfNeeded: value).bigEndian, toByteOffset: 1, as: UInt16.self)
            return 3
        }
        if value <= 0xffff_ffff {
            memory.storeBytes(of: major | 26, as: UInt8.self)
            memory.storeBytes(
                of: UInt32(truncatingIfNeeded: value).bigEndian, toByteOffset: 1, as: UInt32.self)
            return 5
        }
        memory.storeBytes(of: major | 27, as: UInt8.self)
        memory.storeBytes(of: value.bigEndian, toByteOffset: 1, as: UInt64.self)
        return 9
    }
}

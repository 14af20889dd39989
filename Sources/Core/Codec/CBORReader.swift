/// Reads deterministic CBOR (RFC 8949 §4.2.1) item by item and refuses anything else; it never traps.
///
/// Lengths are checked against the bytes that are there before anything is allocated.
package struct CBORReader {
    package let bytes: [UInt8]
    package private(set) var offset: Int

    package init(_ bytes: [UInt8], at offset: Int = 0) { (self.bytes, self.offset) = (bytes, offset) }

    /// The most nested items that `skip` and the Codable front follow.
    package static let maximumDepth = 32

    package var isAtEnd: Bool { offset == bytes.count }

    /// - Throws: `cbor.trailing_bytes` where bytes are left.
    package func finish() throws(CodecError) {
        guard isAtEnd else { throw CodecError(.trailingBytes, at: offset) }
    }

    /// The next item's major type, or nil at the end.
    package var majorType: UInt8? { offset < bytes.count ? bytes[offset] >> 5 : nil }
    package var isNull: Bool { offset < bytes.count && bytes[offset] == 0xf6 }

    private mutating func head() throws(CodecError) -> (major: UInt8, value: UInt64) {
        guard offset < bytes.count else { throw CodecError(.truncated, at: offset) }
        let start = offset
        let initial = bytes[offset]
        let major = initial >> 5
        let info = initial & 31
        offset += 1
        if info < 24 { return (major, UInt64(info)) }
        guard info < 28 else {
            throw CodecError(info == 31 ? .indefiniteLength : .unsupported, at: start)
        }
        let count = 1 << Int(info - 24)
        guard bytes.count - offset >= count else { throw CodecError(.truncated, at: start) }
        var value: UInt64 = 0
        for index in offset..<offset + count { value = value << 8 | UInt64(bytes[index]) }
        offset += count
        if major == 7 { throw CodecError(count == 1 ? .unsupported : .floatingPoint, at: start) }
        let least: UInt64 = count == 1 ? 24 : 1 << UInt64(count * 4)
        guard value >= least else { throw CodecError(.nonMinimal, at: start) }
        return (major, value)
    }

    private mutating func head(expecting major: UInt8) throws(CodecError) -> UInt64 {
        let start = offset
        let (found, value) = try head()
        guard found == major else {
            offset = start
            throw CodecError(.unexpectedType, at: start)
        }
        return value
    }

    private mutating func length(expecting major: UInt8) throws(CodecError) -> Int {
        let start = offset
        let value = try head(expecting: major)
        guard value <= UInt64(bytes.count - offset) else { throw CodecError(.truncated, at: start) }
        return Int(value)
    }

    package mutating func unsigned() throws(CodecError) -> UInt64 { try head(expecting: 0) }

    package mutating func integer() throws(CodecError) -> Int64 {
        let start = offset
        let (major, value) = try head()
        guard major < 2 else { throw CodecError(.unexpectedType, at: start) }
        guard value <= UInt64(Int64.max) else { throw CodecError(.outOfRange, at: start) }
        return major == 0 ? Int64(value) : ~Int64(value)
    }

    package mutating func byteString() throws(CodecError) -> [UInt8] {
        let count = try length(expecting: 2)
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    package mutating func digest() throws(CodecError) -> Digest {
        let start = offset
        let count = try length(expecting: 2)
        guard count == Digest.count else { throw CodecError(.invalidValue, at: start, "32 bytes expected") }
        defer { offset += count }
        return bytes.withUnsafeBytes { Digest(reading: UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    package mutating func text() throws(CodecError) -> String {
        let start = offset
        let count = try length(expecting: 3)
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else {
            throw CodecError(.invalidText, at: start)
        }
        return text
    }

    /// Opens an array and gives its count, which is at most the number of bytes left.
    package mutating func array() throws(CodecError) -> Int { try length(expecting: 4) }

    /// Opens an array that must have `count` items.
    package mutating func array(of count: Int) throws(CodecError) {
        let start = offset
        guard try array() == count else { throw CodecError(.invalidValue, at: start, "array of \(count)") }
    }

    /// Opens a map and gives its number of pairs. The caller checks the order of keys.
    package mutating func map() throws(CodecError) -> Int {
        let start = offset
        let count = try length(expecting: 5)
        guard count <= (bytes.count - offset) / 2 else { throw CodecError(.truncated, at: start) }
        return count
    }

    package mutating func tag() throws(CodecError) -> UInt64 { try head(expecting: 6) }

    package mutating func bool() throws(CodecError) -> Bool {
        guard offset < bytes.count else { throw CodecError(.truncated, at: offset) }
        guard bytes[offset] == 0xf4 || bytes[offset] == 0xf5 else {
            throw CodecError(.unexpectedType, at: offset)
        }
        offset += 1
        return bytes[offset - 1] == 0xf5
    }

    package mutating func null() throws(CodecError) {
        guard isNull else {
            throw CodecError(offset < bytes.count ? .unexpectedType : .truncated, at: offset)
        }
        offset += 1
    }

    /// Passes over one whole item, checking it as strictly as reading would, and gives its bytes.
    package mutating func item() throws(CodecError) -> ArraySlice<UInt8> {
        let start = offset
        try skip(depth: 0)
        return bytes[start..<offset]
    }

    private mutating func skip(depth: Int) throws(CodecError) {
        guard depth < CBORReader.maximumDepth else { throw CodecError(.tooDeep, at: offset) }
        guard let major = majorType else { throw CodecError(.truncated, at: offset) }
        switch major {
        case 0, 1: _ = try head()
        case 2: offset += try length(expecting: 2)
        case 3: _ = try text()
        case 4:
            let count = try array()
            for _ in 0..<count { try skip(depth: depth + 1) }
        case 5:
            let count = try map()
            var previous: ArraySlice<UInt8>?
            for _ in 0..<count {
                let keyStart = offset
                try skip(depth: depth + 1)
                let key = bytes[keyStart..<offset]
                if let previous { try CBORReader.checkOrder(previous, key, at: keyStart) }
                previous = key
                try skip(depth: depth + 1)
            }
        case 6:
            _ = try tag()
            try skip(depth: depth + 1)
        default:
            if isNull { try null() } else if bytes[offset] & 31 < 24 {
                do { _ = try bool() } catch { throw CodecError(.unsupported, at: offset) }
            } else {
                _ = try head()
            }
        }
    }

    /// Keys come in bytewise order of their encodings, each once.
    package static func checkOrder(
        _ previous: ArraySlice<UInt8>, _ key: ArraySlice<UInt8>, at offset: Int
    ) throws(CodecError) {
        if previous == key { throw CodecError(.duplicateKey, at: offset) }
        guard previous.lexicographicallyPrecedes(key) else { throw CodecError(.keyOrder, at: offset) }
    }
}

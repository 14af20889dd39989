/// Reads deterministic CBOR (RFC 8949 §4.2.1) item by item and refuses anything else; it never traps.
///
/// Lengths are checked against the bytes that are there before anything is allocated. Where a method
/// throws, the reader stays before the item.
@usableFromInline package struct CBORReader {
    package let bytes: [UInt8]
    package private(set) var offset: Int
    /// Where what may be read ends.
    private let end: Int

    /// A reader at an offset; one outside the bytes is the end.
    package init(_ bytes: [UInt8], at offset: Int = 0) {
        (self.bytes, end) = (bytes, bytes.count)
        self.offset = offset < 0 ? bytes.count : min(offset, bytes.count)
    }

    /// A reader of a part of the same bytes: of what a byte string holds, say.
    /// - Parameter range: within the bytes.
    package init(_ range: Range<Int>, of bytes: [UInt8]) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        (self.bytes, offset, end) = (bytes, range.lowerBound, range.upperBound)
    }

    /// The most nested items that `item` and the Codable front follow.
    package static let maximumDepth = 32

    package var isAtEnd: Bool { offset == end }

    /// - Throws: `cbor.trailing_bytes` where bytes are left.
    package func finish() throws(CodecError) {
        guard isAtEnd else { throw CodecError(.trailingBytes, at: offset) }
    }

    /// The next item's major type, or nil at the end.
    package var majorType: UInt8? { offset < end ? bytes[offset] >> 5 : nil }
    package var isNull: Bool { offset < end && bytes[offset] == 0xf6 }
    /// Whether the next item is an integer of either sign.
    package var isInteger: Bool { offset < end && bytes[offset] < 0x40 }
    package var isByteString: Bool { majorType == 2 }
    package var isText: Bool { majorType == 3 }
    package var isArray: Bool { majorType == 4 }
    package var isMap: Bool { majorType == 5 }
    package var isTag: Bool { majorType == 6 }

    @inline(__always)
    private func head() throws(CodecError) -> CBORHead {
        try bytes.withUnsafeBufferPointer { buffer throws(CodecError) -> CBORHead in
            try CBORHead(UnsafeRawBufferPointer(start: buffer.baseAddress, count: end), at: offset)
        }
    }

    @inline(__always)
    private mutating func head(expecting major: UInt8) throws(CodecError) -> UInt64 {
        let head = try head()
        guard head.major == major else { throw CodecError(.unexpectedType, at: offset) }
        offset += head.size
        return head.value
    }

    /// Moves past a string and gives the range of its contents.
    @inline(__always)
    private mutating func string(expecting major: UInt8) throws(CodecError) -> Range<Int> {
        let head = try head()
        guard head.major == major else { throw CodecError(.unexpectedType, at: offset) }
        let start = offset + head.size
        guard head.value <= UInt64(end - start) else { throw CodecError(.truncated, at: offset) }
        offset = start + Int(head.value)
        return start..<offset
    }

    package mutating func unsigned() throws(CodecError) -> UInt64 { try head(expecting: 0) }

    /// An integer of either sign. Range -2⁶³..<2⁶³.
    package mutating func integer() throws(CodecError) -> Int64 {
        let head = try head()
        guard head.major < 2 else { throw CodecError(.unexpectedType, at: offset) }
        guard let value = Int64(exactly: head.value) else { throw CodecError(.outOfRange, at: offset) }
        offset += head.size
        return head.major == 0 ? value : ~value
    }

    package mutating func byteString() throws(CodecError) -> [UInt8] {
        let range = try string(expecting: 2)
        return Array(bytes[range])
    }

    /// Moves past a byte string and gives where in the bytes its contents are.
    package mutating func byteStringPlace() throws(CodecError) -> Range<Int> { try string(expecting: 2) }

    package mutating func digest() throws(CodecError) -> Digest {
        let start = offset
        let range = try string(expecting: 2)
        guard range.count == Digest.count else {
            offset = start
            throw CodecError(.invalidValue, at: start, "32 bytes expected")
        }
        return bytes.withUnsafeBytes { Digest(reading: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    package mutating func text() throws(CodecError) -> String {
        let start = offset
        let range = try string(expecting: 3)
        let text = bytes.withUnsafeBytes { RawBytes.text(UnsafeRawBufferPointer(rebasing: $0[range])) }
        guard let text else {
            offset = start
            throw CodecError(.invalidText, at: start)
        }
        return text
    }

    /// Moves past a text where it is exactly this one, in shortest form; else stays.
    mutating func passes(_ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        let headSize = count < 24 ? 1 : 2
        guard count <= 255, end - offset >= headSize + count else { return false }
        let isHead =
            headSize == 1
            ? bytes[offset] == 0x60 | UInt8(truncatingIfNeeded: count)
            : bytes[offset] == 0x78 && bytes[offset + 1] == UInt8(truncatingIfNeeded: count)
        let isName =
            isHead
            && bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map {
                    RawBytes.equal($0 + offset + headSize, name.utf8Start, count: count)
                } ?? false
            }
        if isName { offset += headSize + count }
        return isName
    }

    /// Opens an array and gives its count, which is at most the number of bytes left.
    package mutating func array() throws(CodecError) -> Int { try container(expecting: 4, itemsPerEntry: 1) }

    /// Opens an array that must have `count` items.
    package mutating func array(of count: Int) throws(CodecError) {
        let start = offset
        guard try array() == count else {
            offset = start
            throw CodecError(.invalidValue, at: start, "array of \(count)")
        }
    }

    /// Opens a map and gives its number of pairs. The caller checks the order of keys.
    package mutating func map() throws(CodecError) -> Int { try container(expecting: 5, itemsPerEntry: 2) }

    private mutating func container(expecting major: UInt8, itemsPerEntry: UInt64) throws(CodecError) -> Int {
        let head = try head()
        guard head.major == major else { throw CodecError(.unexpectedType, at: offset) }
        let start = offset + head.size
        guard head.value <= UInt64(end - start) / itemsPerEntry else {
            throw CodecError(.truncated, at: offset)
        }
        offset = start
        return Int(head.value)
    }

    package mutating func tag() throws(CodecError) -> UInt64 { try head(expecting: 6) }

    package mutating func bool() throws(CodecError) -> Bool {
        let head = try head()
        guard head.major == 7, head.value < 22 else { throw CodecError(.unexpectedType, at: offset) }
        offset += 1
        return head.value == 21
    }

    package mutating func null() throws(CodecError) {
        let head = try head()
        guard head.major == 7, head.value == 22 else { throw CodecError(.unexpectedType, at: offset) }
        offset += 1
    }

    /// Passes over one whole item, checking it as strictly as reading would, and gives its bytes.
    /// - Throws: besides what reading throws, `cbor.unsupported` for bignums (tags 2 and 3): `Int64` and
    ///   `UInt64` are all the integers there are.
    package mutating func item() throws(CodecError) -> ArraySlice<UInt8> {
        let start = offset
        do {
            try skip(depth: 0)
        } catch {
            offset = start
            throw error
        }
        return bytes[start..<offset]
    }

    private mutating func skip(depth: Int) throws(CodecError) {
        guard depth < CBORReader.maximumDepth else { throw CodecError(.tooDeep, at: offset) }
        switch try head().major {
        case 2: _ = try string(expecting: 2)
        case 3:
            let start = offset
            let range = try string(expecting: 3)
            let isText = bytes.withUnsafeBytes {
                RawBytes.isUTF8(UnsafeRawBufferPointer(rebasing: $0[range]))
            }
            guard isText else { throw CodecError(.invalidText, at: start) }
        case 4:
            let count = try array()
            for _ in 0..<count { try skip(depth: depth + 1) }
        case 5:
            let count = try map()
            try skipPairs(count, depth: depth + 1)
        case 6:
            let start = offset
            let number = try tag()
            guard number != 2, number != 3 else { throw CodecError(.unsupported, at: start, "bignum") }
            try skip(depth: depth + 1)
        default: offset += try head().size
        }
    }

    private mutating func skipPairs(_ count: Int, depth: Int) throws(CodecError) {
        var previous: Range<Int>?
        for _ in 0..<count {
            let start = offset
            try skip(depth: depth)
            let key = start..<offset
            if let previous { try CBORReader.checkOrder(bytes[previous], bytes[key], at: start) }
            previous = key
            try skip(depth: depth)
        }
    }

    /// Keys come in bytewise order of their encodings, each once.
    package static func checkOrder(
        _ previous: ArraySlice<UInt8>, _ key: ArraySlice<UInt8>, at offset: Int
    ) throws(CodecError) {
        let order = previous.withUnsafeBytes { left in key.withUnsafeBytes { RawBytes.compare(left, $0) } }
        guard order < 0 else { throw CodecError(order == 0 ? .duplicateKey : .keyOrder, at: offset) }
    }
}

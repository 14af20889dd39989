/// One item of a tape, to be decoded. It is valid until `CBOR.decode` returns, and must not be kept.
struct CBORDecoder: Decoder, SingleValueDecodingContainer {
    let tape: UnsafeMutablePointer<CBORTape>
    let index: Int

    /// Empty: errors tell the offset instead.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    private var kind: CBORTapeNode.Kind { tape.pointee.nodes[index].kind }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try use(.map)
        return KeyedDecodingContainer(
            CBORKeyedDecodingContainer<Key>(tape: tape, map: index, isPayload: false))
    }

    /// - Throws: `cbor.unsupported` for sets, and dictionaries with keys that are not text: they have no
    ///   order.
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        if tape.pointee.currentType is any HashedCollection.Type {
            throw CodecError(.unsupported, at: tape.pointee.offset(index), "\(tape.pointee.currentType)")
        }
        try use(.array)
        return CBORUnkeyedDecodingContainer(tape: tape, array: index)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool {
        guard kind == .null else { return false }
        tape.pointee.nodes[index].isUsed = true
        return true
    }

    /// Marks the item as used, where it is of a kind.
    @inline(__always)
    func use(_ expected: CBORTapeNode.Kind) throws(CodecError) {
        guard kind == expected else { throw CodecError(.unexpectedType, at: tape.pointee.offset(index)) }
        tape.pointee.nodes[index].isUsed = true
    }

    @inline(__always)
    private func integer<T: FixedWidthInteger>(_ type: T.Type) throws(CodecError) -> T {
        let node = tape.pointee.nodes[index]
        let value: T?
        switch node.kind {
        case .unsigned: value = T(exactly: node.value)
        case .negative: value = T(exactly: ~Int64(bitPattern: node.value))
        default: throw CodecError(.unexpectedType, at: Int(node.offset))
        }
        guard let value else { throw CodecError(.outOfRange, at: Int(node.offset)) }
        tape.pointee.nodes[index].isUsed = true
        return value
    }

    @inline(__always)
    private func digest() throws(CodecError) -> Digest {
        try use(.byteString)
        let contents = tape.pointee.contents(index)
        guard contents.count == Digest.count else {
            throw CodecError(.invalidValue, at: tape.pointee.offset(index), "32 bytes expected")
        }
        return Digest(reading: contents)
    }

    /// Comparing types costs a word each, and nothing where the compiler knows `T`; casting costs a look-up.
    @inline(__always)
    func decode<T: Decodable>(_ type: T.Type) throws(CodecError) -> T {
        if T.self == String.self {
            try use(.text)
            return unsafeBitCast(tape.pointee.text(index), to: T.self)
        }
        if T.self == Digest.self { return unsafeBitCast(try digest(), to: T.self) }
        if T.self == Bytes.self {
            try use(.byteString)
            return unsafeBitCast(Bytes([UInt8](tape.pointee.contents(index))), to: T.self)
        }
        if T.self == Bool.self {
            try use(.bool)
            return unsafeBitCast(tape.pointee.nodes[index].value != 0, to: T.self)
        }
        if T.self == Int64.self { return unsafeBitCast(try integer(Int64.self), to: T.self) }
        if T.self == UInt64.self { return unsafeBitCast(try integer(UInt64.self), to: T.self) }
        if T.self == Int.self { return unsafeBitCast(try integer(Int.self), to: T.self) }
        if T.self == UInt.self { return unsafeBitCast(try integer(UInt.self), to: T.self) }
        if T.self == Int32.self { return unsafeBitCast(try integer(Int32.self), to: T.self) }
        if T.self == UInt32.self { return unsafeBitCast(try integer(UInt32.self), to: T.self) }
        if T.self == Int16.self { return unsafeBitCast(try integer(Int16.self), to: T.self) }
        if T.self == UInt16.self { return unsafeBitCast(try integer(UInt16.self), to: T.self) }
        if T.self == Int8.self { return unsafeBitCast(try integer(Int8.self), to: T.self) }
        if T.self == UInt8.self { return unsafeBitCast(try integer(UInt8.self), to: T.self) }
        return try decodeComposite(type)
    }

    @inline(__always)
    private func array<Element: Decodable>(of type: Element.Type) throws(CodecError) -> [Element] {
        try use(.array)
        let end = Int(tape.pointee.nodes[index].end)
        var elements: [Element] = []
        // Each item took a node, so the count is no more than the input's size.
        elements.reserveCapacity(Int(truncatingIfNeeded: tape.pointee.nodes[index].value))
        var item = index + 1
        while item < end {
            elements.append(try CBORDecoder(tape: tape, index: item).decode(type))
            item = Int(tape.pointee.nodes[item].end)
        }
        return elements
    }

    @inline(never)
    private func decodeComposite<T: Decodable>(_ type: T.Type) throws(CodecError) -> T {
        let offset = tape.pointee.offset(index)
        if T.self == Double.self || T.self == Float.self { throw CodecError(.floatingPoint, at: offset) }
        if T.self == [UInt8].self { throw CodecError(.unsupported, at: offset, "[UInt8]: use Bytes") }
        // The standard library's own way to an array is unspecialised code: three times slower.
        if T.self == [Digest].self { return unsafeBitCast(try array(of: Digest.self), to: T.self) }
        if T.self == [String].self { return unsafeBitCast(try array(of: String.self), to: T.self) }
        if T.self == [Bytes].self { return unsafeBitCast(try array(of: Bytes.self), to: T.self) }
        if T.self == [Int64].self { return unsafeBitCast(try array(of: Int64.self), to: T.self) }
        if T.self == [UInt64].self { return unsafeBitCast(try array(of: UInt64.self), to: T.self) }
        if T.self == [Int].self { return unsafeBitCast(try array(of: Int.self), to: T.self) }
        let enclosing = tape.pointee.currentType
        tape.pointee.currentType = type
        defer { tape.pointee.currentType = enclosing }
        let value: T
        do {
            value = try T(from: self)
        } catch {
            throw CBOR.codecError(error, at: offset)
        }
        // A type without properties opens no container; its form is the empty map, and any key is unknown.
        if kind == .map { tape.pointee.nodes[index].isUsed = true }
        return value
    }
}

/// Reads an array from its first item to its last. What it leaves is refused when decoding ends.
struct CBORUnkeyedDecodingContainer: UnkeyedDecodingContainer {
    private let tape: UnsafeMutablePointer<CBORTape>
    private let array: UInt32
    private var next: UInt32
    private(set) var currentIndex = 0

    init(tape: UnsafeMutablePointer<CBORTape>, array: Int) {
        self.tape = tape
        self.array = UInt32(truncatingIfNeeded: array)
        next = self.array + 1
    }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { Int(truncatingIfNeeded: tape.pointee.nodes[Int(array)].value) }
    var isAtEnd: Bool { next == tape.pointee.nodes[Int(array)].end }

    private func peek() throws(CodecError) -> CBORDecoder {
        guard !isAtEnd else {
            throw CodecError(
                .invalidValue, at: tape.pointee.offset(Int(array)), "the array has too few items")
        }
        return CBORDecoder(tape: tape, index: Int(next))
    }

    private mutating func advance() {
        next = tape.pointee.nodes[Int(next)].end
        currentIndex += 1
    }

    mutating func decodeNil() throws -> Bool {
        guard try peek().decodeNil() else { return false }
        advance()
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try peek().decode(type)
        advance()
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try peek().container(keyedBy: type)
        advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let item = try peek()
        try item.use(.array)
        advance()
        return CBORUnkeyedDecodingContainer(tape: tape, array: item.index)
    }

    mutating func superDecoder() throws -> any Decoder {
        let item = try peek()
        advance()
        return item
    }
}

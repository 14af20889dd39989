/// An item of a tape.
struct CBORTapeNode {
    enum Kind: UInt8 { case unsigned, negative, byteString, text, array, map, bool, null }

    /// The integer's argument, the string's length, the container's count; 1 for true.
    var value: UInt64
    /// Where the item begins in the input.
    var offset: UInt32
    /// The index after the item's last descendant.
    var end: UInt32
    /// In a map, the index of the key to try first.
    var cursor: UInt32
    var kind: Kind
    var headSize: UInt8
    var isKey: Bool
    /// Whether a decoder has read the item, or looked up the key. What nobody used is refused.
    var isUsed: Bool
}

/// The items of one encoding in their order, made by the one pass that checks everything that no type needs
/// to be known for.
///
/// A tape lives on the stack of `CBOR.decode`; decoders hold a pointer to it, so they need neither a box
/// nor a count.
struct CBORTape: ~Copyable {
    let input: UnsafeRawBufferPointer
    private(set) var nodes: UnsafeMutablePointer<CBORTapeNode>
    private(set) var count = 0
    private var capacity: Int
    private var position = 0
    /// What went wrong where the Codable protocols leave no way to throw.
    var failure: CodecError?
    /// The type that is decoding itself, by which containers of no order are known.
    var currentType: any Any.Type = Never.self

    /// - Throws: `cbor.*`. Keys other than text are `cbor.unexpected_type`, tags `cbor.unsupported`.
    init(_ input: UnsafeRawBufferPointer) throws(CodecError) {
        self.input = input
        capacity = min(input.count, 32 + input.count / 4)
        nodes = .allocate(capacity: capacity)
        guard input.count <= Int(Int32.max) else { throw CodecError(.tooLarge) }
        try item(depth: 0, isKey: false)
        guard position == input.count else { throw CodecError(.trailingBytes, at: position) }
    }

    deinit { nodes.deallocate() }

    private mutating func item(depth: Int, isKey: Bool) throws(CodecError) {
        guard depth < CBORReader.maximumDepth else { throw CodecError(.tooDeep, at: position) }
        let start = position
        let head = try CBORHead(input, at: start)
        let index = count
        if index == capacity { grow() }
        count += 1
        position = start + head.size
        var value = head.value
        let kind: CBORTapeNode.Kind
        switch head.major {
        case 0: kind = .unsigned
        case 1: kind = .negative
        case 2:
            kind = .byteString
            _ = try string(head, at: start)
        case 3:
            kind = .text
            guard RawBytes.isUTF8(try string(head, at: start)) else {
                throw CodecError(.invalidText, at: start)
            }
        case 4:
            kind = .array
            guard value <= UInt64(input.count - position) else { throw CodecError(.truncated, at: start) }
            for _ in 0..<value { try item(depth: depth + 1, isKey: false) }
        case 5:
            kind = .map
            guard value <= UInt64(input.count - position) / 2 else { throw CodecError(.truncated, at: start) }
            try pairs(value, depth: depth + 1)
        case 7:
            kind = value == 22 ? .null : .bool
            value = value == 21 ? 1 : 0
        default: throw CodecError(.unsupported, at: start, "tag")
        }
        (nodes + index).initialize(
            to: CBORTapeNode(
                value: value, offset: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: count),
                cursor: UInt32(truncatingIfNeeded: index + 1), kind: kind,
                headSize: UInt8(truncatingIfNeeded: head.size), isKey: isKey, isUsed: false))
    }

    @inline(__always)
    private mutating func string(_ head: CBORHead, at start: Int) throws(CodecError) -> UnsafeRawBufferPointer
    {
        guard head.value <= UInt64(input.count - position) else { throw CodecError(.truncated, at: start) }
        let begin = position
        position += Int(truncatingIfNeeded: head.value)
        return UnsafeRawBufferPointer(rebasing: input[begin..<position])
    }

    private mutating func pairs(_ count: UInt64, depth: Int) throws(CodecError) {
        var previous = UnsafeRawBufferPointer(start: nil, count: 0)
        for _ in 0..<count {
            let start = position
            guard start < input.count, input[start] >> 5 == 3 else {
                throw CodecError(start < input.count ? .unexpectedType : .truncated, at: start, "text key")
            }
            try item(depth: depth, isKey: true)
            let key = UnsafeRawBufferPointer(rebasing: input[start..<position])
            let order = RawBytes.compare(previous, key)
            guard order < 0 else { throw CodecError(order == 0 ? .duplicateKey : .keyOrder, at: start) }
            previous = key
            try item(depth: depth, isKey: false)
        }
    }

    private mutating func grow() {
        capacity = max(32, capacity * 2)
        let larger = UnsafeMutablePointer<CBORTapeNode>.allocate(capacity: capacity)
        // An open container's own node is written when it closes: the memory moves as it is.
        UnsafeMutableRawPointer(larger).copyMemory(
            from: nodes, byteCount: count * MemoryLayout<CBORTapeNode>.stride)
        nodes.deallocate()
        nodes = larger
    }
}

extension CBORTape {
    func offset(_ index: Int) -> Int { Int(nodes[index].offset) }

    /// The contents of a string.
    @inline(__always)
    func contents(_ index: Int) -> UnsafeRawBufferPointer {
        let node = nodes[index]
        let start = Int(node.offset) + Int(node.headSize)
        return UnsafeRawBufferPointer(rebasing: input[start..<start + Int(truncatingIfNeeded: node.value)])
    }

    @inline(__always)
    func text(_ index: Int) -> String {
        String(decoding: contents(index).bindMemory(to: UInt8.self), as: UTF8.self)
    }

    /// The index of the value with a key, compared as bytes. The search begins where the last one ended.
    func find(_ name: UnsafeBufferPointer<UInt8>, in map: Int) -> Int? {
        let first = map + 1
        let end = Int(nodes[map].end)
        guard first < end else { return nil }
        guard let input = input.baseAddress else { return nil }
        let start = Int(nodes[map].cursor)
        var key = start
        repeat {
            let node = nodes[key]
            let next = Int(nodes[key + 1].end)
            if node.value == UInt64(name.count) {
                let contents = input + (Int(node.offset) + Int(node.headSize))
                if name.isEmpty || RawBytes.equal(contents, name.baseAddress!, count: name.count) {
                    nodes[map].cursor = UInt32(truncatingIfNeeded: next == end ? first : next)
                    return key + 1
                }
            }
            key = next == end ? first : next
        } while key != start
        return nil
    }

    /// - Throws: `cbor.unknown_key`, or another code for other items that no decoder has read.
    func checkAllUsed() throws(CodecError) {
        for index in 0..<count where !nodes[index].isUsed {
            let offset = offset(index)
            if nodes[index].isKey { throw CodecError(.unknownKey, at: offset, text(index)) }
            guard index > 0, !nodes[index - 1].isKey else { throw CodecError(.unexpectedType, at: offset) }
            throw CodecError(.invalidValue, at: offset, "the array has more items than its type")
        }
    }
}

/// Collections whose order is that of hashes.
protocol HashedCollection {
    /// Whether it is a dictionary with keys of type `String`.
    static var isKeyedByText: Bool { get }
}

extension Set: HashedCollection {
    static var isKeyedByText: Bool { false }
}

extension Dictionary: HashedCollection {
    static var isKeyedByText: Bool { Key.self == String.self }
}

/// A type whose CBOR map is written and read by hand, because execution meets it in every block.
///
/// The bytes are those of the Codable front, and exactly those are read: any other order of keys, an
/// unknown or a missing one is refused. The front costs a box, a look-up of types and an allocation for
/// each container; this costs the copying.
@usableFromInline package protocol CBORFields: Codable {
    /// Writes the map. A nil property is absent.
    func write(to writer: inout CBORWriter)
    /// Reads the map.
    init(reading reader: inout CBORReader) throws(CodecError)
}

extension CBORFields {
    /// The map's bytes.
    @usableFromInline package var fieldBytes: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 512)
        write(to: &writer)
        return writer.bytes
    }

    /// - Throws: `cbor.*` where the bytes are not exactly one map of this type.
    @usableFromInline package init(decodingFields bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        self = try Self(reading: &reader)
        try reader.finish()
    }
}

/// The pairs of one map while they are read in the order of their keys' encodings, which is that of the keys'
/// lengths and then of their bytes.
package struct CBORFieldCursor {
    private var left: Int

    /// Opens the map at which the reader stands.
    package init(_ reader: inout CBORReader) throws(CodecError) { left = try reader.map() }

    /// Moves past a key. Its value comes next.
    /// - Throws: `cbor.invalid_value` where another key stands here, or none.
    package mutating func key(_ name: StaticString, _ reader: inout CBORReader) throws(CodecError) {
        guard has(name, &reader) else {
            throw CodecError(.invalidValue, at: reader.offset, "\(name) is missing")
        }
    }

    /// Moves past a key where it stands here.
    package mutating func has(_ name: StaticString, _ reader: inout CBORReader) -> Bool {
        guard left > 0, reader.passes(name) else { return false }
        left -= 1
        return true
    }

    /// - Throws: `cbor.unknown_key` where pairs are left.
    package func end(_ reader: CBORReader) throws(CodecError) {
        guard left == 0 else { throw CodecError(.unknownKey, at: reader.offset) }
    }
}

extension CBORWriter {
    /// Writes a key of a map, at most 255 bytes long.
    package mutating func key(_ name: StaticString) {
        text(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    @usableFromInline package mutating func list<Element: CBORFields>(_ elements: [Element]) {
        array(elements.count)
        for element in elements { element.write(to: &self) }
    }

    package mutating func texts(_ values: some Collection<String>) {
        array(values.count)
        for value in values { text(value) }
    }

    package mutating func digests(_ values: [Digest]) {
        array(values.count)
        for value in values { digest(value) }
    }
}

extension CBORReader {
    /// Reads a list of maps.
    @usableFromInline package mutating func list<Element: CBORFields>(of type: Element.Type)
        throws(CodecError) -> [Element]
    {
        let count = try array()
        var elements: [Element] = []
        // A count is only a claim until its elements have been read.
        elements.reserveCapacity(min(count, 16))
        for _ in 0..<count { elements.append(try Element(reading: &self)) }
        return elements
    }

    /// Reads a list of texts.
    package mutating func texts() throws(CodecError) -> [String] {
        let count = try array()
        var texts: [String] = []
        texts.reserveCapacity(min(count, 16))
        for _ in 0..<count { texts.append(try text()) }
        return texts
    }

    /// Reads a list of at most `limit` digests.
    package mutating func digests(atMost limit: Int = .max) throws(CodecError) -> [Digest] {
        let start = offset
        let count = try array()
        guard count <= limit else { throw CodecError(.tooLarge, at: start, "at most \(limit) hashes") }
        var digests: [Digest] = []
        digests.reserveCapacity(min(count, 16))
        for _ in 0..<count { digests.append(try digest()) }
        return digests
    }
}

/// Reads a map by its text keys.
struct CBORKeyedDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let tape: UnsafeMutablePointer<CBORTape>
    /// The index of the map, or of a case's only value, whatever it is.
    let map: Int
    /// Whether it may be the values of an enumeration's case, and so one value without a label.
    let isPayload: Bool

    var codingPath: [any CodingKey] { [] }

    private var isMap: Bool { tape.pointee.nodes[map].kind == .map }

    /// Every key that the key type knows, in the order of the encoding.
    var allKeys: [Key] {
        guard isMap else { return [] }
        var keys: [Key] = []
        var isPlain = true
        let end = Int(tape.pointee.nodes[map].end)
        var index = map + 1
        while index < end {
            let text = tape.pointee.text(index)
            if let key = Key(stringValue: text) {
                keys.append(key)
                isPlain = isPlain && key.intValue == nil && text.utf8.allSatisfy { $0 < 0x80 }
            }
            index = Int(tape.pointee.nodes[index + 1].end)
        }
        if !isPlain { checkDistinct(keys) }
        return keys
    }

    /// Keys that differ as bytes and are one key to a `Dictionary` would lose an entry: canonically
    /// equivalent texts, and numbers with leading zeros.
    private func checkDistinct(_ keys: [Key]) {
        guard let type = tape.pointee.currentType as? any HashedCollection.Type else { return }
        var seen: Set<String> = []
        for key in keys {
            let text = key.stringValue
            if !type.isKeyedByText, let number = key.intValue, String(number) != text {
                tape.pointee.failure = CodecError(.invalidValue, at: tape.pointee.offset(map), text)
            } else if !text.utf8.allSatisfy({ $0 < 0x80 }), !seen.insert(text).inserted {
                tape.pointee.failure = CodecError(.duplicateKey, at: tape.pointee.offset(map), text)
            }
        }
    }

    @inline(__always)
    private func find(_ key: some CodingKey) -> CBORDecoder? {
        var name = key.stringValue
        if isPayload && name == CBOR.unlabelledKey { return CBORDecoder(tape: tape, index: map) }
        guard isMap else { return nil }
        let tape = tape
        let map = map
        guard let value = name.withUTF8({ tape.pointee.find($0, in: map) }) else { return nil }
        return CBORDecoder(tape: tape, index: value)
    }

    /// The value of a key that must be there, which counts as known from here.
    @inline(__always)
    private func value(_ key: some CodingKey) throws(CodecError) -> CBORDecoder {
        guard let item = find(key) else {
            let offset = tape.pointee.offset(map)
            throw isMap
                ? CodecError(.missingKey, at: offset, key.stringValue)
                : CodecError(.unexpectedType, at: offset)
        }
        markKey(of: item)
        return item
    }

    @inline(__always)
    private func markKey(of item: CBORDecoder) {
        if item.index > map { tape.pointee.nodes[item.index - 1].isUsed = true }
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key).decodeNil() }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try value(key).decode(type) }

    /// Nil where the key is absent. Null is refused, since a nil property is written as absent; only a
    /// case's unlabelled optional, which has no key, is null.
    @inline(__always)
    private func present<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T? {
        guard let item = find(key) else {
            guard isMap else { throw CodecError(.unexpectedType, at: tape.pointee.offset(map)) }
            return nil
        }
        if item.index == map, item.decodeNil() { return nil }
        markKey(of: item)
        return try item.decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let item = try value(key)
        // Anything but a map is left unused: only reading it as the case's value makes it right.
        if tape.pointee.nodes[item.index].kind == .map { try item.use(.map) }
        return KeyedDecodingContainer(
            CBORKeyedDecodingContainer<NestedKey>(tape: tape, map: item.index, isPayload: true))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        let item = try value(key)
        try item.use(.array)
        return CBORUnkeyedDecodingContainer(tape: tape, array: item.index)
    }

    func superDecoder() throws -> any Decoder { try value(CBOR.SuperKey()) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try value(key) }
}

// The standard library's own versions ask for null and take it for absent, so each is replaced.
extension CBORKeyedDecodingContainer {
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        try present(type, key)
    }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try present(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try present(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try present(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try present(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try present(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try present(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try present(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try present(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try present(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try present(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try present(type, key) }
}

/// A place where one item is to be written. It is valid until `CBOR.encode` returns, and must not be kept.
struct CBOREncoder: Encoder, SingleValueEncodingContainer {
    let state: UnsafeMutablePointer<CBOREncoderState>
    /// The index that this encoder's container has among the open ones.
    let index: UInt32
    let owner: UInt32

    /// Empty: errors tell the offset in what was written instead.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// An encoder for the item that comes next.
    @inline(__always)
    init(next state: UnsafeMutablePointer<CBOREncoderState>) {
        self.state = state
        index = UInt32(truncatingIfNeeded: state.pointee.frameCount)
        owner = state.pointee.expectItem()
    }

    /// An encoder that refuses everything, after a failure.
    init(refusing state: UnsafeMutablePointer<CBOREncoderState>) {
        self.state = state
        index = CBOREncoderState.nobody
        owner = CBOREncoderState.nobody
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        state.pointee.open(.map, at: Int(index), owner: owner)
        return KeyedEncodingContainer(
            CBORKeyedEncodingContainer<Key>(state: state, index: index, owner: owner))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if state.pointee.currentType is any HashedCollection.Type {
            state.pointee.failure =
                state.pointee.failure
                ?? CodecError(.unsupported, at: state.pointee.count, "\(state.pointee.currentType)")
        }
        state.pointee.open(.array, at: Int(index), owner: owner)
        return CBORUnkeyedEncodingContainer(state: state, index: index, owner: owner)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        try state.pointee.beginItem(owner: owner)
        state.pointee.byte(0xf6)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try state.pointee.beginItem(owner: owner)
        try CBOREncoder.encodeItem(value, in: state)
    }

    /// Writes an item where the bytes end.
    @inline(__always)
    static func encodeItem<T: Encodable>(
        _ value: T, in state: UnsafeMutablePointer<CBOREncoderState>
    ) throws(CodecError) {
        if T.self == String.self { return state.pointee.text(unsafeBitCast(value, to: String.self)) }
        if T.self == Digest.self { return state.pointee.digest(unsafeBitCast(value, to: Digest.self)) }
        if T.self == Bytes.self {
            return unsafeBitCast(value, to: Bytes.self).array.withUnsafeBytes { state.pointee.string(2, $0) }
        }
        if T.self == Bool.self {
            return state.pointee.byte(unsafeBitCast(value, to: Bool.self) ? 0xf5 : 0xf4)
        }
        if T.self == Int64.self { return state.pointee.integer(unsafeBitCast(value, to: Int64.self)) }
        if T.self == UInt64.self { return state.pointee.integer(unsafeBitCast(value, to: UInt64.self)) }
        if T.self == Int.self { return state.pointee.integer(unsafeBitCast(value, to: Int.self)) }
        if T.self == UInt.self { return state.pointee.integer(unsafeBitCast(value, to: UInt.self)) }
        if T.self == Int32.self { return state.pointee.integer(unsafeBitCast(value, to: Int32.self)) }
        if T.self == UInt32.self { return state.pointee.integer(unsafeBitCast(value, to: UInt32.self)) }
        if T.self == Int16.self { return state.pointee.integer(unsafeBitCast(value, to: Int16.self)) }
        if T.self == UInt16.self { return state.pointee.integer(unsafeBitCast(value, to: UInt16.self)) }
        if T.self == Int8.self { return state.pointee.integer(unsafeBitCast(value, to: Int8.self)) }
        if T.self == UInt8.self { return state.pointee.integer(unsafeBitCast(value, to: UInt8.self)) }
        try encodeComposite(value, in: state)
    }

    /// Remembers a failure, so that a caller who swallows it does not end up with a key that has no value.
    @inline(never)
    private static func encodeComposite<T: Encodable>(
        _ value: T, in state: UnsafeMutablePointer<CBOREncoderState>
    ) throws(CodecError) {
        let start = state.pointee.count
        let enclosing = state.pointee.currentType
        let frames = state.pointee.frameCount
        do {
            if T.self == Double.self || T.self == Float.self { throw CodecError(.floatingPoint, at: start) }
            if T.self == [UInt8].self { throw CodecError(.unsupported, at: start, "[UInt8]: use Bytes") }
            state.pointee.currentType = T.self
            try value.encode(to: CBOREncoder(next: state))
        } catch {
            let failure = CBOR.codecError(error, at: start)
            state.pointee.failure = state.pointee.failure ?? failure
            throw failure
        }
        state.pointee.currentType = enclosing
        state.pointee.settle()
        state.pointee.closeFrames(downTo: frames)
    }
}

/// Writes a map.
struct CBORKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let state: UnsafeMutablePointer<CBOREncoderState>
    let index: UInt32
    let owner: UInt32

    var codingPath: [any CodingKey] { [] }

    @inline(__always)
    private func begin(_ key: some CodingKey) throws(CodecError) {
        try state.pointee.beginItem(key, in: Int(index), owner: owner)
    }

    /// Begins an item where the caller cannot throw. False where it was refused.
    private func begins(_ key: some CodingKey) -> Bool {
        do {
            try begin(key)
            return true
        } catch {
            state.pointee.failure = state.pointee.failure ?? error
            return false
        }
    }

    func encodeNil(forKey key: Key) throws {
        try begin(key)
        state.pointee.byte(0xf6)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try begin(key)
        try CBOREncoder.encodeItem(value, in: state)
    }

    /// Nothing for nil; null where it is a case's unlabelled value, which has no key to leave out.
    @inline(__always)
    private func present<T: Encodable>(_ value: T?, _ key: Key) throws {
        if let value {
            try encode(value, forKey: key)
        } else if state.pointee.isUnlabelled(key, in: Int(index), owner: owner) {
            try encodeNil(forKey: key)
        }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        let begins = begins(key)
        let nested = UInt32(truncatingIfNeeded: state.pointee.frameCount)
        return KeyedEncodingContainer(
            CBORKeyedEncodingContainer<NestedKey>(
                state: state, index: nested,
                owner: begins ? state.pointee.open(.payload) : CBOREncoderState.nobody))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let begins = begins(key)
        let nested = UInt32(truncatingIfNeeded: state.pointee.frameCount)
        return CBORUnkeyedEncodingContainer(
            state: state, index: nested, owner: begins ? state.pointee.open(.array) : 0)
    }

    func superEncoder() -> any Encoder { encoder(CBOR.SuperKey()) }

    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: some CodingKey) -> any Encoder {
        begins(key) ? CBOREncoder(next: state) : CBOREncoder(refusing: state)
    }
}

// The standard library's own versions write nothing for nil, so each is replaced.
extension CBORKeyedEncodingContainer {
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try present(value, key) }
}

/// Writes an array.
struct CBORUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let state: UnsafeMutablePointer<CBOREncoderState>
    let index: UInt32
    let owner: UInt32

    var codingPath: [any CodingKey] { [] }
    var count: Int { state.pointee.itemCount(in: Int(index), owner: owner) }

    private func begin() throws(CodecError) { try state.pointee.beginItem(in: Int(index), owner: owner) }

    private func begins() -> Bool {
        do {
            try begin()
            return true
        } catch {
            state.pointee.failure = state.pointee.failure ?? error
            return false
        }
    }

    func encodeNil() throws {
        try begin()
        state.pointee.byte(0xf6)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try begin()
        try CBOREncoder.encodeItem(value, in: state)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        let begins = begins()
        let nested = UInt32(truncatingIfNeeded: state.pointee.frameCount)
        return KeyedEncodingContainer(
            CBORKeyedEncodingContainer<NestedKey>(
                state: state, index: nested,
                owner: begins ? state.pointee.open(.map) : CBOREncoderState.nobody))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let begins = begins()
        let nested = UInt32(truncatingIfNeeded: state.pointee.frameCount)
        return CBORUnkeyedEncodingContainer(
            state: state, index: nested, owner: begins ? state.pointee.open(.array) : 0)
    }

    func superEncoder() -> any Encoder {
        begins() ? CBOREncoder(next: state) : CBOREncoder(refusing: state)
    }
}

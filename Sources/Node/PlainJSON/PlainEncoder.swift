/// What an encoder has been told of one value, until it is whole.
final class PlainNode {
    private enum Content {
        case nothing
        case value(PlainTree)
        /// Of `fields`.
        case object
        /// Of `items`.
        case list
    }

    private var content = Content.nothing
    // Beside the content and not in it: they grow in place.
    private var fields: [(name: String, node: PlainNode)] = []
    private var items: [PlainNode] = []
    /// The names of the fields are data, as a dictionary's are, and say nothing of what is in them.
    let namesAreData: Bool

    init(_ tree: PlainTree? = nil, namesAreData: Bool = false) {
        if let tree { content = .value(tree) }
        self.namesAreData = namesAreData
    }

    var tree: PlainTree {
        get throws {
            switch content {
            case .nothing: return .object([:])
            case .value(let tree): return tree
            case .list: return .list(try items.map { try $0.tree })
            case .object:
                return .object(
                    Dictionary(
                        try fields.map { ($0.name, try $0.node.tree) }, uniquingKeysWith: { $1 }))
            }
        }
    }

    var count: Int { items.count }

    func set(_ tree: PlainTree) { content = .value(tree) }

    func beginObject() { content = .object }
    func beginList() { content = .list }

    @discardableResult
    func add(_ name: String, _ node: PlainNode) -> PlainNode {
        fields.append((name, node))
        return node
    }

    @discardableResult
    func append(_ node: PlainNode) -> PlainNode {
        items.append(node)
        return node
    }
}

/// Makes a `PlainTree` of anything encodable.
struct PlainEncoder: Encoder {
    let node: PlainNode
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.beginObject()
        return KeyedEncodingContainer(PlainFields<Key>(node: node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.beginList()
        return PlainList(node: node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { PlainValue(node: node) }
}

private struct PlainFields<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: PlainNode
    let codingPath: [any CodingKey] = []

    func encodeNil(forKey key: Key) { node.add(key.stringValue, PlainNode(.null)) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        let name = key.stringValue
        if node.namesAreData {
            node.add(name, PlainNode(try PlainJSON.tree(of: value)))
        } else {
            let field = try PlainJSON.field(name, value)
            node.add(field.name, PlainNode(field.tree))
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        PlainEncoder(node: node.add(key.stringValue, PlainNode())).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        PlainEncoder(node: node.add(key.stringValue, PlainNode())).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { PlainEncoder(node: node.add("super", PlainNode())) }

    func superEncoder(forKey key: Key) -> any Encoder {
        PlainEncoder(node: node.add(key.stringValue, PlainNode()))
    }
}

private struct PlainList: UnkeyedEncodingContainer {
    let node: PlainNode
    let codingPath: [any CodingKey] = []
    var count: Int { node.count }

    func encodeNil() { node.append(PlainNode(.null)) }

    func encode<T: Encodable>(_ value: T) throws { node.append(PlainNode(try PlainJSON.tree(of: value))) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        PlainEncoder(node: node.append(PlainNode())).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        PlainEncoder(node: node.append(PlainNode())).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { PlainEncoder(node: node.append(PlainNode())) }
}

private struct PlainValue: SingleValueEncodingContainer {
    let node: PlainNode
    let codingPath: [any CodingKey] = []

    func encodeNil() { node.set(.null) }

    func encode<T: Encodable>(_ value: T) throws { node.set(try PlainJSON.tree(of: value)) }
}

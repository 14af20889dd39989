/// What an encoder has been told of one value, until it is whole.
final class PlainNode {
    private enum Content {
        case nothing
        case value(PlainTree)
        case object([(name: String, node: PlainNode)])
        case list([PlainNode])
    }

    private var content = Content.nothing

    init(_ tree: PlainTree? = nil) { if let tree { content = .value(tree) } }

    var tree: PlainTree {
        get throws {
            switch content {
            case .nothing: return .object([:])
            case .value(let tree): return tree
            case .list(let nodes): return .list(try nodes.map { try $0.tree })
            case .object(let fields):
                return .object(
                    Dictionary(
                        try fields.map { ($0.name, try $0.node.tree) }, uniquingKeysWith: { $1 }))
            }
        }
    }

    var count: Int { if case .list(let nodes) = content { nodes.count } else { 0 } }

    func set(_ tree: PlainTree) { content = .value(tree) }

    func beginObject() { if case .object = content {} else { content = .object([]) } }
    func beginList() { if case .list = content {} else { content = .list([]) } }

    @discardableResult
    func add(_ name: String, _ node: PlainNode) -> PlainNode {
        guard case .object(let fields) = content else { return node }
        content = .object(fields + [(name, node)])
        return node
    }

    @discardableResult
    func append(_ node: PlainNode) -> PlainNode {
        guard case .list(let nodes) = content else { return node }
        content = .list(nodes + [node])
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
        let field = try PlainJSON.field(key.stringValue, value)
        node.add(field.name, PlainNode(field.tree))
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

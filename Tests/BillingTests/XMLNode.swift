import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of a parsed document: local name, namespace, attributes, text, children. Tests only.
final class XMLNode {
    let name: String
    let namespace: String
    var attributes: [String: String]
    var text = ""
    var children: [XMLNode] = []

    init(_ name: String, namespace: String, attributes: [String: String]) {
        (self.name, self.namespace, self.attributes) = (name, namespace, attributes)
    }

    func first(_ name: String) -> XMLNode? { children.first { $0.name == name } }
    func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }
    func text(_ name: String) -> String? { first(name)?.text }

    func amount(_ name: String) -> Decimal? {
        text(name).flatMap { Decimal(string: $0, locale: Locale(identifier: "en_US_POSIX")) }
    }

    /// The elements at a path of names, in document order.
    func nodes(_ path: [String]) -> [XMLNode] {
        guard let name = path.first else { return [self] }
        return all(name).flatMap { $0.nodes(Array(path.dropFirst())) }
    }

    /// Takes away every element at a path.
    func remove(_ path: String) {
        let names = path.split(separator: "/").map(String.init)
        for parent in nodes(Array(names.dropLast())) { parent.children.removeAll { $0.name == names.last } }
    }

    /// Gives every element at a path another text.
    func set(_ path: String, _ text: String) {
        for node in nodes(path.split(separator: "/").map(String.init)) { node.text = text }
    }

    /// Parses a document with Foundation's own parser.
    static func parse(_ bytes: [UInt8]) throws -> XMLNode {
        let parser = XMLParser(data: Data(bytes))
        let builder = Builder()
        parser.delegate = builder
        parser.shouldProcessNamespaces = true
        guard parser.parse(), let root = builder.root else { throw Malformed(bytes: bytes) }
        return root
    }

    struct Malformed: Error { let bytes: [UInt8] }

    private final class Builder: NSObject, XMLParserDelegate {
        var root: XMLNode?
        private var open: [XMLNode] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            let local = name.split(separator: ":").last.map(String.init) ?? name
            let node = XMLNode(local, namespace: namespaceURI ?? "", attributes: attributes)
            if let parent = open.last { parent.children.append(node) } else { root = node }
            open.append(node)
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) { open.last?.text += text }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            let node = open.removeLast()
            if !node.children.isEmpty { node.text = "…" }
        }
    }
}

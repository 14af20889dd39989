import Codec

/// What a request asks for: the components of a path and the items of a query, without percent signs.
///
/// A literal is split at `/` and taken as it stands: `"/v1/blocks"` has two components. What comes from
/// elsewhere goes into `init(_:query:)`, where a slash or a question mark inside a component stays inside it.
package struct HTTPTarget: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    package struct Item: Sendable, Hashable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    package let components: [String]
    package let query: [Item]

    package init(_ components: [String], query: [Item] = []) {
        (self.components, self.query) = (components, query)
    }

    package init(stringLiteral path: String) {
        self.init(path.split(separator: "/").map(String.init))
    }

    /// Reads the target of a request line, such as `/v1/machines/press%207?from=2`.
    ///
    /// nil where it does not begin with a slash, an escape is not two hexadecimal digits, the decoded text is
    /// not UTF-8 or holds a zero byte, or a component is `.` or `..`, which clients have resolved already.
    package init?(parsing text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, path.utf8.first == UInt8(ascii: "/") else { return nil }
        var components: [String] = []
        if path.utf8.count > 1 {
            for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
                guard let component = HTTPTarget.decoded(part.utf8, plusIsSpace: false), component != ".",
                    component != ".."
                else { return nil }
                components.append(component)
            }
        }
        var items: [Item] = []
        if parts.count > 1 {
            for part in parts[1].split(separator: "&") {
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = HTTPTarget.decoded(pair[0].utf8, plusIsSpace: true),
                    let value = pair.count < 2 ? "" : HTTPTarget.decoded(pair[1].utf8, plusIsSpace: true)
                else { return nil }
                items.append(Item(name, value))
            }
        }
        self.init(components, query: items)
    }

    /// The first value of a name in the query.
    package func value(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The target as it stands in a request line.
    package var description: String {
        let path = "/" + components.map(HTTPTarget.encoded).joined(separator: "/")
        guard !query.isEmpty else { return path }
        let items = query.map { "\(HTTPTarget.encoded($0.name))=\(HTTPTarget.encoded($0.value))" }
        return path + "?" + items.joined(separator: "&")
    }

    /// Percent-encodes everything but the unreserved characters of RFC 3986 §2.3.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return result
    }

    private static func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            text.formIndex(after: &index)
            if byte == UInt8(ascii: "+") && plusIsSpace {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%") {
                guard let end = text.index(index, offsetBy: 2, limitedBy: text.endIndex),
                    let value = Hex.decode(String(decoding: text[index..<end], as: UTF8.self)), value[0] != 0
                else { return nil }
                bytes += value
                index = end
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

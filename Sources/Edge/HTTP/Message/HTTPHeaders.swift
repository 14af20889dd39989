/// Header fields in the order in which they came; names compare without case (RFC 9110 §5.1).
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    package struct Field: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first value of a name; setting it replaces every value, and nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { HTTPHeaders.equal($0.name, name) }?.value }
        set {
            fields.removeAll { HTTPHeaders.equal($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    /// Adds a value beside those that the name has.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Every value of a name.
    package func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.equal($0.name, name) }.map(\.value)
    }

    /// Whether every name is a token and no value holds a control character, which could begin another line
    /// (RFC 9110 §5.5, §5.6.2). Tabs, which are allowed there, are refused here: libmicrohttpd sends none.
    package var isWellFormed: Bool {
        fields.allSatisfy { field in
            !field.name.isEmpty && field.name.utf8.allSatisfy(HTTPHeaders.isTokenByte)
                && field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func equal(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count
            && zip(one.utf8, other.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

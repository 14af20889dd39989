import Foundation

/// A JSON value without floating point: decimals are written as texts, such as "12.50".
enum JSONValue: Sendable, Decodable {
    case text(String)
    case integer(Int64)
    case bool(Bool)
    case list([JSONValue])
    /// In the order in which it is to be written.
    case object([(key: String, value: JSONValue)])

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            let keys = container.allKeys.sorted { $0.stringValue < $1.stringValue }
            self = .object(
                try keys.map { ($0.stringValue, try container.decode(JSONValue.self, forKey: $0)) })
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var list: [JSONValue] = []
            while !container.isAtEnd { list.append(try container.decode(JSONValue.self)) }
            self = .list(list)
            return
        }
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    /// The value as JSON, indented, objects in their own order, short lists of texts on one line.
    func text(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .text(let text): return JSONValue.quoted(text)
        case .integer(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .list(let list):
            let items = list.map { $0.text(indent: inner) }
            let line = "[" + items.joined(separator: ", ") + "]"
            let isShort = line.utf8.count + inner.utf8.count <= 100 && !line.contains("\n")
            return isShort ? line : JSONValue.block(items, "[", "]", indent)
        case .object(let fields):
            let items = fields.map { JSONValue.quoted($0.key) + ": " + $0.value.text(indent: inner) }
            return items.isEmpty ? "{}" : JSONValue.block(items, "{", "}", indent)
        }
    }

    private static func block(_ items: [String], _ open: String, _ close: String, _ indent: String) -> String
    {
        open + "\n" + items.map { indent + "  " + $0 }.joined(separator: ",\n") + "\n" + indent + close
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// A value in a terms file, with its place for error messages.
struct TermsField {
    let value: JSONValue
    /// Such as `tariff.lines[1].price`.
    let path: String

    func bad(_ what: String) -> NodeError {
        NodeError("terms.bad_value", "at \(path.isEmpty ? "the top" : path): it must be \(what)")
    }

    func text() throws(NodeError) -> String {
        guard case .text(let text) = value else { throw bad("a text") }
        return text
    }

    func integer(_ range: ClosedRange<Int64>) throws(NodeError) -> Int64 {
        guard case .integer(let number) = value, range.contains(number) else {
            throw bad("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func list() throws(NodeError) -> [TermsField] {
        guard case .list(let list) = value else { throw bad("a list") }
        return list.enumerated().map { TermsField(value: $1, path: "\(path)[\($0)]") }
    }

    /// - Throws: `terms.unknown_key` for a key that is not among those known.
    func object(_ known: [String]) throws(NodeError) -> TermsObject {
        guard case .object(let fields) = value else { throw bad("an object") }
        for field in fields where !known.contains(field.key) {
            let place = path.isEmpty ? field.key : "\(path).\(field.key)"
            throw NodeError(
                "terms.unknown_key", "at \(place): the keys here are \(known.joined(separator: ", "))")
        }
        return TermsObject(fields: fields, path: path)
    }

    /// One of an enum's values by its name.
    func choice<T: RawRepresentable & CaseIterable>(_ type: T.Type) throws(NodeError) -> T
    where T.RawValue == String {
        guard let choice = T(rawValue: try text()) else {
            throw bad("one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// Decimal text as a count of units of 10⁻ᵈⁱᵍⁱᵗˢ; more decimals are refused, never rounded.
    func decimal(digits: Int, _ what: String) throws(NodeError) -> Int64 {
        guard case .text(let text) = value, let number = TermsField.decimal(text, digits: digits) else {
            throw bad("\(what) with at most \(digits) decimals, as a text")
        }
        return number
    }

    static func decimal(_ text: String, digits: Int) -> Int64? {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == 0x2d
        if isNegative { rest.removeFirst() }
        let parts = rest.split(separator: 0x2e, maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? Array(parts[1]) : []
        guard let whole = parts.first, !whole.isEmpty, parts.count == 1 || !fraction.isEmpty,
            fraction.count <= digits
        else { return nil }
        var number: Int64 = 0
        for byte in whole + fraction + Array(repeating: 0x30, count: digits - fraction.count) {
            guard 0x30...0x39 ~= byte else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !carried else { return nil }
            number = sum
        }
        return isNegative ? -number : number
    }
}

/// An object in a terms file.
struct TermsObject {
    let fields: [(key: String, value: JSONValue)]
    let path: String

    func optional(_ key: String) -> TermsField? {
        let place = path.isEmpty ? key : "\(path).\(key)"
        return fields.first { $0.key == key }.map { TermsField(value: $0.value, path: place) }
    }

    func required(_ key: String) throws(NodeError) -> TermsField {
        guard let field = optional(key) else {
            throw NodeError("terms.missing_key", "at \(path.isEmpty ? key : "\(path).\(key)"): it is missing")
        }
        return field
    }
}

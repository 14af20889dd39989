import Billing
import Foundation

/// A JSON object of a mapping file. Keys that nobody asked for are refused, so that a misspelt one is
/// noticed.
struct MappingObject {
    private indirect enum Value: Decodable {
        case text(String)
        case integer(Int64)
        case bool(Bool)
        case list([Value])
        case object([String: Value])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .integer(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let value = try? container.decode([Value].self) {
                self = .list(value)
            } else {
                self = .object(try container.decode([String: Value].self))
            }
        }
    }

    /// Where the object stands in the file, for messages: `state.thresholds[2]`.
    let path: String
    private let values: [String: Value]
    private var asked: Set<String> = []

    private init(_ values: [String: Value], path: String) { (self.values, self.path) = (values, path) }

    /// - Throws: `mapping.invalid_json`.
    init(json: Data) throws(TelemetryError) {
        do {
            self.init(try JSONDecoder().decode([String: Value].self, from: json), path: "")
        } catch {
            throw TelemetryError(
                .mappingInvalidJSON,
                "not a JSON object of texts, whole numbers, lists and objects (decimals are written as texts)"
            )
        }
    }

    private func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func invalid(_ key: String, _ what: String) -> TelemetryError {
        TelemetryError(.mappingInvalidValue, "\(place(key)) \(what)")
    }

    private mutating func value(_ key: String) -> Value? {
        asked.insert(key)
        return values[key]
    }

    private func required<T>(_ value: T?, _ key: String) throws(TelemetryError) -> T {
        guard let value else { throw TelemetryError(.mappingMissingKey, "\(place(key)) is missing") }
        return value
    }

    /// Whether the key is there.
    func has(_ key: String) -> Bool { values[key] != nil }

    mutating func optionalText(_ key: String) throws(TelemetryError) -> String? {
        switch value(key) {
        case nil: return nil
        case .text(let text): return text
        default: throw invalid(key, "must be a text")
        }
    }

    mutating func text(_ key: String) throws(TelemetryError) -> String {
        try required(optionalText(key), key)
    }

    mutating func optionalInteger(
        _ key: String, in range: ClosedRange<Int64>
    ) throws(TelemetryError) -> Int64? {
        switch value(key) {
        case nil: return nil
        case .integer(let number) where range.contains(number): return number
        default:
            throw invalid(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    mutating func bool(_ key: String) throws(TelemetryError) -> Bool {
        switch value(key) {
        case nil: return false
        case .bool(let value): return value
        default: throw invalid(key, "must be true or false")
        }
    }

    mutating func optionalTexts(_ key: String) throws(TelemetryError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard case .list(let list) = value else { throw invalid(key, "must be a list of texts") }
        var texts: [String] = []
        for item in list {
            guard case .text(let text) = item else { throw invalid(key, "must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    mutating func optionalObject(_ key: String) throws(TelemetryError) -> MappingObject? {
        switch value(key) {
        case nil: return nil
        case .object(let values): return MappingObject(values, path: place(key))
        default: throw invalid(key, "must be an object")
        }
    }

    mutating func object(_ key: String) throws(TelemetryError) -> MappingObject {
        try required(optionalObject(key), key)
    }

    /// A list of objects; empty where the key is absent.
    mutating func objects(_ key: String) throws(TelemetryError) -> [MappingObject] {
        guard let value = value(key) else { return [] }
        guard case .list(let list) = value else { throw invalid(key, "must be a list of objects") }
        var objects: [MappingObject] = []
        for (index, item) in list.enumerated() {
            guard case .object(let values) = item else { throw invalid(key, "must be a list of objects") }
            objects.append(MappingObject(values, path: "\(place(key))[\(index)]"))
        }
        return objects
    }

    /// A choice by its name; nil where the key is absent.
    mutating func optionalChoice<T: RawRepresentable<String>>(
        _ key: String, _ choices: [T]
    ) throws(TelemetryError) -> T? {
        guard let text = try optionalText(key) else { return nil }
        guard let choice = choices.first(where: { $0.rawValue == text }) else {
            let names = choices.map(\.rawValue).joined(separator: ", ")
            throw invalid(key, "is \"\(text)\"; it must be one of \(names)")
        }
        return choice
    }

    mutating func choice<T: RawRepresentable<String>>(
        _ key: String, _ choices: [T]
    ) throws(TelemetryError) -> T {
        try required(optionalChoice(key, choices), key)
    }

    /// A decimal number written as a text; nil where the key is absent.
    mutating func optionalQuantity(_ key: String) throws(TelemetryError) -> Quantity? {
        guard let text = try optionalText(key) else { return nil }
        guard let value = try? DecimalText.quantity(Array(text.utf8)[...]) else {
            throw invalid(key, "is not a decimal number: \"\(text)\"")
        }
        return value
    }

    /// What each of the source's texts means; every key of the object is one.
    mutating func meanings<T: RawRepresentable<String>>(
        _ key: String, _ choices: [T]
    ) throws(TelemetryError) -> [String: T] {
        guard var object = try optionalObject(key) else { return [:] }
        var meanings: [String: T] = [:]
        for word in object.values.keys.sorted() { meanings[word] = try object.choice(word, choices) }
        return meanings
    }

    /// A name or unit: 1 to 64 bytes without control characters.
    mutating func name(_ key: String) throws(TelemetryError) -> String {
        let name = try text(key)
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw invalid(key, "must have 1 to 64 bytes and no control characters")
        }
        return name
    }

    /// Call last: refuses keys that were never asked for.
    func finish() throws(TelemetryError) {
        guard let unknown = values.keys.sorted().first(where: { !asked.contains($0) }) else { return }
        throw TelemetryError(.mappingUnknownKey, "\(place(unknown)) is not a key of a mapping")
    }
}

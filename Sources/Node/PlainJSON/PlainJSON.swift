import Foundation
import Ledger
import Telemetry

/// Values as JSON for other programs: what the ledger keeps, in plain names.
///
/// * A time is RFC 3339 text in UTC, `2026-03-01T08:00:00Z`, with three, six or nine decimals where needed.
///   Where RFC 3339 has no form for it, before the year 0 and after 9999, it is milliseconds since 1970.
/// * A length of time is a whole number, and its field's name ends with the unit: `acceptWithinMilliseconds`.
/// * A choice without details is its name, `"customersChoice"`; one with details is an object of that one
///   name, `{"bestScore": {"weights": …}}`.
/// * A dictionary is an object whose names are its keys: they are data and say nothing of what they name.
/// * Digests and bytes are hexadecimal, amounts whole minor units of the record's currency, rates millionths.
/// * What is absent has no field.
///
/// Nothing that is hashed or signed goes through it: that is `CBOR`.
package enum PlainJSON {
    /// - Parameters:
    ///   - fields: more fields of the object, or of each object in the list.
    ///   - isPretty: over several lines.
    package static func data(
        _ value: some Encodable, adding fields: [(name: String, value: Bool)] = [], isPretty: Bool = true
    ) throws -> Data {
        var tree = try tree(of: value)
        for field in fields { tree.add(field.name, .flag(field.value)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            isPretty
            ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(tree)
    }

    /// The field that says whether something is of a demonstration's ledger, of whatever is on a ledger.
    package static let simulated = "simulated"

    /// What people call the fields that hold a time as milliseconds since 1970 UTC.
    package static let times = [
        "upSince": "upSince", "until": "until", "from": "from", "to": "to", "oemConcluded": "oemConcluded",
        "customerConcluded": "customerConcluded", "fromMilliseconds": "from", "toMilliseconds": "to",
        "finalTimeMilliseconds": "finalTime", "startedMilliseconds": "started", "madeMilliseconds": "made",
        "time": "time",
    ]
    /// Those that hold several.
    package static let listsOfTimes: Set = ["periodEnds"]

    // MARK: Plain forms

    /// A field as it is named and what it holds.
    static func field(_ name: String, _ value: some Encodable) throws -> (name: String, tree: PlainTree) {
        switch value {
        case let span as Span: (name + "Milliseconds", .integer(span.nanoseconds / 1_000_000))
        case let time as Int64 where times[name] != nil: (times[name] ?? name, plain(milliseconds: time))
        case let list as [Int64] where listsOfTimes.contains(name):
            (name, .list(list.map(plain(milliseconds:))))
        default: (name, try tree(of: value))
        }
    }

    static func tree(of value: some Encodable) throws -> PlainTree {
        switch value {
        case let time as Ledger.Timestamp: return plain(time)
        case let span as Span: return .integer(span.nanoseconds / 1_000_000)
        case let flag as Bool: return .flag(flag)
        case let text as String: return .text(text)
        case let number as Double: return .number(number)
        case let number as any BinaryInteger:
            if let integer = Int64(exactly: number) { return .integer(integer) }
            if let natural = UInt64(exactly: number) { return .natural(natural) }
        default: break
        }
        let node = PlainNode(namesAreData: value is any NamedByData)
        try value.encode(to: PlainEncoder(node: node))
        return simplified(try node.tree, of: value)
    }

    /// Undoes what the compiler makes of an enum: a nested object for each case, `_0` for what has no label.
    private static func simplified(_ tree: PlainTree, of value: some Encodable) -> PlainTree {
        guard case .object(let cases) = tree, cases.count == 1, let (name, details) = cases.first,
            Mirror(reflecting: value).displayStyle == .enum, case .object(let fields) = details
        else { return tree }
        if fields.isEmpty { return .text(name) }
        guard fields.count == 1, let only = fields["_0"] else { return tree }
        return .object([name: only])
    }

    private static func plain(_ time: Ledger.Timestamp) -> PlainTree {
        text(time.nanoseconds, perSecond: 1_000_000_000).map(PlainTree.text) ?? .integer(time.milliseconds)
    }

    private static func plain(milliseconds: Int64) -> PlainTree {
        text(milliseconds, perSecond: 1_000).map(PlainTree.text) ?? .integer(milliseconds)
    }

    /// The years 0 to 9999, as RFC 3339 has them, in seconds since 1970 UTC.
    private static let years: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// A time since 1970 UTC as RFC 3339 has it; nil before the year 0 and after 9999.
    /// - Parameter unit: how many of it are a second: 1000 for milliseconds, 10⁹ for nanoseconds.
    private static func text(_ time: Int64, perSecond unit: Int64) -> String? {
        var (seconds, rest) = time.quotientAndRemainder(dividingBy: unit)
        // What is before 1970 counts from the second before it.
        if rest < 0 { (seconds, rest) = (seconds - 1, rest + unit) }
        guard years.contains(seconds) else { return nil }
        let second = Telemetry.Timestamp.text(seconds * 1_000).split(separator: " ").joined(separator: "T")
        let digits = String(rest * (1_000_000_000 / unit))
        var fraction = (String(repeating: "0", count: 9 - digits.count) + digits)[...]
        while fraction.hasSuffix("000") { fraction = fraction.dropLast(3) }
        return second + (fraction.isEmpty ? "" : ".\(fraction)") + "Z"
    }
}

/// An object's names are the value's keys, and no names of ours.
private protocol NamedByData {}

extension Dictionary: NamedByData {}

/// A JSON value.
indirect enum PlainTree: Encodable {
    case null
    case flag(Bool)
    case integer(Int64)
    case natural(UInt64)
    case number(Double)
    case text(String)
    case list([PlainTree])
    case object([String: PlainTree])

    /// Adds a field to an object, or to each object in a list.
    mutating func add(_ name: String, _ value: PlainTree) {
        switch self {
        case .object(var fields):
            fields[name] = value
            self = .object(fields)
        case .list(let items):
            self = .list(
                items.map { item in
                    var item = item
                    item.add(name, value)
                    return item
                })
        default: break
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .natural(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let items): try container.encode(items)
        case .object(let fields): try container.encode(fields)
        }
    }
}

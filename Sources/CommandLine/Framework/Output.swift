import Billing
import Codec
import Contracts
import Foundation
import Ledger

/// Results as people and programs read them.
enum Output {
    /// Prints a value as JSON with sorted keys.
    static func json(_ value: some Encodable) throws { Terminal.print(try jsonText(value)) }

    static func jsonText(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// UTC, to the second where the rest is zero.
    static func time(_ time: Timestamp) -> String { ISO8601.text(milliseconds: time.milliseconds) }

    /// A record's fields as indented lines, times and digests readable.
    static func fields(_ value: Any, indent: String = "") -> String {
        fields(value, indent: indent, currency: nil)
    }

    /// - Parameter currency: of the amounts within, where the record around them names one.
    private static func fields(_ value: Any, indent: String, currency: CurrencyCode?) -> String {
        let mirror = Mirror(reflecting: value)
        // The entries of a list have no names: they are numbered.
        let children = mirror.children.enumerated().compactMap { index, child in
            (child.label ?? (mirror.displayStyle == .collection ? "\(index + 1)" : nil)).map {
                ($0, child.value)
            }
        }
        let currency = children.lazy.compactMap { $0.1 as? CurrencyCode }.first ?? currency
        let width = children.map { label($0.0).count }.max() ?? 0
        return children.compactMap { name, value -> String? in
            let title = label(name)
            if let text = scalar(value, currency) {
                guard !text.isEmpty else { return nil }
                return indent + title.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + text
            }
            let inner = fields(unwrapped(value) ?? value, indent: indent + "  ", currency: currency)
            return inner.isEmpty ? nil : indent + title + "\n" + inner
        }.joined(separator: "\n")
    }

    /// `disputeUntil` as `dispute until`; list positions and unnamed values as they are.
    private static func label(_ name: String) -> String {
        var text = ""
        var afterLowercase = false
        for character in name {
            if character.isUppercase && afterLowercase { text += " " }
            afterLowercase = character.isLowercase
            text += character.lowercased()
        }
        return text.hasPrefix(".") ? "-" : text
    }

    private static func unwrapped(_ value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional else { return value }
        return mirror.children.first.flatMap { unwrapped($0.value) }
    }

    /// One line for simple values, nil for those with fields of their own, empty for absent ones.
    private static func scalar(_ value: Any, _ currency: CurrencyCode?) -> String? {
        guard let value = unwrapped(value) else { return "" }
        switch value {
        case let time as Timestamp: return self.time(time)
        case let span as Span: return duration(milliseconds: span.nanoseconds / 1_000_000)
        case let bytes as Bytes: return bytes.description
        case let text as String: return text
        case let flag as Bool: return flag ? "yes" : "no"
        case let quantity as Quantity: return decimal(millionths: quantity.millionths)
        case let amount as MinorUnits:
            return currency.map { self.amount(amount, $0) } ?? "\(amount.rawValue) minor units"
        case let rate as Rate: return "\(rate.percentText) %"
        case let interval as Interval:
            return ISO8601.text(milliseconds: interval.from) + " to "
                + ISO8601.text(milliseconds: interval.to)
        case let raw as any RawRepresentable<String>: return raw.rawValue
        case let text as any CustomStringConvertible where !(value is any Collection): return text.description
        default: break
        }
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .collection || mirror.displayStyle == .set {
            let parts = mirror.children.map { scalar($0.value, currency) }
            if parts.contains(where: { $0 == nil }) { return nil }
            return parts.compactMap { $0 }.joined(separator: ", ")
        }
        if mirror.displayStyle == .enum, mirror.children.isEmpty { return "\(value)" }
        return mirror.children.isEmpty ? "" : nil
    }

    /// `1234.50 EUR`.
    static func amount(_ amount: MinorUnits, _ currency: CurrencyCode) -> String {
        "\(amount.text(in: currency)) \(currency)"
    }

    static func decimal(millionths: Int64) -> String {
        let magnitude = millionths.magnitude
        var fraction = String(magnitude % 1_000_000)
        fraction = String(repeating: "0", count: 6 - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        let whole = (millionths < 0 ? "-" : "") + String(magnitude / 1_000_000)
        return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }

    /// `2 d 4 h`, `3 h 12 min`, `41 s`: the two largest units.
    static func duration(milliseconds: Int64) -> String {
        let units: [(Int64, String)] = [
            (86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"),
        ]
        var rest = abs(milliseconds)
        var parts: [String] = []
        for (size, name) in units where parts.count < 2 {
            let count = rest / size
            rest %= size
            if count > 0 { parts.append("\(count) \(name)") } else if !parts.isEmpty { break }
        }
        return (milliseconds < 0 ? "-" : "") + (parts.isEmpty ? "0 s" : parts.joined(separator: " "))
    }
}

import Billing
import Codec
import Contracts
import Ledger
import Node

/// Records as people read them.
extension Output {
    /// A record's fields as indented lines of at most 80 columns; times, money and lengths of time readable.
    /// - Parameter currency: of amounts, where the record names none.
    static func fields(_ value: Any, indent: String = "", currency: CurrencyCode? = nil) -> String {
        lines(value, indent: indent, currency: currencyWithin(value) ?? currency)
    }

    /// The first currency that a record names at any depth: it has one for all.
    private static func currencyWithin(_ value: Any) -> CurrencyCode? {
        if let currency = value as? CurrencyCode { return currency }
        return Mirror(reflecting: value).children.lazy.compactMap { currencyWithin($0.value) }.first
    }

    private static func lines(_ value: Any, indent: String, currency: CurrencyCode?) -> String {
        let mirror = Mirror(reflecting: value)
        // The entries of a list have no names: they are numbered.
        let fields = mirror.children.enumerated().compactMap { index, child in
            (child.label ?? (mirror.displayStyle == .collection ? "\(index + 1)" : nil)).map {
                Field($0, child.value)
            }
        }
        let currency = fields.lazy.compactMap { $0.value as? CurrencyCode }.first ?? currency
        let width = fields.map(\.title.count).max() ?? 0
        return fields.compactMap { field -> String? in
            if let text = field.text ?? scalar(field.value, currency) {
                return text.isEmpty ? nil : line(field.title, text, indent: indent, width: width)
            }
            let inner = lines(
                unwrapped(field.value) ?? field.value, indent: indent + "  ", currency: currency)
            return inner.isEmpty ? nil : indent + field.title + "\n" + inner
        }.joined(separator: "\n")
    }

    /// `title  text`, the text going on below itself, or below its title where it fits only there.
    private static func line(_ title: String, _ text: String, indent: String, width: Int) -> String {
        let head = indent + title.padding(toLength: width, withPad: " ", startingAt: 0) + "  "
        let room = Help.width - head.count
        let beside = Help.wrapped(text, width: room)
        if beside.allSatisfy({ $0.count <= room }) {
            return head + beside.joined(separator: "\n" + String(repeating: " ", count: head.count))
        }
        let below = Help.wrapped(text, width: Help.width - indent.count - 2)
        return ([indent + title] + below.map { indent + "  " + $0 }).joined(separator: "\n")
    }

    /// A field as it is named and, where its name says what its number counts, as it is read.
    private struct Field {
        let title: String
        let value: Any
        /// Nil where the value's type says how it is read.
        let text: String?

        init(_ name: String, _ value: Any) {
            self.value = value
            let number = Output.unwrapped(value)
            if let list = number as? [Int64], PlainJSON.listsOfTimes.contains(name) {
                (title, text) = (
                    Field.label(name), list.map(ISO8601.text(milliseconds:)).joined(separator: ", ")
                )
            } else if let time = number as? Int64, let end = PlainJSON.times[name] {
                (title, text) = (Field.label(end), ISO8601.text(milliseconds: time))
            } else if let count = number as? Int64,
                let unit = Field.units.first(where: { name.hasSuffix($0.suffix) })
            {
                let (length, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
                title = Field.label(String(name.dropLast(unit.suffix.count)))
                text = overflow ? "\(count)" : Output.duration(milliseconds: length)
            } else {
                (title, text) = (Field.label(name), nil)
            }
        }

        private static let units: [(suffix: String, milliseconds: Int64)] = [
            ("Milliseconds", 1), ("Seconds", 1000), ("Minutes", 60_000),
        ]

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
        case let interval as Interval: return ISO8601.text(interval)
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
}

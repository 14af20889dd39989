import Billing
import Codec
import Contracts
import Ledger
import Node

/// Results as people and programs read them.
enum Output {
    /// Prints a value as JSON with sorted keys.
    /// - Parameters:
    ///   - isSimulated: whether it is of a demonstration's ledger, which it then says; nil where it is of
    ///     none.
    ///   - isPretty: over several lines.
    static func json(_ value: some Encodable, isSimulated: Bool? = nil, isPretty: Bool = true) throws {
        let fields = isSimulated.map { [(PlainJSON.simulated, $0)] } ?? []
        let data = try PlainJSON.data(value, adding: fields, isPretty: isPretty)
        Terminal.print(String(decoding: data, as: UTF8.self))
    }

    /// UTC, to the second where the rest is zero.
    static func time(_ time: Timestamp) -> String { ISO8601.text(milliseconds: time.milliseconds) }

    /// `1234.50 EUR`.
    static func amount(_ amount: MinorUnits, _ currency: CurrencyCode) -> String {
        "\(amount.text(in: currency)) \(currency)"
    }

    /// `66.7 %`, as one compares rates in a list; `show` and `--json` are exact.
    static func rounded(_ rate: Rate) -> String {
        "\(Rate(ppm: (rate.ppm + 500) / 1000 * 1000).percentText) %"
    }

    /// `1 document`, `2 documents`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
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

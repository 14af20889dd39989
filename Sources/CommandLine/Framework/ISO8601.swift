import Billing
import Telemetry

/// Times as people write and read them on the command line: ISO 8601, UTC where no zone is named.
enum ISO8601 {
    /// Milliseconds since 1970 UTC; a date alone means its midnight. Nil where the text is no time.
    static func milliseconds(_ text: String) -> Int64? {
        let full = text.utf8.count == 10 ? text + "T00:00:00Z" : text
        return Timestamp(Array(full.utf8)[...])?.milliseconds
    }

    /// `… to …`, both in UTC.
    static func text(_ interval: Interval) -> String {
        "\(text(milliseconds: interval.from)) to \(text(milliseconds: interval.to))"
    }

    /// `2026-03-01 08:00:00 UTC`, with milliseconds where there are any.
    static func text(milliseconds: Int64) -> String { Timestamp.text(milliseconds) + " UTC" }

    /// The same in one word, as options take it: `2026-03-01T08:00:00Z`.
    static func option(milliseconds: Int64) -> String {
        String(Timestamp.text(milliseconds).map { $0 == " " ? "T" : $0 }) + "Z"
    }
}

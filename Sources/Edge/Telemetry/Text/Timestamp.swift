/// A point in time as machines write it, in milliseconds since 1970 UTC. Smaller parts are cut off, not
/// rounded.
package struct Timestamp: Hashable, Sendable {
    package let milliseconds: Int64
    /// False where the text named no zone, so that one had to be assumed.
    package let hasZone: Bool

    /// How a column writes time.
    package enum Format: String, Sendable {
        case iso8601
        /// Seconds since 1970 UTC, with or without decimals.
        case epochSeconds
        case epochMilliseconds
    }

    /// The last millisecond that is accepted: the end of the year 9999.
    static let latest: Int64 = 253_402_300_799_999

    /// The time in a field, or nil where it is not exactly of the format or outside 1970…9999.
    /// - Parameter assumedOffset: minutes east of UTC for text without a zone.
    package init?(_ field: ArraySlice<UInt8>, format: Format = .iso8601, assumedOffset: Int64 = 0) {
        let parsed: (Int64, Bool)?
        switch format {
        case .iso8601: parsed = Self.iso8601(field, assumedOffset: assumedOffset)
        case .epochSeconds: parsed = Self.epoch(field, decimals: 3).map { ($0, true) }
        case .epochMilliseconds: parsed = Self.epoch(field, decimals: 0).map { ($0, true) }
        }
        guard let (value, hasZone) = parsed, (0...Self.latest).contains(value) else { return nil }
        (self.milliseconds, self.hasZone) = (value, hasZone)
    }

    /// Digits, and a fraction of which `decimals` digits count.
    private static func epoch(_ field: Field, decimals: Int) -> Int64? {
        var cursor = Cursor(field)
        guard let whole = cursor.digits(1...15) else { return nil }
        let fraction = cursor.fraction(decimals)
        guard let fraction, cursor.isAtEnd else { return nil }
        return whole * (decimals == 3 ? 1000 : 1) + fraction
    }

    /// ISO 8601 extended form (RFC 3339, with the zone optional and a space allowed for `T`).
    private static func iso8601(_ field: Field, assumedOffset: Int64) -> (Int64, Bool)? {
        var cursor = Cursor(field)
        guard let year = cursor.digits(4...4), cursor.take(0x2d),
            let month = cursor.digits(2...2), cursor.take(0x2d),
            let day = cursor.digits(2...2),
            cursor.take(0x54) || cursor.take(0x74) || cursor.take(0x20),
            let hour = cursor.digits(2...2), cursor.take(0x3a),
            let minute = cursor.digits(2...2), cursor.take(0x3a),
            let second = cursor.digits(2...2), let fraction = cursor.fraction(3),
            (1...12).contains(month), day >= 1, day <= daysInMonth(month, year: year),
            hour <= 23, minute <= 59, second <= 59
        else { return nil }
        let hasZone = !cursor.isAtEnd
        guard let offset = hasZone ? cursor.zone() : assumedOffset, cursor.isAtEnd else { return nil }
        let days = CivilDate(year: year, month: month, day: day).days
        let minutes = (days * 24 + hour) * 60 + minute - offset
        return ((minutes * 60 + second) * 1000 + fraction, hasZone)
    }

    private static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `2014-01-07 02:55:00`, with milliseconds where there are any. UTC.
    package static func text(_ milliseconds: Int64) -> String {
        let day = 86_400_000 as Int64
        let inDay = (milliseconds % day + day) % day
        let date = CivilDate(days: (milliseconds - inDay) / day)
        let (seconds, rest) = (inDay / 1000, inDay % 1000)
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2)) "
            + clock.joined(separator: ":") + (rest == 0 ? "" : "." + padded(rest, 3))
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// Minutes east of UTC: `Z`, `+01:00`, `+0100` or `+01`; nil where it is none of these.
    package static func offsetMinutes(_ text: String) -> Int64? {
        var cursor = Cursor(Array(text.utf8)[...])
        guard let minutes = cursor.zone(), cursor.isAtEnd else { return nil }
        return minutes
    }
}

/// A day of the proleptic Gregorian calendar and its number from 1970-01-01 (H. Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil` and `civil_from_days`).
struct CivilDate: Hashable {
    let year, month, day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    init(days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    var days: Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Reads a fixed form from the front of a field.
private struct Cursor {
    private var rest: Field

    init(_ field: Field) { rest = field }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// As many digits as there are, if that is a number of them in `allowed` (at most 18).
    mutating func digits(_ allowed: ClosedRange<Int>) -> Int64? {
        var (value, count) = (0 as Int64, 0)
        while count < allowed.upperBound, let byte = rest.first, (0x30...0x39).contains(byte) {
            value = value * 10 + Int64(byte - 0x30)
            count += 1
            rest = rest.dropFirst()
        }
        return count >= allowed.lowerBound ? value : nil
    }

    /// A fraction's first `places` digits as an integer, the rest cut off; 0 where there is no fraction.
    mutating func fraction(_ places: Int) -> Int64? {
        guard take(0x2e) || take(0x2c) else { return 0 }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return (0..<places).reduce(0 as Int64) { value, place in
            value * 10 + (place < digits.count ? Int64(digits[digits.startIndex + place] - 0x30) : 0)
        }
    }

    /// Minutes east of UTC.
    mutating func zone() -> Int64? {
        if take(0x5a) || take(0x7a) { return 0 }
        let isWest = rest.first == 0x2d
        guard take(0x2b) || take(0x2d), let hours = digits(2...2), hours <= 23 else { return nil }
        var minutes: Int64 = 0
        if take(0x3a) || !isAtEnd {
            guard let given = digits(2...2), given <= 59 else { return nil }
            minutes = given
        }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }
}

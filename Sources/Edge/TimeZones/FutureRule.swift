import Billing

/// The rule for times after the table: a POSIX `TZ` string with RFC 9636 §3.3.1's wider range of hours.
///
/// For example `CET-1CEST,M3.5.0,M10.5.0/3`: one hour east; from the last Sunday of March at 2:00 to the
/// last of October at 3:00 two hours east.
struct FutureRule: Sendable {
    /// A day of any year.
    enum Day: Equatable, Sendable {
        /// `Jn`: 1 to 365, 29 February never counted.
        case withoutLeapDay(Int)
        /// `n`: 0 to 365, 29 February counted.
        case ofYear(Int)
        /// `Mm.w.d`: the week-th (5: last) weekday (0: Sunday) of a month.
        case weekday(month: Int, week: Int, weekday: Int)
    }

    /// When clocks change: a day, and seconds after its midnight, -167 to 167 hours.
    struct Change: Equatable, Sendable {
        let day: Day
        let seconds: Int
    }

    struct Daylight: Equatable, Sendable {
        let offset: Int
        let start: Change
        let end: Change
    }

    /// Seconds east of UTC.
    let standard: Int
    let daylight: Daylight?

    /// The Gregorian calendar repeats itself, weekdays included, every 400 years: 146 097 days.
    private static let period: Int64 = 146_097 * 86_400
    /// 2000-01-01, the beginning of a period.
    private static let origin: Int64 = 10_957 * 86_400

    /// Seconds east of UTC at any instant, in seconds since 1970 UTC.
    func offset(at utcSeconds: Int64) -> Int {
        guard daylight != nil else { return standard }
        // Reduced before anything is subtracted, so that no instant overflows.
        let remainder = (utcSeconds % FutureRule.period - FutureRule.origin) % FutureRule.period
        let time = FutureRule.origin + (remainder < 0 ? remainder + FutureRule.period : remainder)
        let year = FutureRule.year(of: time)
        // A change can fall up to a week outside its year, so three years hold the latest one.
        return changes(in: year - 1...year + 1).last { $0.at <= time }?.offsetSeconds ?? standard
    }

    /// All changes in `[from, to)`, within 1970 to 9999.
    func transitions(from: Int64, to: Int64) -> [ZoneRules.Transition] {
        guard daylight != nil, from < to else { return [] }
        let years = FutureRule.year(of: from) - 1...FutureRule.year(of: to - 1) + 1
        var found: [ZoneRules.Transition] = []
        for change in changes(in: years) where from <= change.at && change.at < to {
            // Where daylight time lasts all year, one ends as the next begins: the beginning holds.
            if found.last?.at == change.at { found.removeLast() }
            found.append(change)
        }
        return found
    }

    /// The changes of some years by rising time, those of one time in the order of their years.
    private func changes(in years: ClosedRange<Int>) -> [ZoneRules.Transition] {
        years.flatMap(changes(in:)).enumerated()
            .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    /// The two changes of a year by rising time; none outside 1970 to 9999.
    private func changes(in year: Int) -> [ZoneRules.Transition] {
        guard let daylight, let first = CivilDate(year: year, month: 1, day: 1) else { return [] }
        func at(_ change: Change, before offset: Int) -> Int64 {
            let day = FutureRule.dayOfYear(change.day, year: year, first: first)
            return (first.daysSinceEpoch + Int64(day)) * 86_400 + Int64(change.seconds - offset)
        }
        let start = ZoneRules.Transition(
            at: at(daylight.start, before: standard), offsetSeconds: daylight.offset)
        let end = ZoneRules.Transition(
            at: at(daylight.end, before: daylight.offset), offsetSeconds: standard)
        return start.at <= end.at ? [start, end] : [end, start]
    }

    /// Days after 1 January.
    private static func dayOfYear(_ day: Day, year: Int, first: CivilDate) -> Int {
        switch day {
        case .ofYear(let number): return number
        case .withoutLeapDay(let number):
            return CivilDate.days(inMonth: 2, of: year) == 29 && number >= 60 ? number : number - 1
        case .weekday(let month, let week, let weekday):
            let before = (1..<month).reduce(0) { $0 + CivilDate.days(inMonth: $1, of: year) }
            // CivilDate's Sunday is 7, POSIX's is 0.
            let firstWeekday = (first.weekday + before) % 7
            let found = (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            let isBeyond = found >= CivilDate.days(inMonth: month, of: year)
            return before + (isBeyond ? found - 7 : found)
        }
    }

    private static func year(of utcSeconds: Int64) -> Int {
        CivilDate(daysSinceEpoch: utcSeconds / 86_400)?.components.year ?? 1970
    }
}

extension FutureRule {
    /// Nil for anything that is not such a rule.
    init?(parsing text: [UInt8]) {
        var parser = RuleParser(text)
        guard parser.name(), let west = parser.time(maximumHours: 24) else { return nil }
        standard = -west
        if parser.isAtEnd {
            daylight = nil
            return
        }
        guard parser.name() else { return nil }
        var offset = standard + 3600
        if !parser.next(is: ",") {
            guard let west = parser.time(maximumHours: 24) else { return nil }
            offset = -west
        }
        // POSIX leaves the dates of a daylight time without a rule to the system; a ledger cannot.
        guard parser.take(","), let start = parser.change(), parser.take(","), let end = parser.change(),
            parser.isAtEnd
        else { return nil }
        daylight = Daylight(offset: offset, start: start, end: end)
    }
}

/// Takes a rule's text apart.
private struct RuleParser {
    private let text: [UInt8]
    private var offset = 0

    init(_ text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { offset == text.count }

    func next(is character: Unicode.Scalar) -> Bool {
        offset < text.count && text[offset] == UInt8(ascii: character)
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next(is: character) else { return false }
        offset += 1
        return true
    }

    /// Three letters or more, or three of letters, digits, "+" and "-" within angle brackets.
    mutating func name() -> Bool {
        let isQuoted = take("<")
        let start = offset
        while offset < text.count {
            switch text[offset] {
            case 0x41...0x5a, 0x61...0x7a: break
            case 0x30...0x39, 0x2b, 0x2d:
                if !isQuoted { return offset - start >= 3 }
            default:
                let count = offset - start
                return count >= 3 && (!isQuoted || take(">"))
            }
            offset += 1
        }
        return !isQuoted && offset - start >= 3
    }

    /// At most five digits.
    mutating func number() -> Int? {
        var value: Int?
        let start = offset
        while offset < text.count, 0x30...0x39 ~= text[offset], offset - start < 5 {
            value = (value ?? 0) * 10 + Int(text[offset] - 0x30)
            offset += 1
        }
        return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(maximumHours: Int) -> Int? {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard let hours = number(), hours <= maximumHours else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] {
            guard take(":") else { break }
            guard let value = number(), value <= 59 else { return nil }
            seconds += value * unit
        }
        return isNegative ? -seconds : seconds
    }

    mutating func change() -> FutureRule.Change? {
        guard let day = day() else { return nil }
        guard take("/") else { return FutureRule.Change(day: day, seconds: 7200) }
        guard let seconds = time(maximumHours: 167) else { return nil }
        return FutureRule.Change(day: day, seconds: seconds)
    }

    private mutating func day() -> FutureRule.Day? {
        if take("J") {
            guard let number = number(), 1...365 ~= number else { return nil }
            return .withoutLeapDay(number)
        }
        guard take("M") else {
            guard let number = number(), number <= 365 else { return nil }
            return .ofYear(number)
        }
        guard let month = number(), 1...12 ~= month, take("."), let week = number(), 1...5 ~= week,
            take("."), let weekday = number(), weekday <= 6
        else { return nil }
        return .weekday(month: month, week: week, weekday: weekday)
    }
}

/// A day of the Gregorian calendar without a time zone, 1970-01-01 to 9999-12-31. Coded as "2025-03-30".
package struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    package let daysSinceEpoch: Int64

    /// The last day's number: 9999-12-31.
    package static let lastDay: Int64 = 2_932_896

    /// Nil outside the range.
    package init?(daysSinceEpoch: Int64) {
        guard 0...CivilDate.lastDay ~= daysSinceEpoch else { return nil }
        self.daysSinceEpoch = daysSinceEpoch
    }

    /// Nil for a day that the calendar does not have.
    package init?(year: Int, month: Int, day: Int) {
        guard 1970...9999 ~= year, 1...12 ~= month, 1...CivilDate.days(inMonth: month, of: year) ~= day else {
            return nil
        }
        // Days from civil, H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in
        // March.
        let shifted = Int64(month > 2 ? year : year - 1)
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * Int64((month + 9) % 12) + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        daysSinceEpoch = era * 146_097 + dayOfEra - 719_468
    }

    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The day in figures.
    package var components: (year: Int, month: Int, day: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(day))
    }

    /// Monday is 1, Sunday is 7 (ISO 8601).
    package var weekday: Int { Int((daysSinceEpoch + 3) % 7) + 1 }

    /// - Throws: `billing.time_out_of_range`.
    package func adding(days: Int64) throws(BillingError) -> CivilDate {
        let (sum, overflow) = daysSinceEpoch.addingReportingOverflow(days)
        guard !overflow, let result = CivilDate(daysSinceEpoch: sum) else {
            throw BillingError(.timeOutOfRange)
        }
        return result
    }

    package static func < (left: CivilDate, right: CivilDate) -> Bool {
        left.daysSinceEpoch < right.daysSinceEpoch
    }

    package var description: String {
        let (year, month, day) = components
        return "\(DecimalText.padded(year, width: 4))-\(DecimalText.padded(month, width: 2))-"
            + DecimalText.padded(day, width: 2)
    }
}

extension CivilDate: RawRepresentable, Codable {
    package var rawValue: String { description }

    /// Reads exactly "YYYY-MM-DD" (ISO 8601); nil for anything else.
    package init?(rawValue: String) {
        let text = Array(rawValue.utf8)
        guard text.count == 10, text[4] == 0x2d, text[7] == 0x2d else { return nil }
        var numbers: [Int] = []
        for range in [0..<4, 5..<7, 8..<10] {
            var number = 0
            for byte in text[range] {
                guard 0x30...0x39 ~= byte else { return nil }
                number = number * 10 + Int(byte - 0x30)
            }
            numbers.append(number)
        }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }
}

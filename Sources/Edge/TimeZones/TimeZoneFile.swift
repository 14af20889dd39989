import Billing

/// A time zone as tzdata has it: its past from a table, its future from a rule (RFC 9636, which replaced
/// RFC 8536).
package struct TimeZoneFile: Sendable {
    /// From a moment on (seconds since 1970 UTC) clocks are so many seconds east of UTC.
    package typealias Transition = ZoneRules.Transition

    package let name: String
    /// The release of the database.
    package let version: String
    /// Seconds east of UTC before the table's first transition.
    private let initialOffset: Int
    /// By rising time; neighbours may have the same offset.
    private let table: [Transition]
    private let rule: FutureRule

    /// Reads a zone.
    /// - Throws: `timezone.unknown`, `timezone.damaged`, `timezone.unsupported`.
    package init(name: String, in database: TimeZoneDatabase = .system) throws(TimeZoneError) {
        try self.init(name: name, version: database.version, bytes: try database.bytes(of: name))
    }

    /// Reads the bytes of a TZif file.
    /// - Throws: `timezone.damaged`, `timezone.unsupported`.
    package init(name: String, version: String, bytes: [UInt8]) throws(TimeZoneError) {
        var reader = TZifReader(bytes)
        let content = try reader.content()
        (self.name, self.version, table, rule) = (name, version, content.transitions, content.rule)
        // Without transitions the rule gives all times (RFC 9636 §3.2).
        initialOffset = table.isEmpty ? content.rule.offset(at: 0) : content.firstOffset
        // RFC 9636 §3.3: the rule agrees with the last type from the last transition on.
        if let last = table.last, rule.offset(at: last.at) != last.offsetSeconds {
            throw TimeZoneError(.damaged, "the rule for the future contradicts the table")
        }
    }

    /// Seconds east of UTC at an instant in seconds since 1970 UTC, any at all.
    package func offsetSeconds(at utcSeconds: Int64) -> Int {
        guard let last = table.last else { return rule.offset(at: utcSeconds) }
        if utcSeconds >= last.at { return rule.offset(at: utcSeconds) }
        let next = table.firstIndex(after: utcSeconds)
        return next == 0 ? initialOffset : table[next - 1].offsetSeconds
    }

    /// Where the offset changes in `[from, to)`, by rising time.
    /// - Throws: `timezone.out_of_range` for times outside 1970 to 9999, or `to` before `from`.
    package func transitions(from: Int64, to: Int64) throws(TimeZoneError) -> [Transition] {
        guard 0 <= from, from <= to, to <= TimeZoneFile.latest else {
            throw TimeZoneError(.outOfRange, "1970 to 9999, and not backwards")
        }
        var candidates = Array(table[table.firstIndex(after: from - 1)..<table.firstIndex(after: to - 1)])
        // The table's own last transition holds where the rule has one at the same time.
        let ruled = max(from, (table.last?.at).map { $0 + 1 } ?? from)
        if ruled < to { candidates += rule.transitions(from: ruled, to: to) }
        var offset = offsetSeconds(at: from - 1)
        var changes: [Transition] = []
        for candidate in candidates where candidate.offsetSeconds != offset {
            changes.append(candidate)
            offset = candidate.offsetSeconds
        }
        return changes
    }

    /// The zone for one agreement: all that Billing needs for times in `[from, to)`.
    ///
    /// Take a day more on each side than the agreement runs, so that local days at its ends resolve too.
    /// - Throws: `timezone.out_of_range` for times outside 1970 to 9999, or more than 1000 transitions.
    package func rules(from: Int64, to: Int64) throws(TimeZoneError) -> ZoneRules {
        let rules = ZoneRules(
            name: name, tzdataVersion: version, initialOffsetSeconds: offsetSeconds(at: max(from, 0) - 1),
            transitions: try transitions(from: from, to: to))
        guard rules.isValid else { throw TimeZoneError(.outOfRange, "more transitions than terms may hold") }
        return rules
    }

    /// The first second of the year 10000.
    private static let latest = (CivilDate.lastDay + 1) * 86_400
}

extension [ZoneRules.Transition] {
    /// The index of the first transition later than a time; the count where there is none.
    fileprivate func firstIndex(after time: Int64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].at <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A time zone frozen for one agreement: its offsets from UTC and when they change, as tzdata had them.
///
/// Resolved at the edge when terms are proposed and checked by who accepts; Billing uses nothing else.
package struct ZoneRules: Hashable, Codable, Sendable {
    package struct Transition: Hashable, Codable, Sendable {
        /// Seconds since 1970 UTC from which the offset holds.
        package var at: Int64
        /// Seconds east of UTC.
        package var offsetSeconds: Int

        package init(at: Int64, offsetSeconds: Int) { (self.at, self.offsetSeconds) = (at, offsetSeconds) }
    }

    /// The IANA name, such as "Europe/Berlin".
    package var name: String
    /// The release of the time zone database, such as "2025b".
    package var tzdataVersion: String
    /// Seconds east of UTC before the first transition.
    package var initialOffsetSeconds: Int
    /// By rising time, each time once.
    package var transitions: [Transition]

    package init(
        name: String, tzdataVersion: String, initialOffsetSeconds: Int, transitions: [Transition]
    ) {
        (self.name, self.tzdataVersion) = (name, tzdataVersion)
        (self.initialOffsetSeconds, self.transitions) = (initialOffsetSeconds, transitions)
    }

    package static let utc = ZoneRules(
        name: "UTC", tzdataVersion: "", initialOffsetSeconds: 0, transitions: [])

    /// The most transitions that terms may hold: two a year for centuries.
    package static let maximumTransitions = 1000

    /// Whether transitions rise, lie within 1970 to 9999, and every offset is at most a day.
    package var isValid: Bool {
        guard transitions.count <= ZoneRules.maximumTransitions, -86_400...86_400 ~= initialOffsetSeconds
        else { return false }
        var previous: Int64 = -1
        for transition in transitions {
            guard transition.at > previous, transition.at <= Interval.latest / 1000,
                -86_400...86_400 ~= transition.offsetSeconds
            else { return false }
            previous = transition.at
        }
        return true
    }

    /// Seconds east of UTC at an instant.
    package func offsetSeconds(atMilliseconds time: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            // Whole seconds rounded down; `time` is not negative where terms are valid.
            if transitions[middle].at <= time / 1000 { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? initialOffsetSeconds : transitions[low - 1].offsetSeconds
    }

    /// The local day at an instant, and the milliseconds since its local midnight as a clock on the
    /// wall shows them.
    /// - Throws: `billing.time_out_of_range`, also where the rules are not valid.
    package func local(
        atMilliseconds time: Int64
    ) throws(BillingError) -> (date: CivilDate, millisecondsOfDay: Int64) {
        guard isValid, 0...Interval.latest ~= time else { throw BillingError(.timeOutOfRange) }
        let local = time + Int64(offsetSeconds(atMilliseconds: time)) * 1000
        guard local >= 0, let date = CivilDate(daysSinceEpoch: local / 86_400_000) else {
            throw BillingError(.timeOutOfRange)
        }
        return (date, local % 86_400_000)
    }

    /// The first instant at or after which local clocks show a time of a day.
    ///
    /// Where clocks go back and show it twice, the earlier; where they go forward past it, the
    /// transition.
    /// - Parameter millisecondsOfDay: 0 to 86 400 000, the latter the next midnight.
    /// - Throws: `billing.time_out_of_range`, also where the rules are not valid.
    package func milliseconds(
        of date: CivilDate, at millisecondsOfDay: Int64 = 0
    ) throws(BillingError) -> Int64 {
        guard isValid, 0...86_400_000 ~= millisecondsOfDay else { throw BillingError(.timeOutOfRange) }
        let local = date.daysSinceEpoch * 86_400_000 + millisecondsOfDay
        var offset = initialOffsetSeconds
        var begins: Int64 = 0
        for transition in transitions {
            let candidate = local - Int64(offset) * 1000
            if candidate < transition.at * 1000 { break }
            (offset, begins) = (transition.offsetSeconds, transition.at * 1000)
        }
        // A candidate before its own offset begins was skipped over: the clocks jumped past it.
        let time = max(local - Int64(offset) * 1000, begins)
        guard 0...Interval.latest ~= time else { throw BillingError(.timeOutOfRange) }
        return time
    }
}

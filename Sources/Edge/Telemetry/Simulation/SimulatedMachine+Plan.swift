extension SimulatedMachine {
    /// Working time on each weekday from Monday to Friday, in minutes of the local day, half-open.
    package struct Shift: Hashable, Sendable {
        package var fromMinute: Int64
        package var toMinute: Int64

        package init(fromMinute: Int64, toMinute: Int64) {
            (self.fromMinute, self.toMinute) = (fromMinute, toMinute)
        }
    }

    /// A failure to come.
    package struct Failure: Hashable, Sendable {
        /// Milliseconds since 1970 UTC.
        package var time: Int64
        /// The machine's own code and text.
        package var code: String

        package init(time: Int64, code: String) { (self.time, self.code) = (time, code) }
    }

    /// What the machine is and what befalls it. Times are milliseconds since 1970 UTC.
    package struct Plan: Hashable, Sendable {
        package var seed: UInt64
        /// Entries are made in `[from, to)`, the first exactly at `from`.
        package var from: Int64
        package var to: Int64
        package var intervalMilliseconds: Int64 = 60_000
        /// East of UTC; no daylight saving, as on the clock of most machines.
        package var localOffsetMinutes: Int64 = 60
        /// Within a day, in order, not overlapping.
        package var shifts = [
            Shift(fromMinute: 6 * 60, toMinute: 14 * 60), Shift(fromMinute: 14 * 60, toMinute: 22 * 60),
        ]
        package var cycleMilliseconds: Int64 = 30_000
        /// A cycle takes up to this much more or less.
        package var cycleJitterMilliseconds: Int64 = 2_000
        package var scrapPartsPerMillion: Int64 = 20_000
        /// The chance, after a part, of a stop of 20 s to 4 min.
        package var shortStopPartsPerMillion: Int64 = 4_000
        /// The chance, after a part, of waiting 8 to 35 min for material.
        package var idlePartsPerMillion: Int64 = 1_000
        /// In order of time.
        package var failures: [Failure]
        /// Repairs that are known from the beginning; others come by `repair(at:)`.
        package var repairs: [Int64] = []

        package init(seed: UInt64, from: Int64, to: Int64, failures: [Failure] = []) {
            (self.seed, self.from, self.to, self.failures) = (seed, from, to, failures)
        }

        /// Whether a time is in a shift, and when that next changes.
        func working(at time: Int64) -> (isWorking: Bool, until: Int64) {
            let day: Int64 = 86_400_000
            let local = time + localOffsetMinutes * 60_000
            let inDay = (local % day + day) % day
            let midnight = time - inDay
            let number = (local - inDay) / day
            // 1970-01-01 was a Thursday; Monday is 0.
            let weekday = ((number + 3) % 7 + 7) % 7
            guard weekday < 5 else { return (false, midnight + day) }
            for shift in shifts {
                let (from, to) = (shift.fromMinute * 60_000, shift.toMinute * 60_000)
                if inDay < from { return (false, midnight + from) }
                if inDay < to { return (true, midnight + to) }
            }
            return (false, midnight + day)
        }
    }
}

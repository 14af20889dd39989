/// Something about the data that a reader of the invoice should know.
package struct DataQualityNote: Hashable, Codable, Sendable {
    package enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        /// Sequence numbers are missing.
        case missingEntries = "MISSING_ENTRIES"
        /// Nothing was reported for more than three reporting intervals.
        case silence = "SILENCE"
        /// The device's clock went backwards.
        case clockStep = "CLOCK_STEP"
        /// A counter fell and began again.
        case counterReset = "COUNTER_RESET"
        /// The source said that it has no data.
        case unavailable = "UNAVAILABLE"
        /// The OEM contests a batch of entries, and time to put that right is over: it counts as missing.
        case contested = "CONTESTED"
    }

    /// One occurrence, at the entry that showed it.
    package struct Example: Hashable, Codable, Sendable {
        package var sequence: UInt64
        /// Milliseconds since 1970 UTC.
        package var time: Int64
        /// Milliseconds of silence or of a clock step, missing or contested entries, or the counter's value
        /// after a reset.
        package var amount: Int64

        package init(sequence: UInt64, time: Int64, amount: Int64) {
            (self.sequence, self.time, self.amount) = (sequence, time, amount)
        }
    }

    package var kind: Kind
    package var count: Int64
    /// The first few.
    package var examples: [Example]

    package init(kind: Kind, count: Int64, examples: [Example]) {
        (self.kind, self.count, self.examples) = (kind, count, examples)
    }

    /// The most examples that a note keeps.
    package static let maximumExamples = 3
}

/// What a machine does, as it reports it (OPC 40001-1, "OPC UA for Machinery"). It never says who is to
/// blame.
package enum MachineState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Off.
    case notAvailable = "NotAvailable"
    /// Error or blocked.
    case outOfService = "OutOfService"
    /// Functional, waiting.
    case notExecuting = "NotExecuting"
    case executing = "Executing"
    /// The source says that it has no data (MTConnect UNAVAILABLE, Sparkplug NDEATH): neither up nor down.
    case unknown = "Unknown"
}

/// What a machine is being used for, the second axis of OPC 40001-1.
package enum MachineMode: String, Codable, Hashable, Sendable, CaseIterable {
    case none = "None"
    case maintenance = "Maintenance"
    case setup = "Setup"
    case processing = "Processing"
}

/// A number with six decimals, counted in millionths: quantities and measured values.
package struct Quantity: Hashable, Comparable, Codable, Sendable {
    package var millionths: Int64

    package init(millionths: Int64) { self.millionths = millionths }

    package static func < (left: Quantity, right: Quantity) -> Bool { left.millionths < right.millionths }

    package init(from decoder: any Decoder) throws {
        millionths = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millionths)
    }
}

/// One numbered reading of a machine. What is absent is unchanged since the entry before.
package struct TelemetryEntry: Hashable, Codable, Sendable {
    /// A running total that the machine counts; one that falls began again at zero.
    package struct Counter: Hashable, Codable, Sendable {
        /// `good`, `produced`, or the machine's own name.
        package var name: String
        package var value: UInt64

        package init(name: String, value: UInt64) { (self.name, self.value) = (name, value) }
    }

    /// A measured value in its unit (UN/CEFACT Recommendation 20 code or plain text).
    package struct Measure: Hashable, Codable, Sendable {
        package var name: String
        package var value: Quantity
        package var unit: String

        package init(name: String, value: Quantity, unit: String) {
            (self.name, self.value, self.unit) = (name, value, unit)
        }
    }

    /// The device's own contiguous number, from 1. Entries are ordered by it, not by the clock.
    package var sequence: UInt64
    /// The device's clock: milliseconds since 1970 UTC.
    package var time: Int64
    package var state: MachineState?
    package var mode: MachineMode?
    /// A fault that begins with this entry: the machine's own code and text.
    package var fault: String?
    /// Sorted by name, each once.
    package var counters: [Counter]
    /// Sorted by name, each once.
    package var measures: [Measure]

    package init(
        sequence: UInt64, time: Int64, state: MachineState? = nil, mode: MachineMode? = nil,
        fault: String? = nil, counters: [Counter] = [], measures: [Measure] = []
    ) {
        (self.sequence, self.time, self.state, self.mode) = (sequence, time, state, mode)
        (self.fault, self.counters, self.measures) = (fault, counters, measures)
    }
}

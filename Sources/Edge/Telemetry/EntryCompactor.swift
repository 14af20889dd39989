import Billing

/// What was read at one instant. Absent values were not read.
struct Reading {
    var time: Int64
    var state: MachineState?
    var mode: MachineMode?
    var fault: String?
    /// One place for each counter and measure of the mapping, in its order.
    var counters: [UInt64?]
    var measures: [Quantity?]

    init(time: Int64, counters: Int, measures: Int) {
        self.time = time
        self.counters = Array(repeating: nil, count: counters)
        self.measures = Array(repeating: nil, count: measures)
    }
}

/// Numbers entries and leaves out what is unchanged since the entry before.
struct EntryCompactor {
    private let counterNames: [String]
    private let measureNames: [(name: String, unit: String)]
    private var sequence: UInt64
    private var state: MachineState?
    private var mode: MachineMode?
    private var counters: [UInt64?]
    private var measures: [Quantity?]

    /// Names are sorted by their UTF-8 bytes, each once.
    init(counters: [String], measures: [(name: String, unit: String)], startingAt sequence: UInt64) {
        (counterNames, measureNames, self.sequence) = (counters, measures, sequence)
        self.counters = Array(repeating: nil, count: counters.count)
        self.measures = Array(repeating: nil, count: measures.count)
    }

    func reading(at time: Int64) -> Reading {
        Reading(time: time, counters: counterNames.count, measures: measureNames.count)
    }

    /// The source withdrew the value: the next one is told even if it is the same.
    mutating func forgetCounter(_ index: Int) { counters[index] = nil }
    mutating func forgetMeasure(_ index: Int) { measures[index] = nil }

    /// An entry with what changed; where nothing did, nil or, if asked for, an entry that says "still so".
    mutating func entry(_ reading: Reading, evenIfUnchanged: Bool) -> TelemetryEntry? {
        var entry = TelemetryEntry(sequence: sequence, time: reading.time, fault: reading.fault)
        if let new = reading.state, new != state { (entry.state, state) = (new, new) }
        if let new = reading.mode, new != mode { (entry.mode, mode) = (new, new) }
        for index in counterNames.indices {
            guard let new = reading.counters[index], new != counters[index] else { continue }
            counters[index] = new
            entry.counters.append(.init(name: counterNames[index], value: new))
        }
        for index in measureNames.indices {
            guard let new = reading.measures[index], new != measures[index] else { continue }
            measures[index] = new
            let (name, unit) = measureNames[index]
            entry.measures.append(.init(name: name, value: new, unit: unit))
        }
        let isUnchanged =
            entry.state == nil && entry.mode == nil && entry.fault == nil && entry.counters.isEmpty
            && entry.measures.isEmpty
        guard evenIfUnchanged || !isUnchanged else { return nil }
        sequence &+= 1
        return entry
    }
}

/// A fault's text in an entry: at most 256 bytes of UTF-8, cut between characters.
func faultText(_ text: String) -> String {
    guard text.utf8.count > 256 else { return text }
    var cut = ""
    for character in text {
        guard cut.utf8.count + character.utf8.count <= 253 else { break }
        cut.append(character)
    }
    return cut + "…"
}

import Billing

/// What the keys of an MTConnect adapter's log mean.
package struct SHDRMapping: Sendable {
    /// What a key feeds. Every key feeds one thing.
    enum Target: Hashable, Sendable {
        case availability, power, execution, mode
        case counter(Int)
        case measure(Int)
        case condition
    }

    let common: CommonMapping
    /// Keys may begin with `device:`; those of other devices are left out.
    let device: String?
    let targets: [String: Target]
    /// Words of the execution key that this machine uses in its own way.
    let executionWords: [String: MachineState]
    let modeWords: [String: MachineMode]
    let counters: [CounterMapping]
    let measures: [MeasureMapping]

    /// MTConnect `ControllerMode` as what the machine is used for. In AUTOMATIC and SEMI_AUTOMATIC a program
    /// makes parts; in MANUAL, MANUAL_DATA_INPUT and EDIT a person moves axes, tries blocks or writes
    /// programs, which is setting up. MTConnect has no mode for maintenance: that is a ticket's matter, not
    /// the controller's.
    static let controllerModes: [String: MachineMode] = [
        "AUTOMATIC": .processing, "SEMI_AUTOMATIC": .processing, "MANUAL": .setup,
        "MANUAL_DATA_INPUT": .setup, "EDIT": .setup,
    ]

    init(_ object: inout MappingObject) throws(TelemetryError) {
        common = try CommonMapping(&object)
        device = try object.optionalText("device")
        var targets: [String: Target] = [:]
        func add(_ key: String, _ target: Target) throws(TelemetryError) {
            guard targets.updateValue(target, forKey: key) == nil else {
                throw TelemetryError(.mappingInvalidValue, "the key \"\(key)\" is used twice")
            }
        }
        if let key = try object.optionalText("availability") { try add(key, .availability) }
        if let key = try object.optionalText("power") { try add(key, .power) }
        var execution = try object.object("execution")
        try add(execution.text("key"), .execution)
        executionWords = try execution.meanings("values", MachineState.allCases)
        try execution.finish()
        if var mode = try object.optionalObject("mode") {
            try add(mode.text("key"), .mode)
            let own = try mode.meanings("values", MachineMode.allCases)
            modeWords = Self.controllerModes.merging(own) { _, own in own }
            try mode.finish()
        } else {
            modeWords = [:]
        }
        counters = try object.counters(placeKey: "key")
        guard counters.allSatisfy({ $0.kind == .total }) else {
            throw object.invalid("counters", "must be running totals: a log repeats what did not change")
        }
        for (index, counter) in counters.enumerated() { try add(counter.place, .counter(index)) }
        measures = try object.measures(placeKey: "key")
        for (index, measure) in measures.enumerated() { try add(measure.place, .measure(index)) }
        for key in try object.optionalTexts("faults") ?? [] { try add(key, .condition) }
        self.targets = targets
        try object.finish()
    }

    /// What a key feeds, with or without the device's name before it.
    func target(_ key: Field) -> Target? {
        guard let colon = key.position(of: 0x3a) else { return targets[key.text] }
        if let target = targets[key.text] { return target }
        guard let device, key[..<colon].text == device else { return nil }
        return targets[key[(colon + 1)...].text]
    }
}

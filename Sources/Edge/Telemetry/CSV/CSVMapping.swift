import Billing

/// What the columns of a table mean.
package struct CSVMapping: Sendable {
    enum State: Sendable {
        case column(String, [String: MachineState])
        case thresholds(ThresholdRules)
    }

    enum Mode: Sendable {
        case column(String, [String: MachineMode])
        case always(MachineMode)
    }

    let common: CommonMapping
    let separator: UInt8
    let point: UInt8
    /// Whether a column that the mapping does not name is an error.
    let isStrict: Bool
    /// The columns' names where the file has no header.
    let columns: [String]?
    /// Texts that stand for "no value".
    let unavailable: Set<String>
    let timeColumn: String
    let timeFormat: Timestamp.Format
    /// Minutes east of UTC for times without a zone.
    let assumedOffset: Int64
    let counters: [CounterMapping]
    let measures: [MeasureMapping]
    let state: State?
    let mode: Mode?
    let faultColumn: String?
    /// Texts of the fault column that mean that there is none.
    let noFault: Set<String>

    init(_ object: inout MappingObject) throws(TelemetryError) {
        common = try CommonMapping(&object)
        separator = try Self.byte("separator", of: &object) ?? 0x2c
        point = try Self.byte("decimalSeparator", of: &object) ?? 0x2e
        guard point == 0x2e || point == 0x2c else {
            throw object.invalid("decimalSeparator", "must be . or ,")
        }
        isStrict = try object.bool("strict")
        columns = try object.optionalTexts("columns")
        unavailable = Set(try object.optionalTexts("unavailable") ?? [""])

        var time = try object.object("time")
        timeColumn = try time.text("column")
        timeFormat =
            try time.optionalChoice("format", [.iso8601, .epochSeconds, .epochMilliseconds]) ?? .iso8601
        let offset = try time.optionalText("utcOffset")
        guard let minutes = Timestamp.offsetMinutes(offset ?? "Z") else {
            throw time.invalid("utcOffset", "must be like +01:00")
        }
        assumedOffset = minutes
        try time.finish()

        counters = try object.counters(placeKey: "column")
        measures = try object.measures(placeKey: "column")
        state = try Self.state(&object, measures: measures)
        mode = try Self.mode(&object)
        var fault = try object.optionalObject("fault")
        faultColumn = try fault?.text("column")
        noFault = Set(try fault?.optionalTexts("none") ?? [""])
        try fault?.finish()
        try object.finish()
    }

    private static func byte(_ key: String, of object: inout MappingObject) throws(TelemetryError) -> UInt8? {
        guard let text = try object.optionalText(key) else { return nil }
        guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80,
            ![0x22, 0x0a, 0x0d, 0x00].contains(byte)
        else { throw object.invalid(key, "must be one ASCII character, not a quote or a line end") }
        return byte
    }

    private static func state(
        _ object: inout MappingObject, measures: [MeasureMapping]
    ) throws(TelemetryError) -> State? {
        guard var state = try object.optionalObject("state") else { return nil }
        guard state.has("column") else {
            let rules = try ThresholdRules(&state, measures: measures)
            try state.finish()
            return .thresholds(rules)
        }
        let column = try state.text("column")
        let values = try state.meanings("values", MachineState.allCases)
        try state.finish()
        return .column(column, values)
    }

    private static func mode(_ object: inout MappingObject) throws(TelemetryError) -> Mode? {
        guard var mode = try object.optionalObject("mode") else { return nil }
        if let always = try mode.optionalChoice("always", MachineMode.allCases) {
            try mode.finish()
            return .always(always)
        }
        let column = try mode.text("column")
        let values = try mode.meanings("values", MachineMode.allCases)
        try mode.finish()
        return .column(column, values)
    }
}

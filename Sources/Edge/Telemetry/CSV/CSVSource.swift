import Billing

/// Entries from a table: one for each row, even where nothing changed, because a row is a sign of life.
package struct CSVSource: TelemetrySource {
    private let mapping: CSVMapping
    private let columns: CSVColumns
    private var records: CSVRecords
    private var compactor: EntryCompactor
    private var judge: ThresholdJudge?
    private var previousText: [UInt8] = []
    private var totals: [UInt64]
    private var fault = ""
    /// The latest time of a row, and each counter's last value.
    private var latest: Int64?
    private var lastCounters: [UInt64?]
    package private(set) var report: ImportReport

    /// Reads the header, where the file has one.
    /// - Throws: `csv.*`.
    package init(
        _ bytes: some ByteSource, mapping: CSVMapping, name: String, startingAt sequence: UInt64 = 1
    ) throws(TelemetryError) {
        self.mapping = mapping
        records = CSVRecords(bytes, separator: mapping.separator)
        let names: [String]
        if let given = mapping.columns {
            names = given
        } else {
            guard let header = try records.next() else {
                throw TelemetryError(.csvNoHeader, "the file is empty; its first line must name the columns")
            }
            names = header.fields.map(\.trimmed.text)
        }
        columns = try CSVColumns(names, mapping: mapping, line: mapping.columns == nil ? records.line : nil)
        compactor = EntryCompactor(
            counters: mapping.counters.map(\.name),
            measures: mapping.measures.map { (name: $0.name, unit: $0.unit) }, startingAt: sequence)
        if case .thresholds(let rules) = mapping.state { judge = ThresholdJudge(rules) }
        totals = Array(repeating: 0, count: mapping.counters.count)
        lastCounters = Array(repeating: nil, count: mapping.counters.count)
        report = ImportReport(
            source: name, about: mapping.common.about,
            reportingIntervalMilliseconds: mapping.common.reportingIntervalMilliseconds)
        report.lines = records.lines.number
    }

    package mutating func next() throws(TelemetryError) -> TelemetryEntry? {
        while true {
            do throws(TelemetryError) {
                let record = try records.next()
                report.lines = records.lines.number
                guard let record else {
                    try report.requireForward(surplus: 0, .csvRunsBackwards)
                    return nil
                }
                if record.text == previousText {
                    report.duplicateRows += 1
                    continue
                }
                let reading = try read(record.fields)
                previousText = record.text
                if let entry = compactor.entry(reading, evenIfUnchanged: true) {
                    report.record(entry, line: records.line)
                    return entry
                }
            } catch {
                report.lines = records.lines.number
                guard mapping.common.onBadRow == .skip, error.isOfOneRow else { throw error }
                report.recordSkipped(error, line: error.line ?? records.line)
            }
        }
    }

    /// Everything that can fail comes before anything that is remembered.
    private mutating func read(_ fields: [Field]) throws(TelemetryError) -> Reading {
        guard fields.count == columns.count else {
            throw bad(.csvFieldCount, "\(fields.count) fields where \(columns.count) belong")
        }
        let timeText = fields[columns.time].trimmed
        guard
            let time = Timestamp(
                timeText, format: mapping.timeFormat, assumedOffset: mapping.assumedOffset)
        else { throw bad(.csvBadTime, "not a time: \(timeText.quoted)") }
        report.recordRow(at: time.milliseconds)
        try report.requireForward(surplus: ImportReport.backwardSurplus, .csvRunsBackwards)
        var reading = compactor.reading(at: time.milliseconds)
        for index in mapping.measures.indices {
            guard let field = value(fields, columns.measures[index]) else { continue }
            do {
                reading.measures[index] = try DecimalText.quantity(field, point: mapping.point)
            } catch {
                throw number(.csvBadNumber, mapping.measures[index].place, field, error)
            }
        }
        for index in mapping.counters.indices {
            guard let field = value(fields, columns.counters[index]) else { continue }
            reading.counters[index] = try counter(index, field)
        }
        try requireInPlace(reading)
        if let column = columns.mode { reading.mode = try mode(fields[column].trimmed) }
        if case .always(let mode) = mapping.mode { reading.mode = mode }
        if let column = columns.state { reading.state = try state(fields[column].trimmed) }

        latest = max(latest ?? reading.time, reading.time)
        for (index, value) in reading.counters.enumerated() where value != nil {
            lastCounters[index] = value
        }
        if !time.hasZone { report.assumedZoneMinutes = mapping.assumedOffset }
        for (index, counter) in mapping.counters.enumerated() where counter.kind == .increment {
            if let total = reading.counters[index] { totals[index] = total }
        }
        if let judged = judge?.judge(reading.measures, at: time.milliseconds) {
            (reading.state, reading.fault) = (judged.state, judged.fault)
        }
        if let column = columns.fault { noteFault(fields[column].trimmed.text, in: &reading) }
        return reading
    }

    /// A table has no numbers of the device: its rows stand for them. A counter that falls is a reset, and a
    /// clock may step back, but a row that does both is an older one in the wrong place. [choice]
    private func requireInPlace(_ reading: Reading) throws(TelemetryError) {
        guard let latest, reading.time < latest else { return }
        let pairs = zip(lastCounters, reading.counters).compactMap { last, new in
            last.flatMap { last in new.map { (last, $0) } }
        }
        guard pairs.contains(where: { $0.1 < $0.0 }), !pairs.contains(where: { $0.1 > $0.0 }) else { return }
        throw bad(
            .csvOutOfOrder, "\(Timestamp.text(reading.time)) UTC, with a lower counter, is behind a row above"
        )
    }

    private mutating func noteFault(_ text: String, in reading: inout Reading) {
        let new = mapping.noFault.contains(text) || mapping.unavailable.contains(text) ? "" : text
        if new != fault && !new.isEmpty { reading.fault = faultText(new) }
        fault = new
    }

    /// The field's text, or nil where it means "no value".
    private func value(_ fields: [Field], _ column: Int) -> Field? {
        let field = fields[column].trimmed
        return mapping.unavailable.contains(field.text) ? nil : field
    }

    private func counter(_ index: Int, _ field: Field) throws(TelemetryError) -> UInt64 {
        let counter = mapping.counters[index]
        let value: UInt64
        do {
            value = try DecimalText.count(field, scale: counter.scale, point: mapping.point)
        } catch {
            throw number(.csvBadCounter, counter.place, field, error)
        }
        guard counter.kind == .increment else { return value }
        let (total, overflow) = totals[index].addingReportingOverflow(value)
        guard !overflow else { throw number(.csvBadCounter, counter.place, field, .tooLarge) }
        return total
    }

    private func state(_ field: Field) throws(TelemetryError) -> MachineState? {
        guard case .column(let column, let values) = mapping.state else { return nil }
        if let state = values[field.text] { return state }
        if mapping.unavailable.contains(field.text) { return .unknown }
        throw bad(.csvUnknownState, "column \(column) holds \(field.quoted), which the mapping does not name")
    }

    private func mode(_ field: Field) throws(TelemetryError) -> MachineMode? {
        guard case .column(let column, let values) = mapping.mode else { return nil }
        if let mode = values[field.text] { return mode }
        if mapping.unavailable.contains(field.text) { return nil }
        throw bad(.csvUnknownMode, "column \(column) holds \(field.quoted), which the mapping does not name")
    }

    private func bad(_ code: TelemetryError.Code, _ message: String) -> TelemetryError {
        TelemetryError(code, message, line: records.line)
    }

    private func number(
        _ code: TelemetryError.Code, _ column: String, _ field: Field, _ failure: DecimalText.Failure
    ) -> TelemetryError {
        let what = failure == .tooLarge ? "is too large" : "is not such a number"
        return bad(code, "column \(column): \(field.quoted) \(what)")
    }
}

/// Where the mapping's columns are in a row.
struct CSVColumns {
    let count: Int
    let time: Int
    let counters: [Int]
    let measures: [Int]
    let state, mode, fault: Int?

    /// - Throws: `csv.missing_column`, `csv.duplicate_column`, `csv.unknown_column`.
    init(_ names: [String], mapping: CSVMapping, line: Int?) throws(TelemetryError) {
        var places: [String: Int] = [:]
        for (index, name) in names.enumerated() where places.updateValue(index, forKey: name) != nil {
            throw TelemetryError(.csvDuplicateColumn, "two columns are called \"\(name)\"", line: line)
        }
        var used: Set<String> = []
        func place(_ name: String) throws(TelemetryError) -> Int {
            guard let place = places[name] else {
                throw TelemetryError(.csvMissingColumn, "there is no column \"\(name)\"", line: line)
            }
            used.insert(name)
            return place
        }
        count = names.count
        time = try place(mapping.timeColumn)
        var list: [Int] = []
        for counter in mapping.counters { list.append(try place(counter.place)) }
        counters = list
        list = []
        for measure in mapping.measures { list.append(try place(measure.place)) }
        measures = list
        if case .column(let name, _) = mapping.state { state = try place(name) } else { state = nil }
        if case .column(let name, _) = mapping.mode { mode = try place(name) } else { mode = nil }
        if let name = mapping.faultColumn { fault = try place(name) } else { fault = nil }
        guard mapping.isStrict, let unknown = names.first(where: { !used.contains($0) }) else { return }
        throw TelemetryError(
            .csvUnknownColumn, "the mapping does not name the column \"\(unknown)\"", line: line)
    }
}

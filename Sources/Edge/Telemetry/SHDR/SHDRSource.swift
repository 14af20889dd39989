import Billing

/// Entries from an MTConnect adapter's log.
///
/// Events with one time stamp that follow each other become one entry, until a key repeats. Lines that
/// change nothing make no entry, except where the silence would otherwise look longer than three reporting
/// intervals.
package struct SHDRSource: TelemetrySource {
    /// The entry that is being gathered.
    private struct Draft {
        var reading: Reading
        let line: Int
        var targets: Set<SHDRMapping.Target> = []
    }

    private let mapping: SHDRMapping
    private var lines: LineReader
    private var compactor: EntryCompactor
    private var machine = MTConnectState()
    private var draft: Draft?
    private var ready: [TelemetryEntry] = []
    private var readyIndex = 0
    /// What ends an asset document of several lines.
    private var assetEnd: [UInt8]?
    private var lastEntryTime: Int64?
    private var lastSign: (time: Int64, line: Int)?
    private var isAtEnd = false
    package private(set) var report: ImportReport

    package init(
        _ bytes: some ByteSource, mapping: SHDRMapping, name: String, startingAt sequence: UInt64 = 1
    ) {
        self.mapping = mapping
        lines = LineReader(bytes, codes: .shdr)
        compactor = EntryCompactor(
            counters: mapping.counters.map(\.name),
            measures: mapping.measures.map { (name: $0.name, unit: $0.unit) }, startingAt: sequence)
        report = ImportReport(
            source: name, about: mapping.common.about,
            reportingIntervalMilliseconds: mapping.common.reportingIntervalMilliseconds,
            equalTimesAreOrdinary: true)
    }

    package mutating func next() throws(TelemetryError) -> TelemetryEntry? {
        while true {
            if readyIndex < ready.count {
                readyIndex += 1
                return ready[readyIndex - 1]
            }
            ready.removeAll(keepingCapacity: true)
            readyIndex = 0
            if isAtEnd { return nil }
            do throws(TelemetryError) {
                try readLine()
            } catch {
                guard mapping.common.onBadRow == .skip, error.isOfOneRow else { throw error }
                report.recordSkipped(error, line: error.line ?? lines.number)
            }
            report.lines = lines.number
        }
    }

    private mutating func readLine() throws(TelemetryError) {
        guard let line = try lines.next() else {
            finish()
            try report.requireForward(surplus: 0, .shdrRunsBackwards)
            if assetEnd != nil {
                throw bad(.shdrUnclosedAsset, "an asset document is never closed")
            }
            return
        }
        if let end = assetEnd {
            if line == end { assetEnd = nil }
            return
        }
        // `* PONG` and the like are the protocol's own; `@ADAPTER` lines describe the adapter.
        guard let first = line.first, first != 0x2a, first != 0x40 else { return }
        let fields = SHDRLine.fields(line)
        guard fields.count >= 2 else { throw bad(.shdrMalformed, "no key: \(line[...].quoted)") }
        let timeText = (fields[0].position(of: 0x40).map { fields[0][..<$0] } ?? fields[0]).trimmed
        guard let time = Timestamp(timeText) else {
            throw bad(.shdrBadTime, "not a time: \(timeText.quoted)")
        }
        let events = try events(fields)
        if !time.hasZone { report.assumedZoneMinutes = 0 }
        report.recordRow(at: time.milliseconds)
        try report.requireForward(surplus: ImportReport.backwardSurplus, .shdrRunsBackwards)
        begin(at: time.milliseconds)
        for (target, event) in events { apply(event, target, at: time.milliseconds) }
    }

    /// What a line says of the keys that the mapping names.
    private mutating func events(
        _ fields: [Field]
    ) throws(TelemetryError) -> [(SHDRMapping.Target, SHDREvent)] {
        if fields[1].first == 0x40 {
            if let last = fields.last, last.starts(with: Array("--multiline--".utf8)) {
                assetEnd = Array(last)
            }
            return []
        }
        var events: [(SHDRMapping.Target, SHDREvent)] = []
        var index = 1
        while index < fields.count {
            let key = fields[index].trimmed
            guard !key.isEmpty else { throw bad(.shdrMalformed, "a key is empty") }
            guard let target = mapping.target(key) else {
                // A condition that the mapping leaves out takes the rest of its line.
                if fields.count == index + 6, ConditionLevel(fields[index + 1].trimmed) != nil { break }
                index += 2
                continue
            }
            guard index + 1 < fields.count else { throw bad(.shdrMalformed, "no value for \(key.quoted)") }
            if target == .condition {
                events.append((target, try condition(key, fields[(index + 1)...])))
                break
            }
            events.append((target, try event(target, key, fields[index + 1].trimmed)))
            index += 2
        }
        return events
    }

    private func condition(_ key: Field, _ fields: ArraySlice<Field>) throws(TelemetryError) -> SHDREvent {
        let parts = fields.map { $0.trimmed }
        guard let level = ConditionLevel(parts[0]) else {
            throw bad(.shdrBadCondition, "\(key.quoted) has no such level: \(parts[0].quoted)")
        }
        let code = parts.count > 1 ? faultText(parts[1].text) : ""
        let name = key.text
        guard level != .fault || machine.canHold(name, nativeCode: code) else {
            throw bad(.shdrBadCondition, "more than \(MTConnectState.maximumFaults) faults are active")
        }
        // A message with pipes of its own was cut into several fields.
        let message = parts.dropFirst(4).map(\.text).joined(separator: "|")
        return .condition(key: name, level, nativeCode: code, message: message)
    }

    private func event(
        _ target: SHDRMapping.Target, _ key: Field, _ field: Field
    ) throws(TelemetryError) -> SHDREvent {
        let isUnavailable = field.isWord("UNAVAILABLE")
        switch target {
        case .availability:
            if isUnavailable || field.isWord("AVAILABLE") { return .availability(!isUnavailable) }
        case .power:
            if isUnavailable { return .power(nil) }
            if field.isWord("ON") || field.isWord("OFF") { return .power(field.isWord("ON")) }
        case .execution:
            if let execution = MTConnectExecution(field, own: mapping.executionWords) {
                return .execution(execution)
            }
        case .mode:
            if isUnavailable { return .mode(nil) }
            if let mode = mapping.modeWords[field.text] { return .mode(mode) }
        case .counter(let index):
            return .counter(index, isUnavailable ? nil : try counter(index, key, field))
        case .measure(let index):
            if isUnavailable { return .measure(index, nil) }
            guard let value = try? DecimalText.quantity(field) else {
                throw bad(.shdrBadNumber, "\(key.quoted) is not a number that fits: \(field.quoted)")
            }
            return .measure(index, value)
        case .condition: break
        }
        throw bad(.shdrUnknownValue, "\(key.quoted) holds \(field.quoted), which has no meaning here")
    }

    private func counter(_ index: Int, _ key: Field, _ field: Field) throws(TelemetryError) -> UInt64 {
        let counter = mapping.counters[index]
        guard let value = try? DecimalText.count(field, scale: counter.scale) else {
            throw bad(.shdrBadCounter, "\(key.quoted) is not a count that fits: \(field.quoted)")
        }
        return value
    }

    private mutating func apply(_ event: SHDREvent, _ target: SHDRMapping.Target, at time: Int64) {
        if target != .condition, draft?.targets.insert(target).inserted == false {
            flush()
            begin(at: time)
            draft?.targets.insert(target)
        }
        switch event {
        case .availability(let value): machine.isAvailable = value
        case .power(let value): machine.hasPower = value
        case .execution(let value): machine.execution = value
        case .mode(let value): draft?.reading.mode = value ?? MachineMode.none
        case .counter(let index, nil): compactor.forgetCounter(index)
        case .counter(let index, let value?): draft?.reading.counters[index] = value
        case .measure(let index, nil): compactor.forgetMeasure(index)
        case .measure(let index, let value?): draft?.reading.measures[index] = value
        case .condition(let key, let level, let code, let message):
            // An entry has room for one fault.
            let begins = level == .fault && !machine.holds(key, nativeCode: code)
            if begins && draft?.reading.fault != nil {
                flush()
                begin(at: time)
            }
            guard machine.apply(key: key, level, nativeCode: code) else { return }
            let name = code.isEmpty ? key : code
            draft?.reading.fault = faultText(message.isEmpty ? name : "\(name): \(message)")
        }
    }

    /// Makes sure that there is a draft for this time.
    private mutating func begin(at time: Int64) {
        if let draft, draft.reading.time != time { flush() }
        if draft == nil { draft = Draft(reading: compactor.reading(at: time), line: lines.number) }
    }

    private mutating func flush() {
        guard var draft else { return }
        self.draft = nil
        draft.reading.state = machine.state
        let (time, limit) = (draft.reading.time, 3 * report.reportingIntervalMilliseconds)
        if let last = lastEntryTime, time - last > limit, let sign = lastSign, sign.time > last {
            emit(compactor.reading(at: sign.time), line: sign.line, evenIfUnchanged: true)
        }
        let isLate = lastEntryTime.map { time - $0 > limit } ?? false
        emit(draft.reading, line: draft.line, evenIfUnchanged: isLate)
        lastSign = (time, draft.line)
    }

    private mutating func emit(_ reading: Reading, line: Int, evenIfUnchanged: Bool) {
        guard let entry = compactor.entry(reading, evenIfUnchanged: evenIfUnchanged) else { return }
        lastEntryTime = entry.time
        report.record(entry, line: line)
        ready.append(entry)
    }

    /// The last sign of life is an entry, so that the last state lasts until then.
    private mutating func finish() {
        isAtEnd = true
        flush()
        if let sign = lastSign, let last = lastEntryTime, sign.time > last {
            emit(compactor.reading(at: sign.time), line: sign.line, evenIfUnchanged: true)
        }
    }

    private func bad(_ code: TelemetryError.Code, _ message: String) -> TelemetryError {
        TelemetryError(code, message, line: lines.number)
    }
}

import Billing
import Foundation

/// What a data file's columns or keys mean: a JSON file that both parties of an agreement can read.
package enum TelemetryMapping: Sendable {
    case csv(CSVMapping)
    case shdr(SHDRMapping)

    private enum Format: String, CaseIterable { case csv, shdr }

    /// Bytes that a mapping file may have.
    static let maximumLength = 1 << 20

    /// - Throws: `mapping.*`.
    package static func read(_ file: URL) throws(TelemetryError) -> TelemetryMapping {
        let json: Data?
        do {
            json = try FileHandle(forReadingFrom: file).read(upToCount: maximumLength + 1)
        } catch {
            throw TelemetryError(
                .mappingUnreadable, "cannot read \(file.path): \(error.localizedDescription)")
        }
        return try parse(json ?? Data())
    }

    /// - Throws: `mapping.*`.
    package static func parse(_ json: Data) throws(TelemetryError) -> TelemetryMapping {
        guard json.count <= maximumLength else {
            throw TelemetryError(.mappingTooLarge, "a mapping has at most \(maximumLength) bytes")
        }
        var object = try MappingObject(json: json)
        switch try object.choice("format", Format.allCases) {
        case .csv: return .csv(try CSVMapping(&object))
        case .shdr: return .shdr(try SHDRMapping(&object))
        }
    }
}

/// What every mapping says, whatever the format.
package struct CommonMapping: Sendable {
    /// The machine, for people.
    let machine: String
    /// Sentences on what the data cannot tell; they go into the report.
    let about: [String]
    let reportingIntervalMilliseconds: Int64
    let onBadRow: BadRowPolicy

    init(_ object: inout MappingObject) throws(TelemetryError) {
        machine = try object.text("machine")
        about = try object.optionalTexts("about") ?? []
        let seconds = try object.optionalInteger("reportingIntervalSeconds", in: 1...86_400)
        guard let seconds else {
            throw TelemetryError(.mappingMissingKey, "reportingIntervalSeconds is missing")
        }
        reportingIntervalMilliseconds = seconds * 1000
        onBadRow = try object.optionalChoice("onBadRow", [BadRowPolicy.fail, .skip]) ?? .fail
    }
}

/// A counter: where it is read, what it is called, and how its text becomes a whole number.
struct CounterMapping: Sendable {
    enum Kind: String, CaseIterable {
        /// The text is a running total.
        case total
        /// The text is what was added since the row before; the running total is made here, from zero.
        case increment
    }

    /// The column or key.
    let place: String
    let name: String
    let kind: Kind
    /// The text times this is what counts: 3600 turns hours into seconds.
    let scale: UInt64
}

/// A measured value: where it is read, what it is called, its unit.
struct MeasureMapping: Sendable {
    /// The column or key.
    let place: String
    let name: String
    let unit: String
}

extension MappingObject {
    /// `counters`, sorted by name.
    mutating func counters(placeKey: String) throws(TelemetryError) -> [CounterMapping] {
        var counters: [CounterMapping] = []
        for var object in try objects("counters") {
            counters.append(
                CounterMapping(
                    place: try object.text(placeKey), name: try object.name("name"),
                    kind: try object.optionalChoice("kind", CounterMapping.Kind.allCases) ?? .total,
                    scale: UInt64(try object.optionalInteger("scale", in: 1...1_000_000_000) ?? 1)))
            try object.finish()
        }
        return try sortedOnce(counters, "counters", name: \.name)
    }

    /// `measures`, sorted by name.
    mutating func measures(placeKey: String) throws(TelemetryError) -> [MeasureMapping] {
        var measures: [MeasureMapping] = []
        for var object in try objects("measures") {
            measures.append(
                MeasureMapping(
                    place: try object.text(placeKey), name: try object.name("name"),
                    unit: try object.name("unit")))
            try object.finish()
        }
        return try sortedOnce(measures, "measures", name: \.name)
    }

    /// Sorted by the name's UTF-8 bytes, as an entry wants it.
    private func sortedOnce<T>(
        _ items: [T], _ key: String, name: KeyPath<T, String>
    ) throws(TelemetryError) -> [T] {
        let sorted = items.sorted {
            $0[keyPath: name].utf8.lexicographicallyPrecedes($1[keyPath: name].utf8)
        }
        for (left, right) in zip(sorted, sorted.dropFirst())
        where left[keyPath: name].utf8.elementsEqual(right[keyPath: name].utf8) {
            throw invalid(key, "name \"\(left[keyPath: name])\" twice")
        }
        return sorted
    }
}

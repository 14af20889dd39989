import Billing
import Foundation
import TestSupport
import Testing

@testable import Telemetry

/// Where the repository's example files are.
func example(_ path: String) -> URL { SharedFiles.root.appendingPathComponent("examples/\(path)") }

extension TelemetrySource {
    /// All entries that are left.
    mutating func all() throws(TelemetryError) -> [TelemetryEntry] {
        var entries: [TelemetryEntry] = []
        while let entry = try next() { entries.append(entry) }
        return entries
    }
}

/// The code that a body fails with, or nil where it does not fail.
func code(_ body: () throws(TelemetryError) -> Void) -> TelemetryError.Code? {
    do throws(TelemetryError) {
        try body()
        return nil
    } catch {
        return error.code
    }
}

/// A mapping from JSON text.
func csvMapping(_ json: String) throws -> CSVMapping {
    guard case .csv(let mapping) = try TelemetryMapping.parse(Data(json.utf8)) else {
        throw TelemetryError(.mappingInvalidValue, "not a CSV mapping")
    }
    return mapping
}

func shdrMapping(_ json: String) throws -> SHDRMapping {
    guard case .shdr(let mapping) = try TelemetryMapping.parse(Data(json.utf8)) else {
        throw TelemetryError(.mappingInvalidValue, "not an SHDR mapping")
    }
    return mapping
}

/// FNV-1a over the entries' texts: equal where every field is.
func fingerprint(_ entries: [TelemetryEntry]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ text: String) {
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    for entry in entries {
        mix("\(entry.sequence) \(entry.time) \(entry.state?.rawValue ?? "-") \(entry.mode?.rawValue ?? "-")")
        mix(entry.fault ?? "-")
        for counter in entry.counters { mix("\(counter.name) \(counter.value)") }
        for measure in entry.measures { mix("\(measure.name) \(measure.value.millionths) \(measure.unit)") }
    }
    return hash
}

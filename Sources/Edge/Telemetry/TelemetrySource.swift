import Billing
import Foundation

/// Where a machine's entries come from: a file, a log, a simulation. Entries are numbered without holes.
package protocol TelemetrySource {
    /// The next entry, or nil when there is none (at a file's end, or at a simulation's horizon).
    /// - Throws: `csv.*` or `shdr.*`, with the line. With the policy `skip` a bad row is counted instead.
    mutating func next() throws(TelemetryError) -> TelemetryEntry?

    /// What the data could not tell so far, and how it was treated.
    var report: ImportReport { get }
}

/// What to do with a row that cannot be used.
package enum BadRowPolicy: String, Sendable {
    case fail
    /// Leave it out, count it, and name its line in the report.
    case skip
}

/// Opens telemetry files by their mapping.
package enum TelemetryFile {
    /// The source that a mapping file describes, reading from the data file as it is asked.
    /// - Throws: `mapping.*` for the mapping, `csv.*` or `shdr.*` for the data.
    package static func open(
        _ data: URL, mapping: URL, startingAt sequence: UInt64 = 1
    ) throws(TelemetryError) -> any TelemetrySource {
        let name = data.lastPathComponent
        switch try TelemetryMapping.read(mapping) {
        case .csv(let mapping):
            let bytes = try FileBytes(data, code: .csvUnreadable)
            return try CSVSource(bytes, mapping: mapping, name: name, startingAt: sequence)
        case .shdr(let mapping):
            let bytes = try FileBytes(data, code: .shdrUnreadable)
            return SHDRSource(bytes, mapping: mapping, name: name, startingAt: sequence)
        }
    }
}

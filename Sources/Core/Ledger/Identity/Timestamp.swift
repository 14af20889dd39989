import Codec

/// Consensus time: nanoseconds since 1970-01-01 UTC, never negative.
package struct Timestamp: Hashable, Comparable, Codable, Sendable {
    package var nanoseconds: Int64

    package static let zero = Timestamp(nanoseconds: 0)
    package static let maximum = Timestamp(nanoseconds: .max)

    package init(nanoseconds: Int64) { self.nanoseconds = max(0, nanoseconds) }

    /// Milliseconds since 1970, held at the ends of the range instead of overflowing.
    package init(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        nanoseconds = overflow ? (milliseconds < 0 ? 0 : .max) : max(0, value)
    }

    package var milliseconds: Int64 { nanoseconds / 1_000_000 }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        nanoseconds = try container.decode(Int64.self)
        guard nanoseconds >= 0 else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "time before 1970")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    /// - Throws: `cbor.*`; `cbor.invalid_value` for a time before 1970.
    package init(reading reader: inout CBORReader) throws(CodecError) {
        let start = reader.offset
        nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.invalidValue, at: start, "time before 1970") }
    }

    package func write(to writer: inout CBORWriter) { writer.integer(nanoseconds) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Later by a duration, held at the end of the range instead of overflowing.
    package static func + (time: Timestamp, duration: Span) -> Timestamp {
        let (value, overflow) = time.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Timestamp(nanoseconds: overflow ? .max : value)
    }

    /// The span from an earlier time; negative where it is later.
    package static func - (later: Timestamp, earlier: Timestamp) -> Span {
        Span(nanoseconds: later.nanoseconds - earlier.nanoseconds)
    }

    /// Big-endian bytes, so that row keys sort by time.
    package var keyBytes: [UInt8] { bigEndianBytes(UInt64(nanoseconds)) }
}

/// A length of consensus time in nanoseconds.
package struct Span: Hashable, Comparable, Codable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    private init(_ count: Int64, of unit: Int64) {
        let (value, overflow) = count.multipliedReportingOverflow(by: unit)
        nanoseconds = overflow ? (count < 0 ? .min : .max) : value
    }

    package static func milliseconds(_ count: Int64) -> Span { Span(count, of: 1_000_000) }
    package static func seconds(_ count: Int64) -> Span { Span(count, of: 1_000_000_000) }
    package static func minutes(_ count: Int64) -> Span { Span(count, of: 60_000_000_000) }
    package static func hours(_ count: Int64) -> Span { Span(count, of: 3_600_000_000_000) }
    package static func days(_ count: Int64) -> Span { Span(count, of: 86_400_000_000_000) }

    package init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    package init(reading reader: inout CBORReader) throws(CodecError) { nanoseconds = try reader.integer() }

    package func write(to writer: inout CBORWriter) { writer.integer(nanoseconds) }

    package static func < (left: Span, right: Span) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// Eight bytes, most significant first: numbers in row keys sort as numbers.
package func bigEndianBytes(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// The number in at most eight bytes, most significant first; of more bytes the last eight count.
package func bigEndianNumber(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

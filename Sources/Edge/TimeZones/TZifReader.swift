import Billing

/// Reads a TZif file of version 2 or later (RFC 9636 §3) without trusting a byte of it.
struct TZifReader {
    struct Content {
        /// Seconds east of UTC before the first transition (local time type 0).
        let firstOffset: Int
        let transitions: [ZoneRules.Transition]
        let rule: FutureRule
    }

    private struct Header {
        let version: UInt8
        let utIndicators, standardIndicators, leapSeconds, transitions, types, characters: Int

        /// The length of the data block that follows, in bytes. Counts are under 2³², so nothing overflows.
        func blockSize(timeSize: Int) -> Int {
            transitions * (timeSize + 1) + types * 6 + characters + leapSeconds * (timeSize + 4)
                + standardIndicators + utIndicators
        }
    }

    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private static func damaged(_ detail: String) -> TimeZoneError { TimeZoneError(.damaged, detail) }

    private mutating func take(_ count: Int) throws(TimeZoneError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else { throw TZifReader.damaged("it ends early") }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    private mutating func number(_ count: Int) throws(TimeZoneError) -> UInt64 {
        try take(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func count() throws(TimeZoneError) -> Int { Int(try number(4)) }

    private mutating func header() throws(TimeZoneError) -> Header {
        guard try take(4).elementsEqual("TZif".utf8) else { throw TZifReader.damaged("it is not TZif") }
        let version = try take(1).first ?? 0
        _ = try take(15)
        return Header(
            version: version, utIndicators: try count(), standardIndicators: try count(),
            leapSeconds: try count(), transitions: try count(), types: try count(), characters: try count())
    }

    mutating func content() throws(TimeZoneError) -> Content {
        let old = try header()
        guard old.version >= UInt8(ascii: "2") else {
            throw TimeZoneError(.unsupported, "it has 32-bit times only")
        }
        _ = try take(old.blockSize(timeSize: 4))
        let header = try header()
        guard header.version == old.version, header.types >= 1, header.characters >= 1,
            header.utIndicators == 0 || header.utIndicators == header.types,
            header.standardIndicators == 0 || header.standardIndicators == header.types
        else { throw TZifReader.damaged("its header contradicts itself") }
        guard header.leapSeconds == 0 else { throw TimeZoneError(.unsupported, "it counts leap seconds") }
        guard header.blockSize(timeSize: 8) <= bytes.count - offset else {
            throw TZifReader.damaged("it ends early")
        }
        return try block(header)
    }

    /// The second data block and the footer; the block is known to lie within the bytes.
    private mutating func block(_ header: Header) throws(TimeZoneError) -> Content {
        var times: [Int64] = []
        times.reserveCapacity(header.transitions)
        for _ in 0..<header.transitions {
            let time = Int64(bitPattern: try number(8))
            // RFC 9636 §3.2: -2⁵⁹ is the least; the same bound above keeps later arithmetic from
            // overflowing.
            guard TZifReader.times ~= time else { throw TZifReader.damaged("a time") }
            if let previous = times.last, previous >= time {
                throw TZifReader.damaged("its times do not rise")
            }
            times.append(time)
        }
        let indexes = Array(try take(header.transitions))
        var offsets: [Int] = []
        for _ in 0..<header.types {
            let seconds = Int(Int32(truncatingIfNeeded: try number(4)))
            let (isDaylight, name) = (try number(1), try number(1))
            guard -86_400...86_400 ~= seconds, isDaylight <= 1, name < UInt64(header.characters) else {
                throw TZifReader.damaged("a local time type")
            }
            offsets.append(seconds)
        }
        _ = try take(header.characters + header.standardIndicators + header.utIndicators)
        var transitions: [ZoneRules.Transition] = []
        transitions.reserveCapacity(times.count)
        for (time, index) in zip(times, indexes) {
            guard Int(index) < offsets.count else { throw TZifReader.damaged("a local time type") }
            transitions.append(.init(at: time, offsetSeconds: offsets[Int(index)]))
        }
        return Content(firstOffset: offsets[0], transitions: transitions, rule: try footer())
    }

    /// The rest of the file: a line feed, the rule, a line feed.
    private mutating func footer() throws(TimeZoneError) -> FutureRule {
        let rest = Array(bytes[offset...])
        guard rest.count >= 2, rest[0] == 0x0a, rest[rest.count - 1] == 0x0a else {
            throw TZifReader.damaged("its footer")
        }
        let text = Array(rest[1..<rest.count - 1])
        guard !text.isEmpty else { throw TimeZoneError(.unsupported, "it has no rule for the future") }
        guard let rule = FutureRule(parsing: text) else { throw TZifReader.damaged("the rule in its footer") }
        return rule
    }

    private static let times: ClosedRange<Int64> = -(1 << 59)...1 << 59
}

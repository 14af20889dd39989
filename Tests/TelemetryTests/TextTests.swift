import Billing
import Foundation
import Testing

@testable import Telemetry

func field(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2018-04-16T18:11:58.537Z", 1_523_902_318_537 as Int64),
        ("2018-04-16T18:11:49.428942Z", 1_523_902_309_428),
        ("2018-04-16T20:11:58,5+02:00", 1_523_902_318_500),
        ("2018-04-16T12:41:58.5-0530", 1_523_902_318_500),
        ("2018-04-16T20:11:58.5+02", 1_523_902_318_500),
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T23:59:59.999z", 951_868_799_999),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func readsISO8601(text: String, milliseconds: Int64) throws {
        let timestamp = try #require(Timestamp(field(text)))
        #expect(timestamp.milliseconds == milliseconds)
        #expect(timestamp.hasZone)
    }

    @Test func takesTextWithoutZoneAsUTCAndSaysSo() throws {
        let timestamp = try #require(Timestamp(field("2013-12-02 21:15:00")))
        #expect(timestamp.milliseconds == 1_386_018_900_000)
        #expect(!timestamp.hasZone)
        let local = try #require(Timestamp(field("2013-12-02 21:15:00"), assumedOffset: 60))
        #expect(local.milliseconds == 1_386_015_300_000)
    }

    @Test(arguments: [
        "", "2018-04-16", "2018-04-16T18:11", "2018-13-01T00:00:00Z", "2018-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2018-04-31T00:00:00Z", "2018-04-16T24:00:00Z", "2018-04-16T18:60:00Z",
        "2018-04-16T18:11:60Z", "2018-04-16T18:11:58.Z", "2018-04-16T18:11:58Zx", "2018-04-16T18:11:58+25:00",
        "2018-04-16T18:11:58+01:60", "2018-4-16T18:11:58Z", "18-04-16T18:11:58Z", "1969-12-31T23:59:59Z",
        "+2018-04-16T18:11:58Z", "2018-04-16T18:11:58 Z", "२०१८-04-16T18:11:58Z", "2018-00-10T00:00:00Z",
        "1970-01-01T00:30:00+01:00", "2018-04-16T18:11:58+", "2018-04-16T18:11:58+01:",
    ])
    func refusesWhatIsNotExactlyATime(text: String) {
        #expect(Timestamp(field(text)) == nil)
    }

    @Test func readsEpochColumns() {
        #expect(Timestamp(field("1523902318.5379"), format: .epochSeconds)?.milliseconds == 1_523_902_318_537)
        #expect(Timestamp(field("1523902318"), format: .epochSeconds)?.milliseconds == 1_523_902_318_000)
        #expect(
            Timestamp(field("1523902318537"), format: .epochMilliseconds)?.milliseconds == 1_523_902_318_537)
        #expect(Timestamp(field("-1"), format: .epochSeconds) == nil)
        #expect(Timestamp(field("1e9"), format: .epochSeconds) == nil)
        #expect(Timestamp(field("999999999999999"), format: .epochSeconds) == nil)
        #expect(Timestamp(field("9999999999999999999"), format: .epochMilliseconds) == nil)
    }

    @Test func agreesWithFoundationOverTheCalendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for days in stride(from: 0 as Int64, through: 80_000, by: 37) {
            let date = Date(timeIntervalSince1970: Double(days) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: date)
            let civil = CivilDate(days: days)
            #expect(civil.days == days)
            #expect(
                [civil.year, civil.month, civil.day].map(Int.init) == [parts.year, parts.month, parts.day])
        }
    }

    @Test func writesTimesForPeople() {
        #expect(Timestamp.text(1_386_018_900_000) == "2013-12-02 21:15:00")
        #expect(Timestamp.text(1_523_902_309_028) == "2018-04-16 18:11:49.028")
    }
}

@Suite struct DecimalTextTests {
    @Test(arguments: [
        ("0", 0 as Int64), ("-0.0", 0), ("73.96732207", 73_967_322), ("74.93588199999998", 74_935_882),
        ("0.0000005", 1), ("-0.0000005", -1), ("0.00000049999", 0), ("-2.5", -2_500_000), ("+7", 7_000_000),
        (".5", 500_000), ("5.", 5_000_000), ("1.5e3", 1_500_000_000), ("1E-6", 1), ("5e-7", 1), ("4e-7", 0),
        ("9223372036854.775807", .max), ("-9223372036854.775807", -.max), ("0e999999999999999999", 0),
        ("1e-99999999999999999999", 0), ("0000000000000000000000000000001", 1_000_000),
        ("0.9999995", 1_000_000),
    ])
    func readsMillionths(text: String, millionths: Int64) throws {
        #expect(try DecimalText.quantity(field(text)).millionths == millionths)
    }

    @Test(arguments: [
        "", "-", ".", "+.", "1,5", "1e", "1e+", "e5", "0x10", "NaN", "inf", "1 000", "1.2.3", "--1", "1e1.5",
        "٣",
    ])
    func refusesWhatIsNoDecimal(text: String) {
        #expect(throws: DecimalText.Failure.malformed) { try DecimalText.quantity(field(text)) }
    }

    @Test(arguments: ["9223372036854.775808", "1e13", "99999999999999999999999999", "1e999999999"])
    func refusesWhatDoesNotFit(text: String) {
        #expect(throws: DecimalText.Failure.tooLarge) { try DecimalText.quantity(field(text)) }
    }

    @Test func readsDecimalCommasOnlyWhenTold() throws {
        #expect(try DecimalText.quantity(field("1,5"), point: 0x2c).millionths == 1_500_000)
        #expect(throws: DecimalText.Failure.malformed) { try DecimalText.quantity(field("1.5"), point: 0x2c) }
    }

    @Test func countsWholeNumbers() throws {
        #expect(try DecimalText.count(field("18446744073709551615")) == .max)
        #expect(try DecimalText.count(field("12.000")) == 12)
        #expect(try DecimalText.count(field("1.2e1")) == 12)
        #expect(try DecimalText.count(field("12.5"), scale: 3600) == 45_000)
        #expect(try DecimalText.count(field("-0")) == 0)
        #expect(throws: DecimalText.Failure.tooLarge) { try DecimalText.count(field("18446744073709551616")) }
        #expect(throws: DecimalText.Failure.tooLarge) {
            try DecimalText.count(field("18446744073709551615"), scale: 2)
        }
        for bad in ["12.5", "-1", "", "0.9999999", "1e-7"] {
            #expect(throws: DecimalText.Failure.malformed) { try DecimalText.count(field(bad)) }
        }
    }
}

@Suite struct LineReaderTests {
    private func lines(_ bytes: [UInt8], maximum: Int = 100) -> [Result<String, TelemetryError>] {
        var reader = LineReader(DripBytes(bytes, step: 7), codes: .csv, maximum: maximum)
        var found: [Result<String, TelemetryError>] = []
        while true {
            do {
                guard let line = try reader.next() else { return found }
                found.append(.success(line[...].text))
            } catch {
                found.append(.failure(error))
            }
        }
    }

    @Test func endsLinesWithLFAndCRLFAndNothing() throws {
        #expect(
            try lines(Array("a\r\nb\n\nc\rd\ne".utf8)).map { try $0.get() } == ["a", "b", "", "c\rd", "e"])
        #expect(try lines(Array("\u{FEFF}a\n\u{FEFF}b\n".utf8)).map { try $0.get() } == ["a", "\u{FEFF}b"])
        #expect(lines([]).isEmpty)
    }

    @Test func namesBadLinesAndGoesOn() {
        let long = [UInt8](repeating: 0x61, count: 101)
        let exact = [UInt8](repeating: 0x62, count: 100)
        let bytes = long + [0x0a, 0x00, 0x0a, 0xff, 0xfe, 0x0a] + exact + [0x0d, 0x0a] + long
        let found = lines(bytes)
        let codes = found.map { result -> TelemetryError.Code? in
            if case .failure(let error) = result { error.code } else { nil }
        }
        #expect(codes == [.csvLineTooLong, .csvNULByte, .csvNotUTF8, nil, .csvLineTooLong])
        let numbers = found.compactMap { result -> Int? in
            if case .failure(let error) = result { error.line } else { nil }
        }
        #expect(numbers == [1, 2, 3, 5])
    }

    @Test func reportsAReadError() {
        var reader = LineReader(FailingBytes(), codes: .shdr)
        #expect(throws: TelemetryError.self) { try reader.next() }
    }
}

/// Gives a few bytes at a time, as a slow pipe does.
struct DripBytes: ByteSource {
    private var rest: ArraySlice<UInt8>
    private let step: Int

    init(_ bytes: [UInt8], step: Int) { (rest, self.step) = (bytes[...], step) }

    mutating func read(upTo count: Int, into buffer: inout [UInt8]) -> Int {
        let chunk = rest.prefix(min(step, count))
        rest = rest.dropFirst(chunk.count)
        buffer.append(contentsOf: chunk)
        return chunk.count
    }
}

private struct FailingBytes: ByteSource {
    struct Failure: Error {}
    func read(upTo count: Int, into buffer: inout [UInt8]) throws -> Int { throw Failure() }
}

import Billing
import Foundation
import Testing
import TimeZones

/// Whether this machine has the time zone database.
let hasDatabase = FileManager.default.fileExists(
    atPath: TimeZoneDatabase.system.folder.appendingPathComponent("Europe/Berlin").path)

/// Seconds since 1970 of a UTC date and time.
func utc(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0) throws -> Int64 {
    let date = try #require(CivilDate(year: year, month: month, day: day))
    return date.daysSinceEpoch * 86_400 + Int64(hour * 3600 + minute * 60)
}

@Suite(.enabled(if: hasDatabase, "needs the package tzdata"))
struct TimeZoneFileTests {
    @Test func berlinChangesTwiceIn2026() throws {
        let berlin = try TimeZoneFile(name: "Europe/Berlin")
        let (spring, autumn) = (try utc(2026, 3, 29, 1), try utc(2026, 10, 25, 1))
        #expect(
            try berlin.transitions(from: utc(2026, 1, 1), to: utc(2027, 1, 1)) == [
                .init(at: spring, offsetSeconds: 7200), .init(at: autumn, offsetSeconds: 3600),
            ])
        #expect(berlin.offsetSeconds(at: spring - 1) == 3600)
        #expect(berlin.offsetSeconds(at: spring) == 7200)
        #expect(berlin.offsetSeconds(at: autumn - 1) == 7200)
        #expect(berlin.offsetSeconds(at: autumn) == 3600)
    }

    @Test func newYorkChangesTwiceIn2026() throws {
        let newYork = try TimeZoneFile(name: "America/New_York")
        #expect(
            try newYork.transitions(from: utc(2026, 1, 1), to: utc(2027, 1, 1)) == [
                .init(at: utc(2026, 3, 8, 7), offsetSeconds: -14_400),
                .init(at: utc(2026, 11, 1, 6), offsetSeconds: -18_000),
            ])
    }

    @Test func lordHoweChangesByHalfAnHour() throws {
        let lordHowe = try TimeZoneFile(name: "Australia/Lord_Howe")
        #expect(
            try lordHowe.transitions(from: utc(2026, 1, 1), to: utc(2027, 1, 1)) == [
                .init(at: utc(2026, 4, 4, 15), offsetSeconds: 37_800),
                .init(at: utc(2026, 10, 3, 15, 30), offsetSeconds: 39_600),
            ])
    }

    @Test func kathmanduIsThreeQuartersOff() throws {
        let kathmandu = try TimeZoneFile(name: "Asia/Kathmandu")
        #expect(try kathmandu.offsetSeconds(at: utc(1985, 12, 31, 18, 29)) == 19_800)
        #expect(try kathmandu.offsetSeconds(at: utc(2026, 1, 1)) == 20_700)
        #expect(try kathmandu.transitions(from: utc(1990, 1, 1), to: utc(2100, 1, 1)).isEmpty)
    }

    @Test func utcNeverChanges() throws {
        let zone = try TimeZoneFile(name: "UTC")
        for time in [Int64.min, -1, 0, 1, .max] { #expect(zone.offsetSeconds(at: time) == 0) }
        #expect(try zone.transitions(from: 0, to: utc(9999, 12, 31)).isEmpty)
    }

    /// Dublin's standard time is its summer time, so its rule has a negative daylight time.
    @Test func dublinGoesBackInWinter() throws {
        let dublin = try TimeZoneFile(name: "Europe/Dublin")
        #expect(
            try dublin.transitions(from: utc(2060, 1, 1), to: utc(2061, 1, 1)) == [
                .init(at: utc(2060, 3, 28, 1), offsetSeconds: 3600),
                .init(at: utc(2060, 10, 31, 1), offsetSeconds: 0),
            ])
    }

    @Test func theRuleGivesYearsAfterTheTable() throws {
        let berlin = try TimeZoneFile(name: "Europe/Berlin")
        #expect(
            try berlin.transitions(from: utc(2060, 1, 1), to: utc(2061, 1, 1)) == [
                .init(at: utc(2060, 3, 28, 1), offsetSeconds: 7200),
                .init(at: utc(2060, 10, 31, 1), offsetSeconds: 3600),
            ])
        #expect(try berlin.offsetSeconds(at: utc(9999, 7, 1)) == 7200)
        #expect(try berlin.transitions(from: 0, to: utc(9999, 12, 31)).count == 16_040)
    }

    @Test func offsetsAgreeWithTransitionsOverTheSeam() throws {
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"] {
            let zone = try TimeZoneFile(name: name)
            let (from, to) = (try utc(2035, 1, 1), try utc(2095, 1, 1))
            var offset = zone.offsetSeconds(at: from - 1)
            for change in try zone.transitions(from: from, to: to) {
                #expect(change.offsetSeconds != offset)
                #expect(zone.offsetSeconds(at: change.at - 1) == offset)
                #expect(zone.offsetSeconds(at: change.at) == change.offsetSeconds)
                offset = change.offsetSeconds
            }
            #expect(zone.offsetSeconds(at: to) == offset)
        }
    }

    @Test func transitionsAreHalfOpen() throws {
        let berlin = try TimeZoneFile(name: "Europe/Berlin")
        for change in [try utc(2026, 3, 29, 1), try utc(2060, 3, 28, 1)] {
            #expect(try berlin.transitions(from: change, to: change + 1).map(\.at) == [change])
            #expect(try berlin.transitions(from: change - 1, to: change).isEmpty)
            #expect(try berlin.transitions(from: change + 1, to: change + 2).isEmpty)
            #expect(try berlin.transitions(from: change, to: change).isEmpty)
        }
    }

    @Test func rulesForTermsCarryAllThatBillingNeeds() throws {
        let berlin = try TimeZoneFile(name: "Europe/Berlin")
        let rules = try berlin.rules(from: utc(2026, 1, 1), to: utc(2028, 1, 1))
        #expect(rules.name == "Europe/Berlin")
        #expect(rules.tzdataVersion == TimeZoneDatabase.system.version)
        #expect(rules.initialOffsetSeconds == 3600)
        #expect(rules.transitions.count == 4)
        #expect(rules.isValid)
        for time in stride(from: try utc(2026, 1, 1), to: try utc(2028, 1, 1), by: 3601) {
            #expect(rules.offsetSeconds(atMilliseconds: time * 1000) == berlin.offsetSeconds(at: time))
        }
    }

    @Test func refusesTimesOutsideTheCalendar() throws {
        let berlin = try TimeZoneFile(name: "Europe/Berlin")
        let end = try utc(9999, 12, 31, 24)
        for (from, to): (Int64, Int64) in [(-1, 1), (0, end + 1), (2, 1), (.min, .max), (0, .max)] {
            #expect(
                performing: {
                    try berlin.rules(from: from, to: to)
                }, throws: { ($0 as? TimeZoneError)?.code == .outOfRange })
        }
        #expect(
            performing: {
                try berlin.rules(from: 0, to: end)
            }, throws: { ($0 as? TimeZoneError)?.code == .outOfRange })
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "../../../etc/passwd", "Europe/../UTC", "Europe//Berlin", "Europe/", "./UTC",
        "Europe/Berlin\0", "Europe/Ber lin", "Zürich", "right/UTC", "posix/UTC", "localtime", "posixrules",
        "Europe", "Europe/Nowhere", "tzdata.zi", String(repeating: "a", count: 65),
    ])
    func refusesWhatIsNoZone(_ name: String) {
        #expect(
            performing: {
                try TimeZoneFile(name: name)
            }, throws: { ($0 as? TimeZoneError)?.code == .unknown })
    }

    @Test func everyZoneOfTheDatabaseReads() throws {
        let folder = TimeZoneDatabase.system.folder
        let table = try String(contentsOf: folder.appendingPathComponent("zone1970.tab"), encoding: .utf8)
        let names = table.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .compactMap { $0.split(separator: "\t").dropFirst(2).first.map(String.init) }
        #expect(names.count > 300)
        for name in names {
            let zone = try TimeZoneFile(name: name)
            #expect(try zone.rules(from: utc(2020, 1, 1), to: utc(2120, 1, 1)).isValid, "\(name)")
        }
    }

    @Test func knowsItsRelease() {
        let version = TimeZoneDatabase.system.version
        #expect(version == "unknown" || version.hasPrefix("20"))
        #expect(TimeZoneDatabase(folder: URL(fileURLWithPath: "/nonexistent")).version == "unknown")
    }
}

/// Files that lie: errors, never traps.
@Suite(.enabled(if: hasDatabase, "needs the package tzdata"))
struct DamagedTimeZoneFileTests {
    private func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: TimeZoneDatabase.system.folder.appendingPathComponent(name)))
    }

    private func code(_ bytes: [UInt8]) -> TimeZoneError.Code? {
        do throws(TimeZoneError) {
            _ = try TimeZoneFile(name: "X", version: "", bytes: bytes)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func refusesEveryTruncation() throws {
        let whole = try bytes("Europe/Berlin")
        #expect(code(whole) == nil)
        for count in 0..<whole.count { #expect(code(Array(whole[..<count])) == .damaged, "\(count) bytes") }
        #expect(code(whole + [0x0a]) == .damaged)
        #expect(code(whole + [0]) == .damaged)
    }

    @Test func survivesEveryFlippedBit() throws {
        for name in ["Europe/Berlin", "Asia/Kathmandu", "UTC"] {
            let whole = try bytes(name)
            for bit in 0..<whole.count * 8 {
                var changed = whole
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                // Most flips are seen; TZif has no checksum, so some give another zone, which must work too.
                guard let zone = try? TimeZoneFile(name: "X", version: "", bytes: changed) else { continue }
                for time in [Int64.min, -1, 0, 1_800_000_000, 4_000_000_000, .max] {
                    #expect(abs(zone.offsetSeconds(at: time)) <= 90_000)
                }
                _ = try? zone.rules(from: 1_700_000_000, to: 4_000_000_000)
            }
        }
    }

    @Test func survivesRandomDamage() throws {
        let whole = try bytes("America/New_York")
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        for _ in 0..<2000 {
            var changed = whole
            for _ in 0...next() % 8 {
                changed[Int(next() % UInt64(changed.count))] = UInt8(truncatingIfNeeded: next())
            }
            guard let zone = try? TimeZoneFile(name: "X", version: "", bytes: changed) else { continue }
            _ = zone.offsetSeconds(at: Int64(bitPattern: next()))
            _ = try? zone.transitions(from: 0, to: 10_000_000_000)
        }
    }

    @Test func refusesHugeCounts() throws {
        var changed = try bytes("UTC")
        for index in 20..<44 { changed[index] = 0xff }
        #expect(code(changed) == .damaged)
    }

    @Test func refusesLeapSecondsAndOldFiles() throws {
        var old = try bytes("UTC")
        old[4] = 0
        #expect(code(old) == .unsupported)
        guard let right = try? bytes("right/UTC") else { return }
        #expect(code(right) == .unsupported)
    }
}

import Billing
import Contracts
import Foundation
import Ledger
import Testing

@testable import Node

@Suite struct PlainJSONTests {
    private enum Choice: Encodable {
        case plain
        case unlabelled(Inner)
        case labelled(count: Int)
    }

    private struct Inner: Encodable {
        var policy = SelectionPolicy.customersChoice
        var none: Int?
    }

    private struct Sample: Encodable {
        var choices: [Choice] = [.plain, .unlabelled(Inner()), .labelled(count: 3)]
        var time: Timestamp? = Timestamp(nanoseconds: 1_772_352_000_000_000_000)
        var patience = Span.days(14)
        var upSince: Int64 = 999
        var periodEnds: [Int64] = [0, 1_500]
        var large = UInt64.max
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try PlainJSON.data(value, isPretty: false), as: UTF8.self)
    }

    @Test func choicesTimesAndSpansArePlain() throws {
        let expected =
            #"{"choices":["plain",{"unlabelled":{"policy":"customersChoice"}},{"labelled":{"count":3}}],"#
            + #""large":18446744073709551615,"patienceMilliseconds":1209600000,"#
            + #""periodEnds":["1970-01-01T00:00:00Z","1970-01-01T00:00:01.500Z"],"#
            + #""time":"2026-03-01T08:00:00Z","upSince":"1970-01-01T00:00:00.999Z"}"#
        let made = try text(Sample())
        #expect(made == expected, "\(made)")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000000001Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"), (951_782_400_120_000_000, "2000-02-29T00:00:00.120Z"),
        (Int64.max, "2262-04-11T23:47:16.854775807Z"),
    ])
    func timesKeepTheirNanoseconds(nanoseconds: Int64, expected: String) throws {
        #expect(try text([Timestamp(nanoseconds: nanoseconds)]) == "[\"\(expected)\"]")
    }

    @Test(arguments: [
        (-1, #""1969-12-31T23:59:59.999Z""#), (-1_000, #""1969-12-31T23:59:59Z""#),
        (-2_208_988_800_000, #""1900-01-01T00:00:00Z""#),
        (-62_167_219_200_000, #""0000-01-01T00:00:00Z""#), (-62_167_219_200_001, "-62167219200001"),
        (253_402_300_799_999, #""9999-12-31T23:59:59.999Z""#), (253_402_300_800_000, "253402300800000"),
        (Int64.min, "-9223372036854775808"), (Int64.max, "9223372036854775807"),
    ])
    func timesOfFourDigitYearsAreText(milliseconds: Int64, expected: String) throws {
        let made = try text(Interval(from: milliseconds, to: milliseconds))
        #expect(made == #"{"from":\#(expected),"to":\#(expected)}"#)
        struct Ends: Encodable { let periodEnds: [Int64] }
        #expect(try text(Ends(periodEnds: [milliseconds])) == #"{"periodEnds":[\#(expected)]}"#)
    }

    @Test func whatTheDataShowedIsDated() throws {
        let note = DataQualityNote(
            kind: .silence, count: 1,
            examples: [.init(sequence: 5, time: 1_772_352_000_500, amount: 60_000)])
        let expected =
            #"{"count":1,"examples":[{"amount":60000,"sequence":5,"time":"2026-03-01T08:00:00.500Z"}],"#
            + #""kind":"SILENCE"}"#
        #expect(try text(note) == expected)
    }

    /// A key can have any name, that of a time as well.
    @Test func aDictionarysKeysAreNoNamesOfFields() throws {
        struct Report: Encodable {
            var keyDaysLeft: [String: Int64] = ["until": 12, "to": 3, "chamber": 90]
            var spans: [String: Span] = ["a": .seconds(1)]
            var inner: [String: [Interval]] = ["from": [Interval(from: 0, to: 1_000)]]
            var ends: [String: [Int64]] = ["periodEnds": [1]]
        }
        let expected =
            #"{"ends":{"periodEnds":[1]},"#
            + #""inner":{"from":[{"from":"1970-01-01T00:00:00Z","to":"1970-01-01T00:00:01Z"}]},"#
            + #""keyDaysLeft":{"chamber":90,"to":3,"until":12},"spans":{"a":1000}}"#
        #expect(try text(Report()) == expected)
        #expect(try text(["time": 1 as Int64]) == #"{"time":1}"#)
        #expect(try text([["from": 1 as Int64]]) == #"[{"from":1}]"#)
    }

    @Test func longListsAndDictionariesAreEncoded() throws {
        struct Long: Encodable {
            let list: [Interval]
            let names: [String: Int]
        }
        let count = 100_000
        let made = try PlainJSON.data(
            Long(
                list: (0..<Int64(count)).map { Interval(from: $0, to: $0 + 1) },
                names: Dictionary(uniqueKeysWithValues: (0..<count).map { ("name \($0)", $0) })))
        let read = try #require(JSONSerialization.jsonObject(with: made) as? [String: Any])
        let list = try #require(read["list"] as? [[String: String]])
        #expect(list.count == count && list[count - 1]["to"] == "1970-01-01T00:01:40Z")
        let names = try #require(read["names"] as? [String: Int])
        #expect(names.count == count && names["name 99999"] == 99_999)
    }

    @Test func aFieldIsAddedToAnObjectAndToEachOfAList() throws {
        func added(_ value: some Encodable) throws -> String {
            String(
                decoding: try PlainJSON.data(value, adding: [("simulated", false)], isPretty: false),
                as: UTF8.self)
        }
        #expect(try added(["a": 1]) == #"{"a":1,"simulated":false}"#)
        #expect(try added([["a": 1]]) == #"[{"a":1,"simulated":false}]"#)
        #expect(try added(["a"]) == #"["a"]"#)
        #expect(try added([Int]()) == "[]")
    }

    /// Who asks for older blocks waits for longer than the node may be silent before it answers.
    @Test func aFetchIsWaitedForLongerThanTheNodeMayTake() {
        let silence = LocalAPI.fetchEndMilliseconds + LocalAPI.fetchBeginMilliseconds
        #expect(LocalAPI.fetchSilenceMilliseconds >= silence + 30_000)
    }
}

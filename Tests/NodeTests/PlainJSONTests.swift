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

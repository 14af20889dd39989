import Billing
import Foundation
import Testing

@testable import Telemetry

@Suite struct CSVSourceTests {
    private static func json(_ more: String = "", onBadRow: String = "fail") -> String {
        """
        {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60, "onBadRow": "\(onBadRow)",
         "time": {"column": "t", "format": "epochSeconds"},
         "state": {"column": "s", "values": {"R": "Executing", "I": "NotExecuting"}},
         "counters": [{"column": "n", "name": "produced"}],
         "measures": [{"column": "x", "name": "heat", "unit": "CEL"}] \(more.isEmpty ? "" : ", " + more)}
        """
    }

    private func source(_ text: String, _ json: String = json()) throws -> CSVSource {
        try CSVSource(MemoryBytes(text), mapping: csvMapping(json), name: "test.csv")
    }

    /// The code and line that reading to the end fails with.
    private func failure(_ bytes: [UInt8], _ json: String = json()) throws -> TelemetryError? {
        let mapping = try csvMapping(json)
        do throws(TelemetryError) {
            var source = try CSVSource(MemoryBytes(bytes), mapping: mapping, name: "test.csv")
            _ = try source.all()
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String, _ json: String = json()) throws -> TelemetryError? {
        try failure(Array(text.utf8), json)
    }

    @Test func keepsOnlyWhatChanged() throws {
        var source = try source("t,s,n,x\n0,R,5,1.5\n60,R,5,1.5\n120,I,6,\n180,,6,2\n")
        let entries = try source.all()
        #expect(
            entries == [
                TelemetryEntry(
                    sequence: 1, time: 0, state: .executing, counters: [.init(name: "produced", value: 5)],
                    measures: [.init(name: "heat", value: Quantity(millionths: 1_500_000), unit: "CEL")]),
                TelemetryEntry(sequence: 2, time: 60_000),
                TelemetryEntry(
                    sequence: 3, time: 120_000, state: .notExecuting,
                    counters: [.init(name: "produced", value: 6)]),
                TelemetryEntry(
                    sequence: 4, time: 180_000, state: .unknown,
                    measures: [.init(name: "heat", value: Quantity(millionths: 2_000_000), unit: "CEL")]),
            ])
        #expect(try source.next() == nil)
    }

    @Test func readsCRLFQuotesMarksAndUnknownColumns() throws {
        let text = "\u{FEFF}\"t\",note,s,n,\"x\"\r\n0,\"a,\"\"b\"\"\r\nc\",R,\"5\",\" 1.5 \"\r\n\r\n60,,I,6,2"
        var source = try source(text)
        let entries = try source.all()
        #expect(entries.map(\.time) == [0, 60_000])
        #expect(entries[0].counters.map(\.value) == [5])
        #expect(source.report.lines == 5)
    }

    @Test func needsAHeader() throws {
        #expect(try failure("")?.code == .csvNoHeader)
        #expect(try failure("\n\n")?.code == .csvNoHeader)
        #expect(try failure("t,s,n,x") == nil)
        #expect(
            try failure("t,s,n\n0,R,1\n")
                == TelemetryError(.csvMissingColumn, "there is no column \"x\"", line: 1))
        #expect(try failure("t,s,n,x,t\n")?.code == .csvDuplicateColumn)
        #expect(try failure("t,s,n,x,y\n", Self.json("\"strict\": true"))?.code == .csvUnknownColumn)
    }

    @Test func readsFilesWithoutHeaderWhenColumnsAreNamed() throws {
        var source = try source("0,R,1,2\n", Self.json("\"columns\": [\"t\", \"s\", \"n\", \"x\"]"))
        #expect(try source.all().count == 1)
    }

    @Test(arguments: [
        ("0,R,1", TelemetryError.Code.csvFieldCount), ("0,R,1,2,3", .csvFieldCount), ("x,R,1,2", .csvBadTime),
        ("0,Q,1,2", .csvUnknownState), ("0,R,1.5,2", .csvBadCounter), ("0,R,-1,2", .csvBadCounter),
        ("0,R,99999999999999999999,2", .csvBadCounter), ("0,R,1,hot", .csvBadNumber),
        ("0,R,1,1e30", .csvBadNumber), ("0,R,1,\"2", .csvBadQuote), ("0,R,1,\"2\"3", .csvBadQuote),
        ("0,R,1,2\"", .csvBadQuote), ("0,R,1,2\u{0}", .csvNULByte),
    ])
    func refusesBadRowsWithTheirLine(row: String, code: TelemetryError.Code) throws {
        let error = try failure(
            "t,s,n,x\n-\n".replacingOccurrences(of: "-\n", with: "0,R,1,2\n") + row + "\n")
        #expect(error?.code == code)
        #expect(error?.line == 3)
    }

    @Test func refusesTextThatIsNotUTF8() throws {
        let error = try failure(Array("t,s,n,x\n0,R,1,".utf8) + [0xc3, 0x28, 0x0a])
        #expect(error?.code == .csvNotUTF8)
        #expect(error?.line == 2)
        #expect(try failure([0xff, 0xfe, 0x74, 0x00])?.code == .csvNULByte)
    }

    @Test func refusesEndlessLinesAndQuotes() throws {
        let long = String(repeating: "9", count: LineReader.maximumLineLength + 1)
        #expect(try failure("t,s,n,x\n" + long)?.code == .csvLineTooLong)
        #expect(try failure(long)?.code == .csvLineTooLong)
        let quote = "0,R,1,\"" + String(repeating: "aaaa\n", count: 20_000)
        #expect(try failure("t,s,n,x\n" + quote)?.code == .csvLineTooLong)
    }

    @Test func skipsAndCountsBadRowsWhenToldTo() throws {
        let long = String(repeating: "9", count: 400_000)
        var source = try source(
            "t,s,n,x\n0,R,1,2\nbad\n60,R,oops,2\n\(long)\n120,R,2,2\n", Self.json(onBadRow: "skip"))
        #expect(try source.all().map(\.time) == [0, 120_000])
        #expect(source.report.skippedCount == 3)
        #expect(
            source.report.skipped == [
                .init(line: 3, code: .csvFieldCount), .init(line: 4, code: .csvBadCounter),
                .init(line: 5, code: .csvLineTooLong),
            ])
        #expect(source.report.text.contains("3 bad rows skipped: line 3 (csv.field_count)"))
    }

    @Test func namesOnlyTheFirstSkippedRows() throws {
        var source = try source(
            "t,s,n,x\n" + String(repeating: "bad,\n", count: 1000), Self.json(onBadRow: "skip"))
        #expect(try source.all().isEmpty)
        #expect(source.report.skippedCount == 1000)
        #expect(source.report.skipped.count == ImportReport.namedRows)
        #expect(source.report.text.contains("and 990 more"))
    }

    @Test func keepsTheSourcesOrderWhereTheClockDoesNot() throws {
        var source = try source("t,s,n,x\n100,R,1,1\n40,R,2,1\n100,R,3,1\n100,R,3,1\n100,I,3,1\n400,I,4,1\n")
        #expect(try source.all().map(\.time) == [100_000, 40_000, 100_000, 100_000, 400_000])
        let report = source.report
        #expect(report.clockSteps == 1 && report.largestClockStepMilliseconds == 60_000)
        #expect(report.largestClockStepLine == 3)
        #expect(report.repeatedTimes == 3)
        #expect(report.duplicateRows == 1)
        #expect(report.gaps == 1 && report.gapMilliseconds == 300_000)
    }

    /// A reset and a step back are each believed; a row with both is an older one in the wrong place.
    @Test func aRowBehindInTimeAndCountIsOutOfPlace() throws {
        let rows = "t,s,n,x\n0,R,10,1\n60,R,20,1\n120,R,30,1\n60,R,19,1\n180,R,40,1\n120,R,41,1\n"
        var skipping = try source(rows, Self.json(onBadRow: "skip"))
        #expect(try skipping.all().compactMap(\.counters.first?.value) == [10, 20, 30, 40, 41])
        #expect(skipping.report.skipped == [.init(line: 5, code: .csvOutOfOrder)])
        #expect(skipping.report.counterFalls.isEmpty && skipping.report.clockSteps == 1)
        #expect(skipping.report.doubts.contains("1 bad row skipped: line 5 (csv.out_of_order)."))
        var strict = try source(rows)
        let error = #expect(throws: TelemetryError.self) { _ = try strict.all() }
        #expect(error?.code == .csvOutOfOrder && error?.line == 5)
    }

    @Test(arguments: [3, 40])
    func refusesATableWithTheNewestRowFirst(rows: Int) throws {
        let text = (0..<rows).map { "\(60 * (rows - $0)),R,\(10 * (rows - $0)),1\n" }.joined()
        var skipping = try source("t,s,n,x\n" + text, Self.json(onBadRow: "skip"))
        let error = #expect(throws: TelemetryError.self) { _ = try skipping.all() }
        #expect(error?.code == .csvRunsBackwards)
        // Before much of it is on a ledger.
        #expect(skipping.report.lines <= 20)
        // A clock that once stepped back for ever is no such table.
        var stepped = try source("t,s,n,x\n500,R,1,1\n560,R,2,1\n0,R,3,1\n60,R,4,1\n120,R,5,1\n")
        #expect(try stepped.all().count == 5)
    }

    @Test func countsFallsAndGoesOn() throws {
        var source = try source("t,s,n,x\n0,R,9,1\n60,R,2,1\n120,R,5,1\n180,R,0,1\n")
        #expect(try source.all().compactMap(\.counters.first?.value) == [9, 2, 5, 0])
        #expect(source.report.counterFalls == [.init(counter: "produced", count: 2)])
    }

    @Test func gapsAreLongerThanThreeIntervals() throws {
        var exact = try source("t,s,n,x\n0,R,1,1\n180,R,1,1\n")
        _ = try exact.all()
        #expect(exact.report.gaps == 0)
        var longer = try source("t,s,n,x\n0,R,1,1\n180.001,R,1,1\n")
        _ = try longer.all()
        #expect(longer.report.gaps == 1)
        #expect(longer.report.stateTimes.isEmpty)
    }

    @Test func addsUpIncrements() throws {
        let json = """
            {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60, "onBadRow": "skip",
             "time": {"column": "t", "format": "epochSeconds"},
             "counters": [{"column": "n", "name": "good", "kind": "increment"},
                          {"column": "h", "name": "seconds", "scale": 3600}]}
            """
        var source = try source("t,n,h\n0,5,1\n60,2,x\n60,2,1.5\n120,18446744073709551615,2\n180,1,2\n", json)
        let counters = try source.all().map { $0.counters.map(\.value) }
        #expect(source.report.stateTimes.isEmpty && source.report.unavailableSpans == 0)
        #expect(counters == [[5, 3600], [7, 5400], [8, 7200]])
        #expect(source.report.skipped.map(\.line) == [3, 5])
    }

    @Test func reportsEachFaultWhenItBegins() throws {
        var source = try source(
            "t,s,n,x,a\n0,R,1,1,\n1,I,1,1,E1\n2,I,1,1,E1\n3,I,1,1,E2\n4,R,1,1,\n5,I,1,1,E2\n",
            Self.json("\"fault\": {\"column\": \"a\"}"))
        #expect(try source.all().map(\.fault) == [nil, "E1", nil, "E2", nil, "E2"])
    }
}

@Suite struct ThresholdTests {
    private func states(_ rules: String, _ values: [String]) throws -> [TelemetryEntry] {
        let json = """
            {"format": "csv", "machine": "m", "reportingIntervalSeconds": 60,
             "time": {"column": "t", "format": "epochSeconds"},
             "measures": [{"column": "x", "name": "heat", "unit": "CEL"}], "state": {\(rules)}}
            """
        let rows = values.enumerated().map { "\($0.offset * 60),\($0.element)\n" }.joined()
        var source = try CSVSource(MemoryBytes("t,x\n" + rows), mapping: csvMapping(json), name: "t")
        return try source.all()
    }

    @Test func takesTheFirstRuleThatHolds() throws {
        let entries = try states(
            """
            "thresholds": [{"when": "heat", "above": "40", "state": "Executing"},
                           {"when": "heat", "below": "10", "state": "OutOfService", "fault": "COLD"}],
            "else": "NotExecuting"
            """, ["41", "40", "9.999999", "8", "10", "", "40.000001"])
        #expect(
            entries.map(\.state) == [
                .executing, .notExecuting, .outOfService, nil, .notExecuting, .unknown, .executing,
            ])
        #expect(entries.map(\.fault) == [nil, nil, "COLD", nil, nil, nil, nil])
    }

    @Test func staysWithinItsHysteresis() throws {
        let entries = try states(
            """
            "thresholds": [{"when": "heat", "above": "40", "hysteresis": "2", "state": "Executing"}],
            "else": "NotExecuting"
            """, ["39", "41", "39", "38", "39", "40", "41"])
        #expect(
            entries.map(\.state) == [.notExecuting, .executing, nil, .notExecuting, nil, nil, .executing])
    }

    @Test func waitsForTheHoldAndStartsItAnew() throws {
        let entries = try states(
            """
            "thresholds": [{"when": "heat", "below": "10", "holdSeconds": 120, "state": "OutOfService",
                            "fault": "COLD"}],
            "else": "Executing"
            """, ["50", "5", "5", "50", "5", "5", "5", "5", "50"])
        #expect(
            entries.map(\.state) == [
                .executing, nil, nil, nil, nil, nil, .outOfService, nil, .executing,
            ])
        #expect(entries[6].fault == "COLD")
    }

    @Test func survivesBoundsAtTheEndOfTheRange() throws {
        let entries = try states(
            """
            "thresholds": [{"when": "heat", "above": "-9223372036854.775807", "hysteresis": "9",
                            "state": "Executing"}],
            "else": "NotExecuting"
            """, ["1", "-9223372036854.775807"])
        #expect(entries.map(\.state) == [.executing, nil])
    }
}

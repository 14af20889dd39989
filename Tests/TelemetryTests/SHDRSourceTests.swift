import Billing
import Foundation
import Testing

@testable import Telemetry

@Suite struct SHDRSourceTests {
    private static func json(_ onBadRow: String = "fail") -> String {
        """
        {"format": "shdr", "machine": "m", "reportingIntervalSeconds": 10, "onBadRow": "\(onBadRow)",
         "device": "D", "availability": "avail", "power": "power",
         "execution": {"key": "exec", "values": {"WARMUP": "NotExecuting"}},
         "mode": {"key": "mode", "values": {"TEACH": "Maintenance"}},
         "counters": [{"key": "parts", "name": "produced"}],
         "measures": [{"key": "load", "name": "load", "unit": "P1"}], "faults": ["system", "servo"]}
        """
    }

    private func source(_ text: String, _ onBadRow: String = "fail") throws -> SHDRSource {
        SHDRSource(MemoryBytes(text), mapping: try shdrMapping(Self.json(onBadRow)), name: "log")
    }

    /// Seconds after midnight as a time stamp.
    private func at(_ seconds: Int, _ rest: String) -> String {
        let (minute, second) = (String(100 + seconds / 60), String(100 + seconds % 60))
        return "1970-01-01T00:\(minute.dropFirst()):\(second.dropFirst())Z|\(rest)\n"
    }

    @Test(arguments: [
        ("ACTIVE", MachineState.executing), ("READY", .notExecuting), ("INTERRUPTED", .notExecuting),
        ("FEED_HOLD", .notExecuting), ("WAIT", .notExecuting), ("OPTIONAL_STOP", .notExecuting),
        ("PROGRAM_STOPPED", .notExecuting), ("PROGRAM_COMPLETED", .notExecuting), ("STOPPED", .notExecuting),
        ("UNAVAILABLE", .unknown), ("WARMUP", .notExecuting),
    ])
    func mapsExecutionByName(word: String, state: MachineState) throws {
        var source = try source(at(0, "exec|\(word)"))
        #expect(try source.all().map(\.state) == [state])
    }

    @Test func isOutOfServiceOnlyWhenStoppedWithAFault() throws {
        var source = try source(
            at(0, "exec|ACTIVE") + at(1, "system|FAULT|401|1|HIGH|ILLEGAL FORMAT") + at(2, "exec|STOPPED")
                + at(3, "system|Normal||||") + at(4, "servo|Warning|7|||hot")
                + at(5, "servo|fault|7|||hot|er")
                + at(6, "servo|FAULT|8|||") + at(7, "servo|NORMAL|7|||") + at(8, "servo|WARNING|8|||")
                + at(9, "servo|FAULT||||") + at(10, "servo|UNAVAILABLE||||"))
        let entries = try source.all()
        #expect(
            entries.map(\.state) == [
                .executing, nil, .outOfService, .notExecuting, .outOfService, nil, .notExecuting,
                .outOfService,
                .notExecuting,
            ])
        #expect(
            entries.map(\.fault) == [
                nil, "401: ILLEGAL FORMAT", nil, nil, "7: hot|er", "8", nil, "servo", nil,
            ])
    }

    @Test func noDataIsUnknownAndNoPowerIsOff() throws {
        var source = try source(
            at(0, "exec|ACTIVE|avail|AVAILABLE|power|ON|mode|AUTOMATIC") + at(1, "power|OFF")
                + at(2, "avail|UNAVAILABLE") + at(3, "power|UNAVAILABLE") + at(4, "avail|AVAILABLE")
                + at(5, "mode|UNAVAILABLE") + at(6, "mode|EDIT") + at(7, "mode|TEACH"))
        let entries = try source.all()
        #expect(entries.map(\.state) == [.executing, .notAvailable, .unknown, .executing, nil, nil, nil])
        #expect(
            entries.map(\.mode) == [
                .processing, nil, nil, nil, MachineMode.none, .setup, .maintenance,
            ])
        #expect(source.report.unavailableSpans == 1)
    }

    @Test func mergesConsecutiveEventsOfOneInstantUntilAKeyRepeats() throws {
        var source = try source(
            at(0, "exec|READY") + at(0, "parts|1|load|2.5") + at(0, "other|9") + at(0, "parts|2")
                + at(0, "parts|0") + at(1, "load|3") + at(0, "load|4"))
        let entries = try source.all()
        #expect(entries.map(\.time) == [0, 0, 0, 1000, 0])
        #expect(entries.map { $0.counters.map(\.value) } == [[1], [2], [0], [], []])
        #expect(entries.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(source.report.counterFalls == [.init(counter: "produced", count: 1)])
        #expect(source.report.clockSteps == 1)
    }

    @Test func refusesALogThatRunsBackwards() throws {
        var source = try source((0..<30).reversed().map { at($0, "parts|\($0)") }.joined())
        let error = #expect(throws: TelemetryError.self) { _ = try source.all() }
        #expect(error?.code == .shdrRunsBackwards)
    }

    @Test func twoFaultsOfOneInstantAreTwoEntries() throws {
        var source = try source(
            at(0, "exec|STOPPED") + at(0, "servo|FAULT|1|||a") + at(0, "system|FAULT|2|||b"))
        let entries = try source.all()
        #expect(entries.map(\.fault) == ["1: a", "2: b"])
        #expect(entries.map(\.state) == [.outOfService, nil])
    }

    @Test func tellsAValueAnewAfterItWasUnavailable() throws {
        var source = try source(
            at(0, "parts|5") + at(1, "parts|5") + at(2, "parts|UNAVAILABLE") + at(3, "parts|5"))
        #expect(try source.all().map(\.time) == [0, 3000])
    }

    @Test func saysSoWhenNothingChangedForLong() throws {
        let log =
            at(0, "exec|ACTIVE") + (1...12).map { at($0 * 8, "other|\($0)") }.joined() + at(98, "exec|READY")
        var source = try source(log + at(99, "other|1"))
        let entries = try source.all()
        #expect(entries.map(\.time) == [0, 24_000, 48_000, 72_000, 98_000, 99_000])
        #expect(source.report.gaps == 0)
        #expect(source.report.stateTimes.map(\.milliseconds) == [1000, 98_000])
    }

    @Test func measuresASilenceExactly() throws {
        var source = try source(
            at(0, "exec|ACTIVE") + at(8, "other|1") + at(60, "other|2") + at(70, "exec|READY"))
        #expect(try source.all().map(\.time) == [0, 8000, 60_000, 70_000])
        #expect(source.report.gaps == 1)
        #expect(source.report.gapMilliseconds == 52_000)
    }

    @Test func leavesOutProtocolLinesAssetsAndOtherDevices() throws {
        var source = try source(
            "* PONG 10000\n@ADAPTER_VERSION@|1\n\n" + at(0, "@ASSET@|1|Tool|--multiline--X1")
                + "<Tool>\nexec|ACTIVE\n</Tool>\n--multiline--X1\n" + at(1, "D:exec|ACTIVE")
                + at(2, "E:exec|READY") + at(3, "unmapped|Fault|1||exec|READY")
                + "1970-01-01T00:00:04Z@12.5|load|7\n" + at(5, "note"))
        let entries = try source.all()
        #expect(entries.map(\.state) == [.executing, nil, nil])
        #expect(entries.map(\.time) == [1000, 4000, 5000])
    }

    @Test func readsQuotedPipes() {
        func fields(_ line: String) -> [String] { SHDRLine.fields(Array(line.utf8)).map(\.text) }
        #expect(fields(#"t|k|"a\|b"|c"#) == ["t", "k", "a|b", "c"])
        #expect(fields(#"t|k|"a|b"|c"#) == ["t", "k", "\"a", "b\"", "c"])
        #expect(fields(#"t|k|"ab"|""#) == ["t", "k", "ab", "\""])
        #expect(fields(#"t|k|5" pipe|"#) == ["t", "k", "5\" pipe", ""])
        #expect(fields(#"t|k|"a\|b\|"#) == ["t", "k", #""a\"#, #"b\"#, ""])
    }

    @Test(arguments: [
        ("exec", TelemetryError.Code.shdrMalformed), ("|ACTIVE", .shdrMalformed),
        ("exec|DANCING", .shdrUnknownValue),
        ("power|MAYBE", .shdrUnknownValue), ("avail|", .shdrUnknownValue), ("mode|DISCO", .shdrUnknownValue),
        ("parts|-1", .shdrBadCounter), ("parts|", .shdrBadCounter), ("load|high", .shdrBadNumber),
        ("load|1e99", .shdrBadNumber), ("servo|BAD||||", .shdrBadCondition), ("servo", .shdrMalformed),
    ])
    func refusesBadLines(line: String, expected: TelemetryError.Code) throws {
        var source = try source(at(0, "exec|ACTIVE") + at(1, line))
        #expect(code { () throws(TelemetryError) in _ = try source.all() } == expected)
        var skipping = try self.source(at(0, "exec|ACTIVE") + at(1, line) + at(2, "exec|READY"), "skip")
        #expect(try skipping.all().map(\.state) == [.executing, .notExecuting])
        #expect(skipping.report.skipped == [.init(line: 2, code: expected)])
    }

    @Test func refusesHostileBytes() throws {
        for (bytes, expected) in [
            (Array("no time|exec|ACTIVE".utf8), TelemetryError.Code.shdrBadTime),
            (Array("no pipe".utf8), .shdrMalformed), ([0x31, 0x00], .shdrNULByte),
            ([0xe2, 0x28], .shdrNotUTF8),
            ([UInt8](repeating: 0x7c, count: 1 << 20), .shdrLineTooLong),
            (Array("1970-01-01T00:00:00Z|@ASSET@|1|--multiline--A\nx".utf8), .shdrUnclosedAsset),
        ] {
            var source = SHDRSource(MemoryBytes(bytes), mapping: try shdrMapping(Self.json()), name: "log")
            #expect(code { () throws(TelemetryError) in _ = try source.all() } == expected)
        }
        var empty = try source("")
        #expect(try empty.all().isEmpty)
        #expect(empty.report.text == "log: no entries.")
    }

    @Test func boundsTheFaultsThatAreActive() throws {
        var source = try source((0...256).map { at(0, "servo|FAULT|\($0)|||") }.joined())
        #expect(code { () throws(TelemetryError) in _ = try source.all() } == .shdrBadCondition)
    }

    @Test func cutsLongFaultTexts() throws {
        var source = try source(at(0, "servo|FAULT|1|||" + String(repeating: "ü", count: 5000)))
        let fault = try #require(try source.next()?.fault)
        #expect(fault.utf8.count <= 256 && fault.hasPrefix("1: üü") && fault.hasSuffix("ü…"))
    }
}

import Billing
import TestSupport
import Testing

@testable import Telemetry

/// Facts about two machines' real files, counted independently of this code.
@Suite(.enabled(if: SharedFiles.isPresent, "needs the shared data folder"))
struct RealDataTests {
    @Test func readsTheMazakLathe() throws {
        var source = try TelemetryFile.open(
            SharedFiles.url("data/nist_mazak03_20180416.shdr"),
            mapping: example("mappings/nist_mazak03.json"))
        let entries = try source.all()
        let report = source.report

        #expect(report.lines == 23_635)
        #expect(entries.count == 8_548)
        #expect(entries.map(\.sequence) == Array(1...8_548))
        #expect(report.earliest == 1_523_902_318_537)
        #expect(report.latest == 1_523_912_307_025)
        #expect(
            report.stateTimes == [
                .init(state: .notExecuting, milliseconds: 7_524_246),
                .init(state: .executing, milliseconds: 2_151_377),
                .init(state: .unknown, milliseconds: 209_008),
            ])
        #expect(report.gaps == 5)
        #expect(report.gapMilliseconds == 103_857)
        #expect(report.longestGapMilliseconds == 33_063)
        #expect(report.unavailableSpans == 5)
        #expect(report.counterFalls.isEmpty)
        #expect(report.stillCounters == ["produced"])
        #expect(report.clockSteps == 0 && report.skippedCount == 0 && report.assumedZoneMinutes == nil)
        #expect(entries.count { $0.state != nil } == 197)
        #expect(entries.allSatisfy { $0.fault == nil && $0.state != .outOfService })

        let total = try #require(entries.first?.counters.first { $0.name == "totalSeconds" })
        #expect(total.value == 13_383_293)
        #expect(entries.first?.state == .executing)
        #expect(entries.first?.mode == .processing)
        #expect(entries.last?.state == .unknown)
    }

    @Test func readsTheNABMachine() throws {
        var source = try TelemetryFile.open(
            SharedFiles.url("data/nab_machine_temperature_system_failure.csv"),
            mapping: example("mappings/nab_machine_temperature.json"), startingAt: 1_000)
        let entries = try source.all()
        let report = source.report

        #expect(entries.count == 22_695)
        #expect(entries.first?.sequence == 1_000)
        #expect(report.earliest == 1_386_018_900_000)
        #expect(report.latest == 1_392_823_500_000)
        #expect(report.assumedZoneMinutes == 0)
        #expect(report.clockSteps == 1)
        #expect(report.largestClockStepMilliseconds == 3_300_000)
        #expect(report.largestClockStepLine == 10_151)
        #expect(Timestamp.text(report.largestClockStepFrom) == "2014-01-07 02:55:00")
        #expect(report.repeatedTimes == 12)
        #expect(report.gaps == 0)
        #expect(
            report.stateTimes == [
                .init(state: .notAvailable, milliseconds: 7_200_000),
                .init(state: .outOfService, milliseconds: 117_300_000),
                .init(state: .notExecuting, milliseconds: 637_200_000),
                .init(state: .executing, milliseconds: 6_042_900_000),
            ])
        #expect(entries.count { $0.state != nil } == 83)
        let faults = entries.filter { $0.fault != nil }
        #expect(faults.map { Timestamp.text($0.time) } == ["2014-02-08 03:25:00"])
        #expect(faults.first?.state == .outOfService)
        #expect(
            entries.filter { $0.state == .notAvailable }.map { Timestamp.text($0.time) }
                == ["2013-12-16 16:35:00"])
        #expect(report.text.contains("12 entries repeat a time already given"))
        #expect(report.text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func readsTheSameInDrips() throws {
        let bytes = try SharedFiles.bytes("data/nist_mazak03_20180416.shdr")
        guard case .shdr(let mapping) = try TelemetryMapping.read(example("mappings/nist_mazak03.json"))
        else {
            Issue.record("not an SHDR mapping")
            return
        }
        var whole = SHDRSource(MemoryBytes(bytes), mapping: mapping, name: "whole")
        var drips = SHDRSource(DripBytes(bytes, step: 1_013), mapping: mapping, name: "drips")
        #expect(try fingerprint(whole.all()) == fingerprint(drips.all()))
    }
}

@Suite struct ExampleTests {
    @Test func readsThePressSample() throws {
        var source = try TelemetryFile.open(
            example("telemetry/press.csv"), mapping: example("mappings/press.json"))
        let entries = try source.all()
        #expect(entries.count == 34)
        #expect(entries.first?.time == 1_772_427_600_000)
        #expect(entries.compactMap(\.fault) == ["E417; \"main bearing\" temperature high"])
        #expect(source.report.skippedCount == 0)
        #expect(source.report.stateTimes.map(\.milliseconds) == [300_000, 1_200_000, 2_100_000, 6_300_000])
        #expect(
            entries.last { !$0.counters.isEmpty }?.counters == [
                .init(name: "good", value: 48_404), .init(name: "produced", value: 49_301),
            ])
    }
}

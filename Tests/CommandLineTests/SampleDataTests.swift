import Foundation
import TestSupport
import Testing

/// The files in `examples/` as the README uses them, and what becomes of them when they arrive damaged: a
/// figure comes with a word on what its data could not tell, or does not come at all.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct SampleDataTests {
    private static let examples = SharedFiles.root.appendingPathComponent("examples").path
    private static let mapping = "--mapping \(examples)/mappings/press.json"
    private static let compute =
        "billing compute --terms \(examples)/terms/press-with-parties.json \(mapping) --from 2026-03-01 "

    private static func rows() throws -> [String] {
        try String(contentsOfFile: examples + "/telemetry/press.csv", encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    private func payable(_ run: Run) throws -> Int? {
        try (run.object()["totals"] as? [String: Any])?["payable"] as? Int
    }

    private func notes(_ run: Run) throws -> [String] { try run.object()["notes"] as? [String] ?? ["none"] }

    /// 1200.00 + 5000 parts at 0.12 + 1.75 h at 6.40, less 10 % for 84.8 % of availability, and 19 % of it.
    @Test func theExampleIsBilledByTheTimeThatItsMachineRan() async throws {
        let place = try Workplace()
        let line = Self.compute + "--telemetry \(Self.examples)/telemetry/press.csv"
        let text = try await place.succeed(line).output
        #expect(text.contains("1.75 hours") && text.contains("EUR 1 939.80") && text.contains("MTTR 0 h 20"))
        let json = try await place.succeed(line + " --json")
        #expect(try payable(json) == 193_980 && notes(json).isEmpty)
    }

    @Test func termsThatExpectReadingsMoreOftenAreNoted() async throws {
        let place = try Workplace()
        let terms = try String(
            contentsOfFile: Self.examples + "/terms/press-with-parties.json", encoding: .utf8)
        try place.write(terms.replacingOccurrences(of: "300 s", with: "60 s"), to: "terms.json")
        let run = try await place.call(
            "billing compute --terms terms.json \(Self.mapping) --from 2026-03-01 --telemetry "
                + "\(Self.examples)/telemetry/press.csv")
        #expect(run.status == 0 && run.error.contains("note: By the terms a reading comes every 1 min"))
        #expect(run.error.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    /// Its machine is registered with a reading an hour.
    @Test func aProposalThatExpectsReadingsMoreOftenIsNoted() async throws {
        let consortium = try await Consortium.withMachine()
        let run = try await consortium.place.call(
            "agreement propose rent-7 --as press-works --terms \(Self.examples)/terms/press.json")
        #expect(run.status == 0 && run.output.contains("final"))
        #expect(run.error.hasPrefix("note: press-7 is registered with a reading every 1 h"), "\(run.error)")
    }

    @Test func rowsThatCannotBeUsedAreNamed() async throws {
        let place = try Workplace()
        let rows = try Self.rows()
        let latin = rows.map { $0.replacingOccurrences(of: "main", with: "mäin") }.joined(separator: "\n")
        try #require(latin.data(using: .isoLatin1)).write(to: place.folder.appendingPathComponent("l.csv"))
        let line = Self.compute + "--telemetry l.csv"
        let told = try await place.call(line)
        #expect(told.status == 0 && told.error.contains("4 bad rows skipped: line 21 (csv.not_utf8)"))
        let json = try await place.succeed(line + " --json")
        #expect(try notes(json).contains { $0.hasPrefix("4 bad rows skipped") })
        let oee = try await place.succeed("oee l.csv \(Self.mapping) --pru 30s --json")
        #expect(try notes(oee).contains { $0.hasPrefix("4 bad rows skipped") })
    }

    @Test func aFileWithoutAUsableRowIsRefused() async throws {
        let place = try Workplace()
        let rows = try Self.rows()
        try place.write(rows[0] + "\n", to: "header.csv")
        try place.write(
            ([rows[0]] + rows.dropFirst().map { "x" + $0 }).joined(separator: "\n"), to: "bad.csv")
        for file in ["header.csv", "bad.csv"] {
            for line in [Self.compute + "--telemetry \(file)", "oee \(file) \(Self.mapping)"] {
                let run = try await place.call(line)
                #expect(run.status == 2 && run.code == "cli.no_entries", "\(line): \(run.error)")
                #expect(run.errorLine != nil && run.output.isEmpty)
            }
        }
    }

    /// Quality is a ratio of counts: only effectiveness and OEE need a planned run time.
    @Test func qualityNeedsNoPlannedRunTime() async throws {
        let place = try Workplace()
        for line in [
            "oee \(Self.examples)/telemetry/press.csv \(Self.mapping) --json",
            "oee --pbt 2h --apt 1h --pq 199 --gq 194 --json",
        ] {
            let figures = try await place.succeed(line).object()
            #expect(figures["quality"] as? Int == 974_874)
            #expect(figures["effectiveness"] == nil && figures["oee"] == nil)
        }
    }

    @Test func aPeriodWithoutReadingsIsNoted() async throws {
        let place = try Workplace()
        let line =
            Self.compute.replacingOccurrences(of: "2026-03-01", with: "2026-04-01")
            + "--telemetry \(Self.examples)/telemetry/press.csv"
        let run = try await place.call(line)
        #expect(run.status == 0 && run.error.hasPrefix("note: No reading of press.csv is from 2026-03-31"))
        #expect(try notes(try await place.succeed(line + " --json")).count == 1)
    }

    @Test func silenceIsDatedInTheInvoice() async throws {
        let place = try Workplace()
        let rows = try Self.rows()
        try place.write((rows[...4] + rows[12...]).joined(separator: "\n"), to: "gap.csv")
        let invoice = try await place.succeed(Self.compute + "--telemetry gap.csv --json").object()
        let notes = try #require(invoice["dataQuality"] as? [[String: Any]])
        let silence = try #require(notes.first { $0["kind"] as? String == "SILENCE" })
        let examples = try #require(silence["examples"] as? [[String: Any]])
        #expect(!examples.isEmpty)
        for example in examples {
            let time = try #require(example["time"] as? String)
            #expect(time.wholeMatch(of: /2026-0[23]-\d\dT[:\d]{8}Z/) != nil, "\(time)")
        }
    }

    @Test func aTableWithTheNewestRowFirstIsRefusedEverywhere() async throws {
        let place = try Workplace()
        let rows = try Self.rows()
        try place.write(([rows[0]] + rows.dropFirst().reversed()).joined(separator: "\n"), to: "rev.csv")
        for line in [
            Self.compute + "--telemetry rev.csv", "oee rev.csv \(Self.mapping)",
            "telemetry inspect rev.csv \(Self.mapping)",
            "demo --home demo --telemetry rev.csv \(Self.mapping)",
        ] {
            let run = try await place.call(line)
            #expect(run.status == 2 && run.code == "csv.runs_backwards", "\(line): \(run.error)")
            #expect(run.errorLine != nil && run.output.isEmpty)
        }
        #expect(!FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("demo").path))
    }

    /// Its counters are no resets: they would be billed from zero, some 48 000 parts.
    @Test func aRowOutOfPlaceIsLeftOutAndBillsNothing() async throws {
        let place = try Workplace()
        var rows = try Self.rows()
        rows.insert(rows.remove(at: 9), at: 13)
        try place.write(rows.joined(separator: "\n"), to: "late.csv")
        let json = try await place.succeed(Self.compute + "--telemetry late.csv --json")
        #expect(try payable(json) == 193_980)
        #expect(try notes(json) == ["1 bad row skipped: line 14 (csv.out_of_order)."])
    }
}

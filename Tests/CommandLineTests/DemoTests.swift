import Foundation
import TestSupport
import Testing

/// The main job as a new user runs it, on the simulated press and on recorded machines.
@Suite(.enabled(if: Binary.isBuilt, "the program is not built"))
struct DemoTests {
    private func states(_ place: Workplace, _ kind: String) async throws -> [String] {
        try await place.succeed("list \(kind) --home demo --json").list().compactMap {
            $0["state"] as? String
        }
    }

    private func check(_ place: Workplace, _ told: Run, ticket: String) async throws {
        #expect(told.output.contains("recomputes it from its own telemetry: equal, bit for bit"))
        #expect(told.output.contains("recomputes it and finds"))
        #expect(told.output.contains(ticket))
        #expect(told.output.contains("every signature, outcome"))
        #expect(try await states(place, "invoices") == ["paid", "paid"])
        #expect(try await states(place, "tickets") == ["closed"])
        #expect(try await place.succeed("list credit-notes --home demo --json").list().count == 1)
        try await place.succeed("verify --home demo")
        let files = try FileManager.default.contentsOfDirectory(
            atPath: place.folder.appendingPathComponent("demo/documents").path)
        let receipt = try #require(files.first { $0.hasSuffix(".receipt") })
        try await place.succeed("receipt verify demo/documents/\(receipt) --genesis demo/genesis.cbor")
        #expect(files.filter { $0.hasSuffix(".xml") }.count == 3)
    }

    @Test func tellsTheWholeStoryOfASimulatedPress() async throws {
        let place = try Workplace()
        let told = try await place.succeed("demo --home demo")
        try await check(place, told, ticket: "Ticket press-7-1 opens by itself")
        #expect(told.output.contains("INVOICE 2026-0001"))
        for line in told.output.split(separator: "\n") {
            #expect(line.count <= 80 || line.contains(Binary.url.path), "\(line)")
        }
    }

    @Test(
        .enabled(if: SharedFiles.isPresent, "the shared data is not there"),
        arguments: [
            ("nist_mazak03_20180416.shdr", "nist_mazak03", "an inspection", "neither up nor down"),
            (
                "nab_machine_temperature_system_failure.csv", "nab_machine_temperature",
                "nab-machine-temperature-1 opens by itself", "Times name no zone; taken as UTC"
            ),
        ])
    func doesTheSameJobOnARecordedMachine(
        data: String, mapping: String, ticket: String, note: String
    ) async throws {
        let place = try Workplace()
        let mapping = SharedFiles.root.appendingPathComponent("examples/mappings/\(mapping).json").path
        let told = try await place.succeed(
            "demo --home demo --telemetry \(SharedFiles.url("data/\(data)").path) --mapping \(mapping)")
        try await check(place, told, ticket: ticket)
        #expect(told.output.contains(note))
    }

    @Test func refusesDataThatItCannotRead() async throws {
        let place = try Workplace()
        let missing = try await place.call("demo --home demo --telemetry nothing.csv")
        #expect(missing.status == 2 && missing.code == "cli.no_file")
        try Data("a,b\n".utf8).write(to: place.folder.appendingPathComponent("odd.csv"))
        let odd = try await place.call("demo --home demo --telemetry odd.csv")
        #expect(odd.status == 2 && odd.code == "demo.no_mapping")
        #expect(!FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("demo").path))
    }
}

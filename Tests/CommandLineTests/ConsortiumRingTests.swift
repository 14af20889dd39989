import API
import Foundation
import Node
import TestSupport
import Testing

/// Six companies' nodes as six processes, with the main job told across them.
@Suite(.serialized, .enabled(if: Binary.isBuilt, "the program is not built"))
struct ConsortiumRingTests {
    /// Three hours of a press that does not fail.
    private func story(_ place: Workplace) throws -> String {
        var lines = ["time;state;mode;good;produced;oilTemperature;alarm"]
        for step in 0..<36 {
            let (hour, minute) = (6 + step / 12, step % 12 * 5)
            let time = "2026-03-02T0\(hour):\(minute < 10 ? "0" : "")\(minute):00+01:00"
            let state = step % 6 == 5 ? "IDLE" : "RUN"
            lines.append("\(time);\(state);AUTO;\(48_210 + step * 10);\(49_102 + step * 11);40,0;")
        }
        try place.write(lines.joined(separator: "\n") + "\n", to: "press.csv")
        let mapping = SharedFiles.root.appendingPathComponent("examples/mappings/press.json").path
        return " --telemetry press.csv --mapping \(mapping)"
    }

    private func check(_ place: Workplace, _ told: Run) async throws {
        #expect(told.output.contains("recomputes it from its own telemetry: equal, bit for bit"))
        #expect(told.output.contains("computes it too and rules"))
        #expect(told.output.contains("is the same on all 6 nodes"))
        #expect(told.output.contains("All nodes and servers have ended"))
        let ring = place.folder.appendingPathComponent("ring")
        let files = try FileManager.default.contentsOfDirectory(
            atPath: ring.appendingPathComponent("documents").path)
        let receipt = try #require(files.first { $0.hasSuffix(".receipt") })
        try await place.succeed(
            "receipt verify ring/documents/\(receipt) --genesis ring/chamber/genesis.cbor")
        // Each company's keys are in its own directory and nowhere else.
        for name in ["chamber", "ulmer-pressen", "donau-metall", "fixit", "rotec", "schiedsstelle"] {
            let members = ring.appendingPathComponent("\(name)/members").path
            #expect(try FileManager.default.contentsOfDirectory(atPath: members) == [name])
        }
        #expect(place.processes.isEmpty)
    }

    @Test func tellsTheStoryWithOneCompanysNodeOrdering() async throws {
        let place = try Workplace()
        let told = try await place.succeed("consortium --home ring --engine embedded" + story(place))
        try await check(place, told)
    }

    @Test(.enabled(if: NATSTestCluster.isPresent, "\(NATSTestCluster.absence)"))
    func tellsTheStoryOverNATS() async throws {
        let place = try Workplace()
        let told = try await place.succeed("consortium --home ring" + story(place))
        #expect(told.output.contains("The order comes from nats://127.0.0.1:"))
        try await check(place, told)
    }

    /// SIGKILL leaves no time to end others: their guards see that nobody holds their pipes any more.
    @Test(.enabled(if: NATSTestCluster.isPresent, "\(NATSTestCluster.absence)"))
    func nothingOutlivesTheProgramThatStartedIt() async throws {
        let place = try Workplace()
        async let shell = Binary.shell(
            "echo $$ >pid && exec '\(Binary.url.path)' consortium --home ring --keep >told 2>&1",
            in: place.folder)
        let ring = place.folder.appendingPathComponent("ring")
        let homes = ["chamber", "ulmer-pressen", "donau-metall", "fixit", "rotec", "schiedsstelle"]
            .map { Home(ring.appendingPathComponent($0)) }
        try await eventually("nodes and servers run", note: (try? place.read("told")) ?? "") {
            homes.allSatisfy { NodeAddress.running(in: $0) != nil }
                && (1...3).allSatisfy {
                    (try? place.read("ring/nats/nats-\($0).log"))?.contains("Server is ready") ?? false
                }
        }
        let text = try place.read("pid").trimmingCharacters(in: .whitespacesAndNewlines)
        kill(try #require(pid_t(text)), SIGKILL)
        #expect(try await shell.status == -SIGKILL)
        try await eventually("all have ended", note: place.processes.joined(separator: "\n")) {
            homes.allSatisfy { NodeAddress.running(in: $0) == nil } && place.processes.isEmpty
        }
        // Asked to end before they are killed: each has let go of its directory in order.
        for home in homes {
            #expect(!FileManager.default.fileExists(atPath: home.addressFile.path), "\(home.folder.path)")
        }
    }

    @Test func aDirectoryThatHoldsSomethingIsLeftAlone() async throws {
        let place = try Workplace()
        try FileManager.default.createDirectory(
            at: place.folder.appendingPathComponent("ring"), withIntermediateDirectories: true)
        try place.write("mine", to: "ring/file")
        let run = try await place.call("consortium --home ring --engine embedded")
        #expect(run.status == 1 && run.code == "home.exists", "\(run.error)")
        #expect(try place.read("ring/file") == "mine")
        let wrong = try await place.call("consortium --home other --engine paper")
        #expect(wrong.status == 2 && wrong.code == "cli.bad_value", "\(wrong.error)")
    }
}

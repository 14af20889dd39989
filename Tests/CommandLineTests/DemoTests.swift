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
        let (place, told) = try await ToldDemo.copy()
        try await check(place, told, ticket: "Ticket press-7-1 opens by itself")
        #expect(told.output.contains("INVOICE 2026-0001"))
        for line in told.output.split(separator: "\n") {
            #expect(line.count <= 80 || line.contains(Binary.url.path), "\(line)")
        }
    }

    @Test(
        .enabled(if: SharedFiles.isPresent, "the shared data is not there"),
        arguments: [
            (
                "nist_mazak03_20180416.shdr", "nist_mazak03", "an inspection", "neither up nor down",
                "nist-mazak03"
            ),
            (
                "nab_machine_temperature_system_failure.csv", "nab_machine_temperature",
                "nab-machine-temperature-1 opens by itself", "Times name no zone; taken as UTC",
                "nab-machine-temperature"
            ),
        ])
    func doesTheSameJobOnARecordedMachine(
        data: String, mapping: String, ticket: String, note: String, machine: String
    ) async throws {
        let place = try Workplace()
        let mapping = SharedFiles.root.appendingPathComponent("examples/mappings/\(mapping).json").path
        let told = try await place.succeed(
            "demo --home demo --telemetry \(SharedFiles.url("data/\(data)").path) --mapping \(mapping)")
        try await check(place, told, ticket: ticket)
        #expect(told.output.contains(note))
        // The planned shutdown is nobody's failure, and periods end at whole seconds.
        #expect(told.output.contains("Availability  100 %") && !told.output.contains("0.001 s"))
        try await expectTablesFit(place, machine: machine)
    }

    @Test func printsWhatItCameToAsJSON() async throws {
        let place = try Workplace()
        let report = try await place.succeed("demo --home demo --json").object()
        try await expectPlainJSON(place)
        #expect((report["invoices"] as? [[String: Any]])?.map { $0["state"] as? String } == ["paid", "paid"])
        #expect((report["creditNotes"] as? [Any])?.count == 1 && (report["tickets"] as? [Any])?.count == 1)
        #expect(report["simulated"] as? Bool == true && report["machine"] as? String == "press-7")
        for file in try #require(report["files"] as? [String]) + [try #require(report["genesis"] as? String)]
        {
            #expect(FileManager.default.fileExists(atPath: file))
        }
        let clock = try await place.succeed("clock 2026-05-02 --home demo --json").object()
        #expect(clock["time"] as? String == "2026-05-02T00:00:00Z" && clock["simulated"] as? Bool == true)
        let verified = try await place.succeed("verify --roots --home demo --json").object()
        #expect((verified["roots"] as? [Any])?.count == verified["blocks"] as? Int)
    }

    /// Half a shift: the failure lasts 20 minutes, too short for anybody who takes two hours to come.
    @Test func doesTheSameJobOnTheSampleFile() async throws {
        let place = try Workplace()
        let examples = SharedFiles.root.appendingPathComponent("examples").path
        let told = try await place.succeed(
            "demo --home demo --telemetry \(examples)/telemetry/press.csv "
                + "--mapping \(examples)/mappings/press.json")
        try await check(place, told, ticket: "Ticket press-1 opens by itself")
        #expect(told.output.contains("Reading 24 shows the machine up again"))
    }

    /// Twice the same fault before anybody could verify, then another one, and one when the data ends.
    @Test func failuresThatFollowEachOtherAreAllSettled() async throws {
        let place = try Workplace()
        let faults = [10: "E1", 11: "E1", 20: "E1", 25: "E2", 26: "E2", 58: "E3", 59: "E3"]
        var text = "time;state;mode;good;produced;oilTemperature;alarm\n"
        for row in 0..<60 {
            let (hour, minute) = (String(106 + row / 12), String(100 + row % 12 * 5))
            let time = "2026-03-02T\(hour.dropFirst()):\(minute.dropFirst()):00"
            let state = faults[row] == nil ? "RUN" : "FAULT"
            text += "\(time);\(state);AUTO;\(9 * row);\(9 * row);31,0;\(faults[row] ?? "")\n"
        }
        try place.write(text, to: "many.csv")
        let mapping = SharedFiles.root.appendingPathComponent("examples/mappings/press.json").path
        let told = try await place.succeed("demo --home demo --telemetry many.csv --mapping \(mapping)")
        #expect(
            told.output.contains("The same fault before ticket press-1 is verified: the work is sent back."))
        #expect(told.output.contains("ticket press-3 waits to be"))
        #expect(try await states(place, "tickets") == ["closed", "closed", "workDone"])
    }

    /// A disk that fills up, as a limit on what may be written: in the vault, after the founding.
    @Test func leavesNothingBehindWhereItFails() async throws {
        let place = try Workplace()
        let full = "trap '' XFSZ; ulimit -f 1000; millwright demo --quiet --home "
        for (home, isThere) in [("new", false), ("empty", true)] {
            let folder = place.folder.appendingPathComponent(home)
            if isThere {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            let run = try await Binary.shell(full + home, in: place.folder)
            #expect(run.status == 1 && run.code == "vault.io", "\(run.error)")
            #expect(FileManager.default.fileExists(atPath: folder.path) == isThere)
            if isThere { #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == []) }
        }
        // What somebody else has there stays.
        try FileManager.default.createDirectory(
            at: place.folder.appendingPathComponent("mine"), withIntermediateDirectories: true)
        try place.write("mine", to: "mine/note.txt")
        let refused = try await place.call("demo --home mine")
        #expect(refused.status == 1 && refused.code == "home.exists", "\(refused.error)")
        #expect(try place.read("mine/note.txt") == "mine")
    }

    /// The arbiter's keys go away while the story is told; it is asked near the end. Before that somebody put
    /// a file beside what the demonstration makes.
    @Test(arguments: [true, false])
    func whatSomebodyPutThereMeanwhileStays(isThere: Bool) async throws {
        let place = try Workplace()
        let script = """
            \(isThere ? "mkdir demo" : "")
            millwright demo --quiet --home demo &
            until [ -d demo/vault ] || ! kill -0 $!; do sleep 0.02; done
            echo mine > demo/note.txt
            rm -r demo/members/schiedsstelle/keys
            wait $!
            """
        let run = try await Binary.shell(script, in: place.folder)
        #expect(run.status == 1 && run.code == "keys.not_found", "\(run.error)")
        let left = try FileManager.default.contentsOfDirectory(
            atPath: place.folder.appendingPathComponent("demo").path)
        #expect(left == ["note.txt"])
        #expect(try place.read("demo/note.txt") == "mine\n")
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

import Foundation
import Testing

/// What a program reads of a whole story.
extension DemoTests {
    /// Every record of every kind, and what else `--json` prints: RFC 3339 times, plain names, and whether it
    /// is a demonstration's.
    func expectPlainJSON(_ place: Workplace) async throws {
        let kinds = try await place.call("list anything --home demo").error
            .split(separator: ":")[3].split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespacesAndNewlines)
            }
        #expect(kinds.count > 15)
        for kind in kinds {
            for record in try await place.succeed("list \(kind) --home demo --json").list() {
                expectPlain(record, "list \(kind)")
            }
        }
        for line in [
            "show machine press-7", "show nameplate press-7", "show ticket press-7-1",
            "show invoice ulmer-pressen/2026-0001",
            "show standing-order press-7", "show terms rental-1/1", "status", "block 3", "verify",
            "invoice print ulmer-pressen/2026-0001 --as donau-metall",
            "invoice print ulmer-pressen/2026-0003 --as donau-metall",
            "invoice recompute ulmer-pressen/2026-0001 --as donau-metall",
            "telemetry usage --as donau-metall --machine press-7 --from 2026-03-01 --to 2026-03-02",
            "receipt verify demo/documents/invoice-2026-0001.receipt --genesis demo/genesis.cbor",
        ] {
            let home = line.hasPrefix("receipt") ? "" : " --home demo"
            expectPlain(try await place.succeed(line + home + " --json").object(), line)
        }
        for step in try await place.succeed("history invoice ulmer-pressen/2026-0001 --home demo --json")
            .list()
        {
            expectPlain(step, "history")
        }
        for line in try await place.succeed("export --home demo").output.split(separator: "\n") {
            let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            expectPlain(try #require(fields), "export")
        }
        let order = try await place.succeed("show standing-order press-7 --home demo --json").object()
        let selection = (order["order"] as? [String: Any])?["tender"] as? [String: Any]
        let policy = selection?["policy"] as? [String: [String: [String: Int]]]
        #expect(
            policy?["bestScore"]?["weights"] == ["price": 500_000, "arrival": 300_000, "record": 200_000])
        #expect(selection?["respondWithinMilliseconds"] as? Int == 14_400_000)
        let machine = try await place.succeed("show machine press-7 --home demo --json").object()
        #expect(machine["accepted"] as? String == "2026-02-28T23:00:00Z")
        let printed = try await place.succeed(
            "invoice print ulmer-pressen/2026-0001 --as donau-metall --home demo --json")
        #expect(printed.output == (try place.read("demo/documents/invoice-2026-0001.json")) + "\n")
    }

    private func expectPlain(_ record: [String: Any], _ what: String) {
        #expect(record["simulated"] as? Bool == true, "\(what): not said to be simulated")
        expectPlain(record as Any, what)
    }

    /// No number of nanoseconds, no name of the compiler's, no time but RFC 3339.
    private func expectPlain(_ value: Any, _ what: String) {
        switch value {
        case let fields as [String: Any]:
            for (name, field) in fields {
                #expect(!name.hasPrefix("_"), "\(what): \(name)")
                expectPlain(field, "\(what), \(name)")
            }
        case let items as [Any]: for item in items { expectPlain(item, what) }
        case let text as String:
            #expect(!text.hasSuffix(" UTC"), "\(what): \(text)")
            if text.wholeMatch(of: /\d{4}-\d\d-\d\d.+/) != nil {
                #expect(text.wholeMatch(of: /[-\d]{10}T[:\d]{8}(\.\d+)?Z/) != nil, "\(what): \(text)")
            }
        case let number as NSNumber:
            #expect(number.doubleValue < 1_000_000_000_000, "\(what): \(number)")
        default: Issue.record("\(what): \(value)")
        }
    }

    /// On a person's terminal no list is wider than it, and nothing in its first column is shortened.
    func expectTablesFit(_ place: Workplace, machine: String) async throws {
        #if os(Linux)
            for (columns, kinds) in [
                (80, ["invoices", "tickets", "terms", "keys", "anchors", "agreements", "credit-notes"]),
                (50, ["invoices", "tickets", "members"]),
            ] {
                for kind in kinds {
                    let run = try await Binary.shell(
                        "script -qec 'stty cols \(columns); NO_COLOR=1 millwright list \(kind) --home demo' "
                            + "/dev/null", in: place.folder)
                    let lines = run.output.split(whereSeparator: \.isNewline)
                    #expect(lines.count > 2, "\(kind): \(run.output)")
                    for line in lines { #expect(line.count <= columns, "\(line)") }
                }
            }
            let run = try await Binary.shell(
                "script -qec 'stty cols 80; NO_COLOR=1 millwright list invoices --home demo' /dev/null",
                in: place.folder)
            #expect(run.output.contains("\(machine)  paid") && run.output.contains("-0002"), "\(run.output)")
        #endif
        // A program gets whole lines.
        let piped = try await place.succeed("list invoices --home demo").output.split(separator: "\n")
        #expect(piped.count == 4 && piped[3].hasSuffix(" UTC"), "\(piped)")
    }
}

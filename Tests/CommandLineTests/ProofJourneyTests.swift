import Foundation
import Testing

/// Proofs as their receiver reads them, with nothing but the genesis document, and records as `show` prints
/// them.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct ProofJourneyTests {
    private static let genesis = "--genesis demo/genesis.cbor"

    @Test func recordsAndProofsOfAStorySayWhatTheyAreAbout() async throws {
        let place = try await ToldDemo.copy().place
        try await aReceiptNamesItsSignerAndWhatWasSigned(place)
        try await aStateProofSaysWhatItIsAbout(place)
        try await showPrintsEveryRecordReadably(place)
    }

    private func expectNarrow(_ run: Run) {
        for line in run.output.split(separator: "\n") {
            #expect(line.count <= 80, "\(run.arguments.joined(separator: " ")): \(line)")
        }
    }

    private func aReceiptNamesItsSignerAndWhatWasSigned(_ place: Workplace) async throws {
        let line = "receipt verify demo/documents/invoice-2026-0001.receipt \(Self.genesis)"
        let proven = try await place.succeed(line + " --json").object()
        #expect(proven["signer"] as? String == "ulmer-pressen")
        let says = try #require(proven["says"] as? [String: Any])
        #expect(says["number"] as? String == "2026-0001" && says["gross"] as? Int == 493_481)
        let invoice = try await place.succeed("show invoice ulmer-pressen/2026-0001 --home demo --json")
        let document = try #require(try invoice.object()["document"] as? [String: Any])
        #expect((says["document"] as? [String: Any])?["digest"] as? String == document["digest"] as? String)
        let text = try await place.succeed(line)
        expectNarrow(text)
        #expect(text.output.contains("gross          4934.81 EUR"))
    }

    private func aStateProofSaysWhatItIsAbout(_ place: Workplace) async throws {
        let absent = try await place.succeed("state prove machine nope --out no.proof --home demo --json")
        #expect(try absent.object()["present"] as? Bool == false)
        let nothing = try await place.succeed("state verify no.proof \(Self.genesis)").output
        #expect(nothing.hasPrefix("proven there is no machine «nope»"))
        let report = try await place.succeed("state verify no.proof \(Self.genesis) --json").object()
        #expect(report["id"] as? String == "nope" && report["kind"] as? String == "machine")
        #expect(report["present"] as? Bool == false && report["record"] == nil)

        for (kind, id, field) in [
            ("ticket", "press-7-1", "downtime      6 h"),
            ("machine", "press-7", "machine class"), ("nameplate", "press-7", "model                 UP-250"),
            ("invoice", "ulmer-pressen/2026-0001", "gross          4934.81 EUR"),
        ] {
            try await place.succeed("state prove \(kind) \(id) --out yes.proof --home demo")
            let text = try await place.succeed("state verify yes.proof \(Self.genesis)")
            #expect(text.output.contains(id) && text.output.contains(field), "\(text.output)")
            expectNarrow(text)
            let json = try await place.succeed("state verify yes.proof \(Self.genesis) --json").object()
            var shown = try await place.succeed("show \(kind) \(id) --home demo --json").object()
            // The proof says it once, of all that it holds.
            #expect(shown.removeValue(forKey: "simulated") as? Bool == true)
            // A proof is of one row: a machine's plate has its own.
            if kind == "machine" {
                #expect(shown.removeValue(forKey: "nameplate") != nil)
                #expect(shown.removeValue(forKey: "documents") != nil)
            }
            #expect(json["record"] as? NSDictionary == shown as NSDictionary)
            #expect(json["simulated"] as? Bool == true)
        }
    }

    /// Every record of a whole story: money with its currency, times and lengths of time as such, 80 columns.
    private func showPrintsEveryRecordReadably(_ place: Workplace) async throws {
        var seen = ""
        for (kind, id) in [
            ("member", "chamber"), ("machine", "press-7"), ("nameplate", "press-7"),
            ("agreement", "rental-1"), ("anchor", "press-7/3"),
            ("invoice", "ulmer-pressen/2026-0002"), ("credit-note", "ulmer-pressen/2026-0003"),
            ("ticket", "press-7-1"), ("bid", "press-7-1/rotec"), ("maintainer", "rotec"),
            ("accreditation", "ulmer-pressen/rotec"),
        ] {
            let run = try await place.succeed("show \(kind) \(id) --home demo")
            expectNarrow(run)
            seen += run.output
        }
        for text in [
            "202.41 EUR", "up since  2026-03-17 15:42:00 UTC", "1925.00 EUR", "reporting interval  1 min",
            "oem concluded       2026-04-30 22:00:00 UTC", "duration          4 h",
        ] {
            #expect(seen.contains(text), "\(text)")
        }
        #expect(!seen.contains("minor units") && !seen.contains("illiseconds"))
        let keys = try await place.succeed("list keys --home demo").output.split(separator: "\n")
        let device = try #require(keys.first { $0.contains("device  press-7") }).prefix(16)
        #expect(try await place.succeed("show key \(device) --home demo").output.contains("subject"))
        #expect(
            try await place.succeed("list evidence --home demo").output.hasSuffix("there is no evidence\n"))
        for line in ["list keys", "list invoices", "show invoice ulmer-pressen/2026-0001", "block 3"] {
            let run = try await place.succeed(line + " --home demo")
            #expect(run.output.hasPrefix("simulated: a demonstration's ledger\n"))
            expectNarrow(run)
        }
        for (file, mark) in [
            ("txt", "SIMULATED: "), ("xml", "<cbc:Note>SIMULATED: "), ("json", "\"simulated\" : true"),
        ] {
            for name in ["invoice-2026-0001", "invoice-2026-0002", "credit-note-2026-0003"] {
                #expect(try place.read("demo/documents/\(name).\(file)").contains(mark))
            }
        }
        for line in ["verify --roots", "block 2", "list anchors", "status", "history machine press-7"] {
            expectNarrow(try await place.succeed(line + " --home demo"))
        }
    }
}

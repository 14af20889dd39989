import Foundation
import Testing

/// What the members of a consortium do from its founding to a paid invoice, by commands alone.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct JourneyTests {
    @Test func membersAreInvitedJoinAndAreAdmitted() async throws {
        let consortium = try await Consortium()
        let members = try await consortium.place.succeed("list members --json").list()
        #expect(members.count == 5)
        #expect(members.allSatisfy { $0["status"] as? String == "active" })
    }

    @Test func aMachineLivesFromRegistrationToTheEndOfItsRent() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        #expect(try await consortium.state("machine", "press-7") == "inService")

        // Its device stops it with a fault; a company has to clear that.
        try await place.succeed("machine stop press-7 --as stamper --key device-press-7 --reason jam --fault")
        let start = try await place.call("machine start press-7 --as stamper")
        #expect(start.status == 1 && start.code == "machine.fault_not_reset", "\(start.error)")
        try await place.succeed("machine reset press-7 --as stamper")
        try await place.succeed("machine start press-7 --as stamper --key device-press-7")
        try await place.succeed("machine stop press-7 --as stamper --reason move")
        try await place.succeed("machine relocate press-7 --as stamper --region de-south --site \"Hall 3\"")

        // A new device takes the old one's place, and its name in the customer's key store.
        let next = try await place.succeed("machine device-key press-7 --as stamper --next").output
        let key = next.trimmingCharacters(in: .newlines)
        try await place.succeed(
            "machine replace-device press-7 --as press-works --device \(key)"
        )
        try await place.succeed("machine accept-device press-7 --as stamper")
        let now = try await place.succeed("machine device-key press-7 --as stamper").output
        #expect(now == next && !now.hasPrefix(consortium.device))
        try await place.succeed("machine start press-7 --as stamper --key device-press-7")
        try await place.succeed("machine stop press-7 --as stamper --reason \"end of order\"")

        try await place.succeed("machine propose-termination press-7 --as stamper --reason \"end of order\"")
        try await place.succeed("machine decline-termination press-7 --as press-works")
        try await place.succeed("machine propose-termination press-7 --as press-works --reason sold")
        try await place.succeed("machine accept-termination press-7 --as stamper")
        #expect(try await consortium.state("machine", "press-7") == "terminated")
        let history = try await place.succeed("history machine press-7 --json").list()
        #expect(history.count == 16)
        try await place.succeed("verify")
    }

    /// The plate and the documents are a row beside the machine's: who looks at a machine sees both.
    @Test func aMachineIsShownWithItsNameplateAndDocuments() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        let text = try await place.succeed("show machine press-7").output
        for part in ["model                 P40", "serial number         4711", "manual.txt", "inService"] {
            #expect(text.contains(part), "\(text)")
        }
        let shown = try await consortium.record("machine", "press-7")
        let plate = try #require(shown["nameplate"] as? [String: Any])
        #expect(plate["manufacturer"] as? String == "Works" && plate["yearOfConstruction"] as? Int == 2025)
        let documents = try #require(shown["documents"] as? [[String: Any]])
        #expect(documents.map { $0["name"] as? String } == ["manual.txt"])
        #expect(shown["state"] as? String == "inService" && shown["id"] as? String == "press-7")
        let listed = try await place.succeed("list machines --json").list()
        #expect(listed.count == 1 && listed[0] as NSDictionary == shown as NSDictionary)

        // The row by itself: its history is the registration, which its proof says too.
        let row = try await consortium.record("nameplate", "press-7")
        #expect(row["nameplate"] as? NSDictionary == plate as NSDictionary)
        #expect(try await place.succeed("list nameplates").output.contains("P40"))
        let steps = try await place.succeed("history nameplate press-7 --json").list()
        #expect(steps.map { $0["action"] as? String } == ["register"])
        try await place.succeed("state prove nameplate press-7 --out plate.proof")
        let proven = try await place.succeed(
            "state verify plate.proof --genesis millwright-data/genesis.cbor --json"
        ).object()
        #expect(proven["kind"] as? String == "nameplate" && proven["id"] as? String == "press-7")
        #expect(proven["changedAtHeight"] as? Int == steps[0]["height"] as? Int)
        #expect((proven["record"] as? [String: Any])?["nameplate"] as? NSDictionary == plate as NSDictionary)
        try await place.succeed("document get nameplate press-7 --as stamper --out plate")
        #expect(try place.read("plate/manual.txt") == "Keep dry.")
        let none = try await place.call("show nameplate press-9")
        #expect(none.status == 1 && none.code == "nameplate.unknown", "\(none.error)")
    }

    /// Time passes on the ledger, also with what it rejects; a call that never gets there takes none.
    @Test func theClockMovesOnlyWithWhatReachesTheLedger() async throws {
        let place = try await Consortium().place
        let hex = String(repeating: "ab", count: 32)
        let head = try await place.succeed("status --json").output
        for (line, code) in [
            ("machine accept press-7 --as stamper --key none --at 2026-03-01", "keys.not_found"),
            ("agreement accept rent-7 --as stamper --at 2026-03-01", "agreement.unknown"),
            (Consortium.registration + "\(hex) --year soon --at 2026-03-01", "cli.repeated_option"),
        ] {
            let run = try await place.call(line)
            #expect(run.status != 0 && run.code == code, "\(line): \(run.error)")
        }
        #expect(try await place.succeed("status --json").output == head)
        // Not before the clock, so it stands where it stood.
        try await place.succeed(
            "key delegate erp --as stamper --scope machine.* --until 2026-06-01 --at 2026-02-02")
        let rejected = try await place.call("machine accept press-7 --as stamper --at 2026-02-20")
        #expect(rejected.status == 1 && rejected.code == "machine.unknown", "\(rejected.error)")
        let late = try await place.call("machine accept press-7 --as stamper --at 2026-02-10")
        #expect(late.status == 1 && late.code == "clock.backward", "\(late.error)")
    }

    @Test func anothersKeyIsTheBoardsToStop() async throws {
        let place = try await Consortium().place
        try await place.succeed("key delegate erp --as stamper --scope machine.* --until 2026-06-01")
        let keys = try await place.succeed("list keys --json").list()
        let erp = try #require(keys.first { $0["kind"] as? String == "delegate" }?["id"] as? String)
        for member in ["chamber", "press-works"] {
            let alone = try await place.call("key revoke \(erp) --as \(member)")
            #expect(alone.status == 1 && alone.code == "consortium.not_a_party", "\(alone.error)")
        }
        let run = try await place.succeed("proposal revoke-key \(erp) --as chamber --reason lost")
        #expect(run.output.contains("passed"))
        let again = try await place.call("key revoke \(erp) --as stamper")
        #expect(again.status == 1 && again.code == "consortium.key_revoked", "\(again.error)")
    }

    /// A slip in a scope would show only when the key is used; nothing is made of it.
    @Test func aScopeThatThereIsNotIsAnsweredWithThoseThatThereAre() async throws {
        let place = try await Consortium().place
        for (scope, answer) in [
            ("telemetry.anchr", "telemetry has no action «anchr», only anchor, declareGap, contest"),
            ("telemtry.*", "there is no contract «telemtry», only consortium, machine, telemetry"),
        ] {
            let run = try await place.call(
                "key delegate erp --as stamper --scope \(scope) --until 2026-06-01")
            #expect(run.status == 2 && run.code == "cli.unknown_scope", "\(run.error)")
            #expect(run.errorLine?.contains(answer) == true, "\(run.error)")
        }
        let late = try await place.call("key delegate erp --as stamper --scope telemetry.* --until soon")
        #expect(late.status == 2 && late.code == "cli.bad_value", "\(late.error)")
        let unmade = try await place.call("machine accept press-7 --as stamper --key erp")
        #expect(unmade.code == "keys.not_found", "\(unmade.error)")
        for scope in ["telemetry.anchor", "nats.connect"] {
            let name = scope.prefix(4)
            try await place.succeed(
                "key delegate \(name) --as stamper --scope \(scope) --until 2026-06-01")
        }
    }

    @Test func filesAreSealedForTheirReadersAndFetched() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        try place.write("dent", to: "left.png")
        try place.write("crack", to: "right.png")
        try await place.succeed(
            "ticket open t-3 --as stamper --machine press-7 --fault E42 --currency EUR --bidding 2h "
                + "--document left.png --document right.png")
        let request = try await consortium.record("ticket", "t-3")["request"] as? [String: Any]
        let named = request?["documents"] as? [[String: Any]] ?? []
        #expect(named.map { $0["name"] as? String } == ["left.png", "right.png"])
        #expect(named.allSatisfy { $0["mediaType"] as? String == "image/png" })
        #expect(try await place.succeed("show ticket t-3").output.contains("right.png"))
        for reader in ["stamper", "press-works", "fixit"] {
            try await place.succeed("document get ticket t-3 --as \(reader) --out \(reader)")
            #expect(try place.read("\(reader)/right.png") == "crack")
        }
        let judge = try await place.call("document get ticket t-3 --as judge --out judge")
        #expect(judge.status == 1 && judge.code == "vault.not_reader", "\(judge.error)")
        let again = try await place.call("document get ticket t-3 --as stamper --out stamper")
        #expect(again.status == 1 && again.code == "document.exists", "\(again.error)")
        // What the ledger refuses leaves no document behind that nothing names.
        let vault = place.folder.appendingPathComponent("millwright-data/vault").path
        let sealed = try FileManager.default.contentsOfDirectory(atPath: vault).sorted()
        let refused = try await place.call(
            "ticket open t-3 --as stamper --machine press-7 --fault E42 --currency EUR --bidding 2h "
                + "--document left.png")
        #expect(refused.status == 1 && refused.code == "maintenance.exists", "\(refused.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: vault).sorted() == sealed)

        try await place.succeed("document get machine press-7 --as stamper --out stamper")
        #expect(try place.read("stamper/manual.txt") == "Keep dry.")
        let bid = "ticket bid t-3 --as fixit --price 9.00 --arrival 2026-02-01T06:00:00Z --duration 90min "
        try await place.succeed(bid + "--expires 2026-02-20")
        try await place.succeed("clock 2026-02-01T03:00:00Z")
        try await place.succeed("ticket start-work t-3 --as fixit")
        let complete =
            "ticket complete t-3 --as fixit --failure-mode OHE --mechanism mechanical --cause operation "
            + "--detection productionInterference --activity replace --downtime 3h20min --document "
        let head = try await consortium.head()
        let missing = try await place.call(complete + "none.pdf")
        #expect(missing.status == 2 && missing.code == "cli.no_file", "\(missing.error)")
        #expect(try await consortium.head() == head)
        try place.write("done", to: "report.pdf")
        try await place.succeed(complete + "report.pdf")
        try await place.succeed("document get ticket t-3 --as stamper --out report")
        #expect(try place.read("report/report.pdf") == "done")
    }

    @Test func aTicketIsAuctionedHeldAndCancelled() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        try await place.succeed(
            "ticket open t-1 --as stamper --machine press-7 --fault E42 --currency EUR "
                + "--policy customersChoice --failure-mode OHE --bidding 2h --respond-within 4h")
        let bid =
            "ticket bid t-1 --as fixit --currency EUR --arrival 2026-02-01T06:00:00Z --duration 3h "
            + "--warranty-days 90 --expires 2026-02-20 "
        let wrong = try await place.call(bid + "--price 1250.005")
        #expect(wrong.status == 2 && wrong.code == "cli.bad_value")
        try await place.succeed(bid + "--price 1250.00")
        try await place.succeed("ticket withdraw-bid t-1 --as fixit")
        try await place.succeed(bid + "--per-hour 80 --not-to-exceed 1000")
        try await place.succeed("clock 2026-02-01T03:00:00Z")
        try await place.succeed("ticket award t-1 --as stamper --maintainer fixit")
        try await place.succeed("ticket hold t-1 --as fixit --reason spareParts --note pump")
        #expect(try await consortium.state("ticket", "t-1") == "onHold")
        try await place.succeed("ticket resume t-1 --as fixit")
        try await place.succeed("ticket cancel t-1 --as stamper --reason \"fixed itself\"")
        #expect(try await consortium.state("ticket", "t-1") == "cancelled")
    }

    @Test func aSealedBidIsOpenedByItsBidder() async throws {
        let consortium = try await Consortium.withMachine()
        let place = consortium.place
        try await place.succeed(
            "ticket open t-2 --as stamper --machine press-7 --fault E42 --currency EUR --policy bestScore "
                + "--weights 60/30/10 --bidding 2h --sealed 1h")
        try await place.succeed(
            "ticket bid t-2 --as fixit --price 900.00 --arrival 2026-02-01T06:00:00Z --duration 90min "
                + "--expires 2026-02-20")
        let early = try await place.call("ticket reveal t-2 --as fixit")
        #expect(early.status == 1 && early.code == "maintenance.reveal_too_early", "\(early.error)")
        try await place.succeed("ticket reveal t-2 --as fixit --at 2026-02-01T02:30:00Z")
        try await place.succeed("clock 2026-02-01T04:00:00Z")
        #expect(try await consortium.state("ticket", "t-2") == "awarded")
        try await place.succeed("ticket start-work t-2 --as fixit --at 2026-02-01T06:00:00Z")
        try await place.succeed(
            "ticket complete t-2 --as fixit --failure-mode OHE --mechanism mechanical --cause operation "
                + "--detection productionInterference --activity replace --part PUMP-40=2 --downtime 3h20min")
        #expect(try await consortium.state("ticket", "t-2") == "workDone")
        try await place.succeed("ticket rework t-2 --as stamper --reason \"still hot\"")
        #expect(try await consortium.state("ticket", "t-2") == "reopened")
    }
}

import Foundation
import Testing

/// From terms and telemetry to a repaired machine and a paid invoice, by commands alone.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct InvoiceJourneyTests {
    /// The first hour of March 2026 in Berlin, in seconds since 1970 UTC.
    private static let march: Int64 = 1_772_319_600

    private static let mapping = """
        {"format": "csv", "machine": "press-7", "reportingIntervalSeconds": 3600,
         "time": {"column": "t", "format": "epochSeconds"},
         "state": {"column": "s", "values":
            {"RUN": "Executing", "IDLE": "NotExecuting", "FAULT": "OutOfService"}},
         "counters": [{"column": "g", "name": "good"}, {"column": "p", "name": "produced"}],
         "fault": {"column": "f"}}
        """

    private static func terms(seller: String = "\"press-works\"", buyer: String = "\"stamper\"") -> String {
        """
        {"seller": \(seller), "buyer": \(buyer), "machine": "press-7", "arbiter": "judge",
         "currency": "EUR", "timeZone": "Europe/Berlin", "validFrom": "2026-01-01", "validTo": "2028-01-01",
         "billingPeriod": "calendarMonth",
         "tariff": {"vat": {"category": "S", "rate": "19"}, "lines": [
           {"id": "base", "name": "Base fee", "baseFee": "1200.00"},
           {"id": "parts", "name": "Good parts", "perUnit": "good", "price": "0.12"},
           {"id": "hours", "name": "Machine hours", "perHour": ["Executing"], "price": "6.40"}]},
         "defaultAttribution": "OEM", "classificationWindow": "5 d", "disputeWindowBusinessDays": 5,
         "paymentDays": 14, "reportingInterval": "1 h", "plannedRunTimePerUnit": "30 s"}
        """
    }

    /// A row an hour for so many hours of March: 6 to 22 o'clock at 57 good parts of 60 an hour, out of
    /// service on the 10th from 8 to 11 UTC.
    private static func readings(hours: Int) -> String {
        var (good, produced) = (1000, 1100)
        var text = "t,s,g,p,f\n"
        for hour in 0..<hours {
            let isDown = 225..<228 ~= hour
            let isRunning = !isDown && 6..<22 ~= hour % 24
            if isRunning { (good, produced) = (good + 57, produced + 60) }
            let state = isDown ? "FAULT" : isRunning ? "RUN" : "IDLE"
            text +=
                "\(march + Int64(hour) * 3600),\(state),\(good),\(produced),\(isDown ? "E42" : "")\n"
        }
        return text
    }

    @Test func aFaultIsRepairedAndTheMonthIsInvoicedAndPaid() async throws {
        let consortium = try await Consortium.withMachine(started: "2026-02-28T23:00:00Z") { place in
            try place.write(InvoiceJourneyTests.terms(), to: "terms.json")
            try place.write(InvoiceJourneyTests.mapping, to: "press.json")
            try await place.succeed("agreement propose rent-7 --as press-works --terms terms.json")
            let early = try await place.call("agreement accept rent-7 --as press-works")
            #expect(early.status == 1 && early.code == "agreement.not_a_party", "\(early.error)")
            let terms = try await place.succeed("agreement terms rent-7 --as stamper").object()
            #expect(terms["machine"] as? String == "press-7")
            try await place.succeed("agreement accept rent-7 --as stamper")
        }
        try await repair(consortium)
        try await bill(consortium)
        try await pay(consortium)
        try await issueAgain(consortium)
        try await consortium.place.succeed("verify")
    }

    private func importing(_ hours: Int, _ place: Workplace) async throws -> [String: Any] {
        try place.write(InvoiceJourneyTests.readings(hours: hours), to: "press.csv")
        let line = "telemetry import press.csv --machine press-7 --mapping press.json --as stamper --json"
        return try await place.succeed(line).object()
    }

    private func repair(_ consortium: Consortium) async throws {
        let place = consortium.place
        try await place.succeed(
            "machine set-standing-order press-7 --as stamper --price-limit 1000.00 --ceiling 3000.00 "
                + "--currency EUR")
        let first = try await importing(226, place)
        #expect(first["anchored"] as? Int == 226)
        #expect(first["tickets"] as? [String] == ["press-7-1"])
        try await place.succeed(
            "ticket bid press-7-1 --as fixit --price 900.00 --arrival 2026-03-10T09:30:00Z --duration 90min "
                + "--expires 2026-03-20")
        try await place.succeed("clock 2026-03-10T09:20:00Z")
        #expect(try await consortium.state("ticket", "press-7-1") == "awarded")
        try await place.succeed("ticket start-work press-7-1 --as fixit --at 2026-03-10T09:30:00Z")
        try await place.succeed(
            "ticket complete press-7-1 --as fixit --failure-mode OHE --mechanism mechanical "
                + "--cause operation --detection productionInterference --activity replace "
                + "--part PUMP-40=2 --downtime 3h"
        )
        let second = try await importing(230, place)
        #expect(second["anchored"] as? Int == 4 && second["passedOver"] as? Int == 226)
        try await place.succeed(
            "ticket verify press-7-1 --as stamper --anchor 2 --sequence 229 --up-since 2026-03-10T11:00:00Z")
        try await place.succeed("ticket close press-7-1 --as stamper")
        try await place.succeed("ticket mark-paid press-7-1 --as stamper --reference S1 --date 2026-03-11")
        try await place.succeed("ticket confirm-payment press-7-1 --as fixit")
        #expect(try await consortium.state("ticket", "press-7-1") == "closed")
    }

    /// What both have said; a party's word is known by its end, as a person writes it.
    private func readWords(_ consortium: Consortium) async throws {
        let place = consortium.place
        let words = try await place.succeed(
            "agreement classifications rent-7 --as press-works --period 2026-03-05 --json"
        ).list()
        #expect(words.map { $0["agreed"] as? String } == ["MATERIAL", nil])
        #expect(words.map { $0["oem"] as? String } == ["MATERIAL", nil])
        let name = "rent-7/customer/2026-03-10T11:00:00Z"
        #expect(try await consortium.record("classification", name)["attribution"] as? String == "MATERIAL")
        let list = try await place.succeed("list classifications").output
        #expect(
            list.contains("rent-7     customer  2026-03-10 08:00:00 UTC  2026-03-10 11:00:00 UTC  MATERIAL"))
        let near = try await place.call("show classification \(name.dropLast(2))")
        #expect(near.status == 1 && near.error.contains("did you mean \(name)?"), "\(near.error)")
    }

    private func bill(_ consortium: Consortium) async throws {
        let place = consortium.place
        for party in ["stamper", "press-works"] {
            try await place.succeed(
                "agreement classify rent-7 --as \(party) --attribution MATERIAL --from 2026-03-10T08:00:00Z "
                    + "--to 2026-03-10T11:00:00Z")
        }
        // The OEM's ERP system may issue invoices, and nothing else.
        try await place.succeed(
            "key delegate erp --as press-works --scope agreement.issueInvoice --until 2027-01-01")
        let issue = "invoice issue rent-7 --as press-works --key erp --period 2026-03-05"
        let early = try await place.call(issue)
        #expect(early.status == 1 && early.code == "invoice.telemetry_incomplete", "\(early.error)")
        _ = try await importing(746, place)
        let usage = try await place.succeed(
            "telemetry usage --machine press-7 --as press-works --from 2026-03-01 --to 2026-04-01 --json"
        ).object()
        #expect(usage["complete"] as? Bool == true && usage["entries"] as? Int == 746)

        // A machine's effectiveness from the ledger is that of the file that was imported.
        for options in ["--pru 30s", "--pru 30s --from 2026-03-03 --to 2026-03-17 --planned-downtime 8h"] {
            let file = try await place.succeed("oee press.csv --mapping press.json \(options) --json")
            let ledger = try await place.succeed("oee --machine press-7 --as stamper \(options) --json")
            #expect(ledger.output == file.output && file.output.contains("oee"))
        }
        let stranger = try await place.call("oee --machine press-7 --as fixit")
        #expect(stranger.status == 1 && stranger.code == "metering.not_reader", "\(stranger.error)")

        // The other party has its say first: a stretch across the month's end is said in two parts.
        let waits = try await place.call(issue)
        #expect(waits.status == 1 && waits.code == "agreement.classification_open", "\(waits.error)")
        let said = try await place.succeed(
            "agreement classify rent-7 --as stamper --attribution OEM --from 2026-03-31T20:00:00Z "
                + "--to 2026-04-01T00:00:00Z --json")
        #expect(try said.list().count == 2, "\(said.output)")
        try await readWords(consortium)
        let ahead = try await place.call(
            "agreement classify rent-7 --as press-works --attribution MATERIAL --from 2026-04-02 "
                + "--to 2026-04-03")
        #expect(ahead.status == 1 && ahead.code == "agreement.interval_not_over", "\(ahead.error)")
        for party in ["stamper", "press-works"] {
            try await place.succeed("agreement conclude rent-7 --as \(party) --period 2026-03-05")
        }

        try await contest(place, issue)
        // 1200.00 + 493 h at 6.40 + 28 101 parts at 0.12, and 19 % of it: worked out by hand.
        let report = try await place.succeed(issue + " --out invoices --json").object()
        #expect(report["net"] as? String == "7727.32")
        #expect(report["tax"] as? String == "1468.19")
        #expect(report["gross"] as? String == "9195.51")
        for file in report["files"] as? [String] ?? [] {
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0 > 500)
        }
        let again = try await place.call(issue)
        #expect(again.status == 1 && again.code == "agreement.period_billed", "\(again.error)")
        for line in [
            "invoice approve press-works/2026-0001 --as press-works --key erp",
            "invoice credit-note press-works/2026-0001 --as press-works --key erp --reason slip",
            "agreement propose rent-8 --as press-works --key erp --terms terms.json",
        ] {
            let refused = try await place.call(line)
            #expect(refused.status == 1 && refused.code == "key.out_of_scope", "\(line): \(refused.error)")
        }
        let unknown = try await place.call(issue.replacingOccurrences(of: "erp", with: "sap"))
        #expect(unknown.status == 1 && unknown.code == "keys.not_found", "\(unknown.error)")
    }

    /// An OEM that cannot read a batch says so; the customer has five days to hand it over.
    private func contest(_ place: Workplace, _ issue: String) async throws {
        try await place.succeed(
            "telemetry contest --as press-works --machine press-7 --batch 2 --reason unreadable")
        let contests = try await place.succeed("list contests")
        #expect(contests.output.contains("unreadable"), "\(contests.output)")
        let contested = try await place.call(issue)
        #expect(contested.status == 1 && contested.code == "invoice.contest_open", "\(contested.error)")
        try await place.succeed("telemetry withdraw-contest --as press-works --machine press-7 --batch 2")
    }

    private func pay(_ consortium: Consortium) async throws {
        let place = consortium.place
        let id = "press-works/2026-0001"
        let equal = try await place.succeed("invoice recompute \(id) --as stamper --json").object()
        #expect(equal["equal"] as? Bool == true)
        let text = try await place.succeed("invoice print \(id) --as judge").output
        #expect(text.contains("9 195.51") && text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let refused: [(String, String)] = [
            ("invoice print \(id) --as fixit", "vault.not_reader"),
            ("invoice dispute \(id) --as stamper", "invoice.nothing_to_dispute"),
            ("invoice rule \(id) --as judge --payable 1.00 --reasons x", "agreement.wrong_invoice_state"),
            ("invoice assess \(id) --as judge", "invoice.not_disputed"),
        ]
        for (line, code) in refused {
            let run = try await place.call(line)
            #expect(run.status == 1 && run.code == code, "\(line): \(run.error)")
        }
        let note = try await place.succeed(
            "invoice credit-note \(id) --as press-works --reason goodwill --amount 10.00 --json"
        ).object()
        #expect(
            note["creditNote"] as? String == "press-works/2026-0002"
                && note["payable"] as? String == "9185.51")
        let yen = try await place.call(
            "invoice mark-paid \(id) --as stamper --reference S --date 2026-04-10 --currency JPY")
        #expect(yen.status == 2 && yen.code == "cli.bad_value", "\(yen.error)")
        try await place.succeed("invoice approve \(id) --as stamper")
        try await place.succeed(
            "invoice mark-paid \(id) --as stamper --reference S2 --date 2026-04-10 --amount 5000.00")
        try await place.succeed("invoice confirm-payment \(id) --as press-works --reference S2")
        try await place.succeed("invoice mark-paid \(id) --as stamper --reference S3 --date 2026-04-11")
        try await place.succeed("invoice confirm-payment \(id) --as press-works --reference S3")
        #expect(try await consortium.state("invoice", id) == "paid")
        try await payBack(id, consortium)
    }

    /// A credit note on a paid invoice: what it takes back is due to the customer, and says so everywhere.
    private func payBack(_ id: String, _ consortium: Consortium) async throws {
        let place = consortium.place
        for amount in ["9185.52", "0.00"] {
            let run = try await place.call(
                "invoice credit-note \(id) --as press-works --reason slip --amount \(amount)")
            #expect(run.status == 1 && run.code == "invoice.credit_out_of_range", "\(run.error)")
            #expect(run.error.contains("at most 9185.51 EUR: what is payable"), "\(run.error)")
        }
        let text = try await place.succeed(
            "invoice credit-note \(id) --as press-works --reason scrap --amount 100.00"
        ).output
        #expect(text.contains("100.00 EUR is due back from press-works"), "\(text)")
        #expect(try await place.succeed("list invoices").output.contains("paid, refund due"))
        #expect(try await place.succeed("show invoice \(id)").output.contains("refund due"))
        let note = try await place.call("invoice recompute press-works/2026-0003 --as stamper")
        #expect(note.status == 1 && note.code == "invoice.is_credit_note", "\(note.error)")
        #expect(note.error.contains("«\(id)»"), "\(note.error)")
        let none = try await place.call("invoice recompute press-works/2026-0009 --as stamper")
        #expect(none.code == "invoice.unknown" && none.error.contains("«press-works/2026-0009»"))
        try await place.succeed("invoice mark-paid \(id) --as press-works --reference R1 --date 2026-04-20")
        try await place.succeed("invoice confirm-payment \(id) --as stamper --reference R1")
        #expect(try await consortium.record("invoice", id)["refundDue"] == nil)
    }

    /// A batch that is contested after the payment is a gap in the invoice that is issued again. That comes
    /// out equal; the customer is told all the same, and approves it only if it says so.
    private func issueAgain(_ consortium: Consortium) async throws {
        let place = consortium.place
        try await place.succeed(
            "telemetry contest --as press-works --machine press-7 --batch 2 --reason unreadable")
        try await place.succeed("clock 2026-04-20T00:00:00Z")
        try await place.succeed(
            "invoice credit-note press-works/2026-0001 --as press-works --reason \"once more\"")
        try await place.succeed("invoice issue rent-7 --as press-works --period 2026-03-05")
        let id = "press-works/2026-0005"
        let recompute = "invoice recompute \(id) --as stamper"
        let text = try await place.succeed(recompute).output
        for word in ["equal", "batch 2", "2026-03-10 09:00:00", "press-7", "--count-contested"] {
            #expect(text.contains(word), "\(text)")
        }
        let equal = try await place.succeed(recompute + " --json").object()
        let contested = try #require(equal["contested"] as? [[String: Any]])
        #expect(equal["equal"] as? Bool == true && contested.map { $0["batch"] as? Int } == [2])
        #expect(contested.first?["from"] as? String == "2026-03-10T09:00:00Z")
        #expect(contested.first?["machine"] as? String == "press-7")
        let warned = try await place.call("invoice approve \(id) --as stamper")
        #expect(warned.status == 1 && warned.code == "invoice.leaves_out_contested", "\(warned.error)")
        #expect(warned.error.contains("batch 2") && warned.error.contains("--count-contested"))
        #expect(try await consortium.state("invoice", id) == "issued")
        try await place.succeed("invoice approve \(id) --as stamper --without-contested")
        #expect(try await consortium.state("invoice", id) == "confirmed")
    }

    @Test func anInvoiceIsComputedFromFilesAlone() async throws {
        let place = try Workplace()
        func party(_ id: String) -> String {
            """
            {"id": "\(id)", "registrationName": "\(id) Ltd", "addressLine": "Street 1", "city": "Ulm",
             "postalCode": "89073", "countryCode": "DE", "vatID": "DE811111111"}
            """
        }
        let terms = InvoiceJourneyTests.terms(seller: party("press-works"), buyer: party("stamper"))
        try place.write(terms, to: "terms.json")
        try place.write(InvoiceJourneyTests.mapping, to: "press.json")
        try place.write(InvoiceJourneyTests.readings(hours: 746), to: "press.csv")
        let line =
            "billing compute --terms terms.json --telemetry press.csv --mapping press.json --from 2026-03-05"
        let invoice = try await place.succeed(line + " --json").object()
        let totals = try #require(invoice["totals"] as? [String: Any])
        #expect(totals["payable"] as? Int == 919_551)
        let files = try await place.succeed(line + " --out out").output.split(separator: "\n")
        #expect(files.count == 3)

        try place.write(
            #"[{"from": "2026-03-10T08:00:00Z", "to": "2026-03-10T11:00:00Z", "attribution": "MATERIAL"}]"#,
            to: "attributions.json")
        let attributed = try await place.succeed(line + " --attributions attributions.json --json").object()
        let performance = try #require(attributed["performance"] as? [String: Any])
        #expect(performance["downtimeMilliseconds"] as? Int == 0)

        // One and the same hour twice, and one that runs backwards.
        let hours = [("08", "11"), ("10", "12"), ("14", "13")].map { from, to in
            #"{"from": "2026-03-10T\#(from):00:00Z", "to": "2026-03-10T\#(to):00:00Z", "attribution": "OEM"}"#
        }
        for (lines, word) in [(hours.prefix(2), "overlap"), (hours.suffix(1), "backwards")] {
            try place.write("[" + lines.joined(separator: ",") + "]", to: "attributions.json")
            let run = try await place.call(line + " --attributions attributions.json")
            #expect(run.status == 2 && run.code == "cli.bad_attributions" && run.error.contains(word))
        }
        let unnumbered = try await Binary.run(
            Workplace.words(line) + ["--number", " ", "--out", "none"], in: place.folder)
        #expect(unnumbered.status == 2 && unnumbered.code == "cli.bad_value")
        #expect(!FileManager.default.fileExists(atPath: place.folder.appendingPathComponent("none").path))

        try place.write("[{\"from\": 1}]", to: "attributions.json")
        let wrong: [(String, String)] = [
            (line + " --attributions attributions.json", "cli.bad_attributions"),
            (line + " --to 2026-03-07", "billing.wrong_period"),
            (line.replacingOccurrences(of: "2026-03-05", with: "9999-12-31"), "billing.wrong_period"),
            (line.replacingOccurrences(of: "terms.json", with: "press.json"), "terms.unknown_key"),
            (line.replacingOccurrences(of: "terms.json", with: "press.csv"), "terms.bad_json"),
        ]
        for (line, code) in wrong {
            let run = try await place.call(line)
            #expect(run.status == 2 && run.code == code && run.errorLine != nil, "\(line): \(run.error)")
        }
    }
}

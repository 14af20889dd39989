import Foundation
import Testing

/// A rent that begins, changes and ends in the middle of months, by commands alone.
@Suite(.enabled(if: Binary.isBuilt, "millwright is not built"))
struct BillingIntervalJourneyTests {
    /// 12 March 2026, 00:00 in Berlin, in seconds since 1970 UTC.
    private static let begin: Int64 = 1_773_270_000

    private static let mapping = """
        {"format": "csv", "machine": "press-7", "reportingIntervalSeconds": 3600,
         "time": {"column": "t", "format": "epochSeconds"},
         "state": {"column": "s", "values": {"RUN": "Executing"}},
         "counters": [{"column": "g", "name": "good"}]}
        """

    private static func terms(from: String, fee: String) -> String {
        """
        {"seller": "press-works", "buyer": "stamper", "machine": "press-7", "arbiter": "judge",
         "currency": "EUR", "timeZone": "Europe/Berlin", "validFrom": "\(from)", "validTo": "2026-06-16",
         "billingPeriod": "calendarMonth",
         "tariff": {"vat": {"category": "S", "rate": "19"}, "lines": [
           {"id": "base", "name": "Base fee", "baseFee": "\(fee)"},
           {"id": "parts", "name": "Good parts", "perUnit": "good", "price": "0.10"}]},
         "defaultAttribution": "OEM", "classificationWindow": "5 d", "disputeWindowBusinessDays": 5,
         "paymentDays": 14, "reportingInterval": "1 h"}
        """
    }

    /// An hour before the rent to an hour after it: ten good parts an hour.
    private static var readings: String {
        var text = "t,s,g\n"
        for hour in Int64(-1)...(96 * 24) { text += "\(begin + hour * 3600),RUN,\(1000 + hour * 10)\n" }
        return text
    }

    /// By the moment that finds it: the days, and what is payable with 19 % VAT, worked out by hand from the
    /// base fee by days and the hours. March has 31 days, of which 20 are billed, one of them of 23 hours:
    /// 1200 * 20 / 31 + 479 * 10 * 0.10 = 774.19 + 479.00. In April 14 days cost 1200 / 30 each, then 16 days
    /// 900 / 30. May is whole. June has 15 of 30 days.
    private static let invoices: [(period: String, from: String, to: String, gross: String)] = [
        ("2026-03-01", "2026-03-12", "2026-03-31", "1491.30"),
        ("2026-04-01", "2026-04-01", "2026-04-14", "1066.24"),
        ("2026-04-15", "2026-04-15", "2026-04-30", "1028.16"),
        ("2026-05-10", "2026-05-01", "2026-05-31", "1956.36"),
        ("2026-06-20", "2026-06-01", "2026-06-15", "963.90"),
    ]

    @Test func aRentOfPartsOfMonthsIsInvoicedToItsLastDayAndSettled() async throws {
        let consortium = try await Consortium.withMachine(started: "2026-03-11T23:00:00Z") { place in
            try place.write(Self.terms(from: "2026-03-12", fee: "1200.00"), to: "terms.json")
            try place.write(Self.terms(from: "2026-04-15", fee: "900.00"), to: "later.json")
            try place.write(Self.mapping, to: "press.json")
            try place.write(Self.readings, to: "press.csv")
            try await note(
                "20 of 31 days", by: "agreement propose rent-7 --as press-works --terms terms.json", place)
            try await note("15 of 30 days", by: "agreement terms rent-7 --as stamper", place)
            try await note("20 of 31 days", by: "agreement accept rent-7 --as stamper", place)
        }
        let place = consortium.place
        for line in [
            "agreement amend rent-7 --as stamper --terms later.json --at 2026-04-02",
            "agreement terms rent-7 --as press-works", "agreement accept rent-7 --as press-works",
        ] {
            try await note("16 of 30 days", by: line, place)
        }
        try await place.succeed(
            "telemetry import press.csv --machine press-7 --mapping press.json --as stamper")
        try await place.succeed("machine stop press-7 --as stamper --reason \"end of rent\"")
        try await refuseWhatIsNoInterval(place)
        for party in ["stamper", "press-works"] {
            try await place.succeed("agreement conclude rent-7 --as \(party) --period 2026-06-30")
        }
        try await disputeWithoutTheDocument(consortium)
        for (index, invoice) in Self.invoices.enumerated().dropFirst() {
            let isLast = index + 1 == Self.invoices.count
            try await settle(invoice, "press-works/2026-000\(index + 1)", isFinal: isLast, place)
        }
        try await terminate(place)
        #expect(try await consortium.state("machine", "press-7") == "terminated")
        try await place.succeed("verify")
    }

    /// Terms that begin or end within a month say what part of it they are for.
    private func note(_ part: String, by line: String, _ place: Workplace) async throws {
        let run = try await place.call(line)
        let told = run.error.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(run.status == 0 && told.contains(part), "\(line): \(told)")
    }

    private func refuseWhatIsNoInterval(_ place: Workplace) async throws {
        for period in ["2026-02-28", "2026-07-01"] {
            let run = try await place.call("invoice compute rent-7 --as stamper --period \(period)")
            #expect(run.status == 1 && run.code == "agreement.no_terms", "\(run.error)")
        }
        try await place.succeed("machine propose-termination press-7 --as stamper --reason over")
        let early = try await place.call("machine accept-termination press-7 --as press-works")
        #expect(early.status == 1 && early.code == "machine.not_settled", "\(early.error)")
        try await place.succeed("machine decline-termination press-7 --as press-works")
    }

    /// The OEM's document of the first invoice is nowhere to be had.
    private func disputeWithoutTheDocument(_ consortium: Consortium) async throws {
        let (place, id) = (consortium.place, "press-works/2026-0001")
        let vault = place.folder.appendingPathComponent("millwright-data/vault")
        func files() -> Set<String> {
            Set(FileManager.default.enumerator(atPath: vault.path)?.compactMap { $0 as? String } ?? [])
        }
        let before = files()
        try await place.succeed("invoice issue rent-7 --as press-works --period 2026-03-01")
        for file in files().subtracting(before) {
            try FileManager.default.removeItem(at: vault.appendingPathComponent(file))
        }
        let print = try await place.call("invoice print \(id) --as stamper")
        #expect(print.status == 1 && print.code == "vault.not_found", "\(print.error)")
        let recompute = try await place.call("invoice recompute \(id) --as stamper")
        #expect(recompute.status == 1 && recompute.code == "invoice.differs", "\(recompute.error)")
        let dispute = try await place.succeed(
            "invoice dispute \(id) --as stamper --undisputed 1000.00 --json")
        #expect(try dispute.object()["note"] as? String != nil, "\(dispute.output)")
        let again = try await place.succeed("invoice dispute \(id) --as stamper")
        #expect(again.output.contains("let in once more"), "\(again.output)")
        let assessment = try await place.succeed("invoice assess \(id) --as judge")
        #expect(assessment.output.contains("vault.not_found"), "\(assessment.output)")
        let gross = Self.invoices[0].gross
        #expect(assessment.output.components(separatedBy: gross).count == 4, "\(assessment.output)")
        try await place.succeed(
            "invoice rule \(id) --as judge --payable \(gross) --reasons \"The evidence says so.\"")
        try await place.succeed("invoice mark-paid \(id) --as stamper --reference S1 --date 2026-06-20")
        try await place.succeed("invoice confirm-payment \(id) --as press-works --reference S1")
        #expect(try await consortium.state("invoice", id) == "paid")
    }

    private func settle(
        _ invoice: (period: String, from: String, to: String, gross: String), _ id: String, isFinal: Bool,
        _ place: Workplace
    ) async throws {
        let final = isFinal ? " --final" : ""
        let issue = "invoice issue rent-7 --as press-works --period \(invoice.period)\(final)"
        let report = try await place.succeed(issue + " --json").object()
        #expect(report["gross"] as? String == invoice.gross)
        let text = try await place.succeed("invoice print \(id) --as stamper").output
        #expect(text.contains("\(invoice.from) to \(invoice.to)"), "\(text)")
        try await place.succeed("invoice recompute \(id) --as stamper")
        try await place.succeed("invoice approve \(id) --as stamper")
        try await place.succeed("invoice mark-paid \(id) --as stamper --reference \(id) --date 2026-06-20")
        try await place.succeed("invoice confirm-payment \(id) --as press-works --reference \(id)")
    }

    private func terminate(_ place: Workplace) async throws {
        try await place.succeed("machine propose-termination press-7 --as stamper --reason over")
        try await place.succeed("machine accept-termination press-7 --as press-works")
    }

    /// The same intervals from files alone, with the same figures.
    @Test func partsOfMonthsAreBilledFromFilesAlone() async throws {
        let place = try Workplace()
        func party(_ id: String) -> String {
            """
            {"id": "\(id)", "registrationName": "\(id) Ltd", "addressLine": "Street 1", "city": "Ulm",
             "postalCode": "89073", "countryCode": "DE", "vatID": "DE811111111"}
            """
        }
        func write(_ terms: String, to name: String) throws {
            let whole = terms.replacingOccurrences(of: "\"press-works\"", with: party("press-works"))
                .replacingOccurrences(of: "\"stamper\"", with: party("stamper"))
            try place.write(whole, to: name)
        }
        try write(Self.terms(from: "2026-03-12", fee: "1200.00"), to: "terms.json")
        try write(Self.terms(from: "2026-04-15", fee: "900.00"), to: "later.json")
        try place.write(Self.mapping, to: "press.json")
        try place.write(Self.readings, to: "press.csv")
        for (index, invoice) in Self.invoices.enumerated() {
            let terms = ["terms.json", "terms.json --amended 2026-04-14T22:00:00Z"]
            let line =
                "billing compute --terms \(index < 2 ? terms[index] : "later.json") --telemetry press.csv "
                + "--mapping press.json --from \(invoice.period) --json"
            let totals = try #require(try await place.succeed(line).object()["totals"] as? [String: Any])
            let cents = invoice.gross.replacingOccurrences(of: ".", with: "")
            #expect(totals["payable"] as? Int == Int(cents), "\(invoice.period)")
        }
    }
}

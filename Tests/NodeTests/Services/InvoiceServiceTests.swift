import Billing
import Codec
import Contracts
import Foundation
import Ledger
import Testing

@testable import Node

@Suite struct InvoiceServiceTests {
    @Test func issuesAnInvoiceThatTheCustomerRecomputesBitForBitAndPays() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let invoice = try await world.weeksInvoice()
            #expect(invoice.totals.payable > .zero)
            #expect(invoice.performance.downtimeMilliseconds == 3 * ServicesWorld.hour)
            let (oem, customer) = (try world.invoices("oem"), try world.invoices("customer"))
            #expect(try oem.nextNumber(series: "2026") == "2026-0001")
            let id = try await oem.issue(invoice, under: ServicesWorld.agreement)
            #expect(try oem.nextNumber(series: "2026") == "2026-0002")
            #expect(try customer.recompute(id) == .equal(contested: []))
            #expect(try customer.invoice(id) == invoice)
            await #expect(code { try await customer.dispute(id) } == "invoice.nothing_to_dispute")
            await #expect(code { _ = try world.invoices("m1").recompute(id) } == "vault.not_reader")
            try await customer.approve(id)
            try await customer.markPaid(id, reference: "SEPA 1")
            try await oem.confirmPayment(id, reference: "SEPA 1")
            let record = try world.record(id)
            #expect(record.state == .paid)
            #expect(record.received == invoice.totals.payable)
        }
    }

    @Test func issuesNothingBeforeTheOtherPartyHasHadItsSay() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            // The week is over, its window of five days is not.
            try await world.advance(to: ServicesWorld.weekStart + 12 * ServicesWorld.day - 1)
            let (oem, agreement) = (try world.invoices("oem"), ServicesWorld.agreement)
            func compute() throws -> Invoice {
                try oem.compute(agreement, periodContaining: ServicesWorld.weekStart, number: "2026-0001")
            }
            await #expect(
                code { try await oem.issue(compute(), under: agreement) }
                    == "agreement.classification_open")
            let failure = ServicesWorld.weekStart + 2 * ServicesWorld.day + 10 * ServicesWorld.hour
            let interval = Interval(from: failure, to: failure + 3 * ServicesWorld.hour)
            try await world.node.enact(
                AgreementContract.self,
                .classify(.init(agreement: agreement, interval: interval, attribution: .material)),
                as: world.signer("oem"))
            // Nobody has told the ledger yet that the window has closed: the invoice itself does.
            try world.node.clock.set(
                Ledger.Timestamp(milliseconds: ServicesWorld.weekStart + 12 * ServicesWorld.day))
            let id = try await oem.issue(compute(), under: agreement)
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: []))
        }
    }

    /// The customer keeps four days back, puts the gap down to the OEM, and the OEM does not agree: what is
    /// not known is no downtime of the OEM's, though its own downtime is by default.
    @Test func aContestedGapStaysAGapAndContestedDowntimeTheDefault() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var source = world.press(days: 3)
            try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                .run(&source)
            let (start, agreement) = (ServicesWorld.weekStart, ServicesWorld.agreement)
            try await world.advance(to: start + 8 * ServicesWorld.day)
            let week = Interval(from: start, to: start + 7 * ServicesWorld.day)
            let gap = Interval(from: start + 3 * ServicesWorld.day, to: week.to)
            func say(_ name: String, _ interval: Interval, _ attribution: Attribution) async throws {
                try await world.node.enact(
                    AgreementContract.self,
                    .classify(.init(agreement: agreement, interval: interval, attribution: attribution)),
                    as: world.signer(name))
            }
            // The OEM was first, and of everything.
            try await say("oem", week, .customerOperation)
            try await say("customer", gap, .oem)
            let words = try AgreementService(world.documents("customer")).classifications(
                agreement, periodContaining: start)
            #expect(words.interval == week && words.words.map(\.agreed) == [nil, nil])
            try await world.advance(to: start + 13 * ServicesWorld.day)
            let oem = try world.invoices("oem")
            func compute() throws -> Invoice {
                try oem.compute(
                    agreement, periodContaining: start, number: "2026-0001",
                    toleratingMissingTelemetry: true)
            }
            let invoice = try compute()
            #expect(invoice.performance.downtimeMilliseconds == 3 * ServicesWorld.hour)
            #expect(invoice.performance.serviceTimeMilliseconds < 4 * ServicesWorld.day)
            let id = try await oem.issue(invoice, under: agreement)
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: []))
        }
    }

    @Test func theTermsCarryTheirPeriodsAndTheArbitersTime() async throws {
        try await ServicesWorld.with { world in
            var terms = try world.terms()
            #expect(TermsFile.text(terms).contains("rulingDays") == false)
            terms.rulingDays = 20
            #expect(TermsFile.text(terms).contains("\"rulingDays\": 20"))
            terms.substituteArbiter = "board"
            let text = Array(TermsFile.text(terms).utf8)
            let read = try TermsFile.read(text) { name throws(NodeError) in try world.node.party(name) }
            #expect(read == terms)
            let document = try world.documents("oem").store(
                terms, name: "Terms", mediaType: "application/cbor", for: [])
            let figures = try AgreementService.agreed(terms, document: document)
            #expect(figures.arbiters.map(\.text) == ["arbiter", "board"])
            terms.substituteArbiter = "arbiter"
            #expect(!terms.validate().isEmpty)
            try await world.rent()
            let record = try world.node.view().existing(AgreementRecord.self, ServicesWorld.agreement)
            let agreed = try world.node.view().existing(
                TermsRecord.self, .init(agreement: record.id, number: record.versions[0].number)
            ).terms
            #expect(agreed.rulingWindow == .days(30))
            #expect(agreed.periodEnds.count == 104)
            let end = ServicesWorld.weekStart + 7 * ServicesWorld.day
            let week = Interval(from: ServicesWorld.weekStart, to: end)
            #expect(try world.node.view().billingInterval(at: end - 1, of: record) == week)
            let service = AgreementService(try world.documents("customer"))
            #expect(
                try service.billingInterval(containing: end - 1, under: ServicesWorld.agreement) == week)
            let parts = try service.parts(
                of: Interval(from: end - 5, to: end + 5), under: ServicesWorld.agreement)
            #expect(parts == [Interval(from: end - 5, to: end), Interval(from: end, to: end + 5)])
        }
    }

    @Test func recomputesTheSameAfterMoreTelemetryHasCome() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek(batchEntries: 2000)
            let id = try await world.invoices("oem").issue(
                world.weeksInvoice(), under: ServicesWorld.agreement)
            var source = world.press(days: 12)
            try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                .run(&source)
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: []))
            #expect(try world.invoices("arbiter").recompute(id) == .equal(contested: []))
        }
    }

    @Test func leadsFromAnInflatedInvoiceToACreditNote() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let honest = try await world.weeksInvoice()
            var inflated = honest
            inflated.totals.exclusive.rawValue += 10_000
            inflated.totals.inclusive.rawValue += 10_000
            inflated.totals.payable.rawValue += 10_000
            let (oem, customer) = (try world.invoices("oem"), try world.invoices("customer"))
            let arbiter = try world.invoices("arbiter")
            let id = try await oem.issue(inflated, under: ServicesWorld.agreement)
            guard case .differs(let sentences, let recomputed, _) = try customer.recompute(id) else {
                Issue.record("an inflated invoice is recomputed equal")
                return
            }
            #expect(sentences.contains { $0.contains(honest.totals.payable.text(in: .euro)) })
            #expect(recomputed == honest)
            try await customer.dispute(id)
            let assessment = try arbiter.assess(id)
            #expect(assessment.computed == honest)
            #expect(!assessment.againstClaim.isEmpty)
            #expect(assessment.againstProof.isEmpty)
            try await arbiter.rule(
                id, payable: assessment.computed.totals.payable, reasons: "The recomputation is right.")
            let note = try await oem.credit(id, number: "2026-0002", reason: "Ruling of the arbiter")
            #expect(note.totals.payable == MinorUnits(10_000))
            let record = try world.record(id)
            #expect(record.payable == honest.totals.payable)
            #expect(record.undocumentedReduction == .zero)
            let noteID = InvoiceID(issuer: MemberID("oem")!, number: "2026-0002")
            #expect(try customer.creditNote(noteID) == note)
        }
    }

    @Test func findsAFigureThatOnlyTheLedgerHolds() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            var invoice = try await world.weeksInvoice()
            invoice.evidence.telemetryRoot = .zero
            let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
            guard case .differs(let sentences, _, _) = try world.invoices("customer").recompute(id) else {
                Issue.record("another telemetry root is recomputed equal")
                return
            }
            #expect(sentences.contains { $0.hasPrefix("telemetry root") })
        }
    }

    @Test func refusesToComputeBeforeTelemetryReachesThePeriodsEnd() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            var source = world.press(days: 3)
            try await TelemetryImport(of: ServicesWorld.machine, documents: world.documents("customer"))
                .run(&source)
            await #expect(
                code { _ = try await world.weeksInvoice() } == "invoice.telemetry_incomplete")
            let invoice = try world.invoices("oem").compute(
                ServicesWorld.agreement, periodContaining: ServicesWorld.weekStart, number: "2026-0001",
                toleratingMissingTelemetry: true)
            #expect(invoice.dataQuality.contains { $0.kind == .silence })
        }
    }

    @Test func writesTheInvoiceAsJSONAndUBLAndText() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let invoice = try await world.weeksInvoice()
            let folder = world.home.folder.appendingPathComponent("out")
            let files = try InvoiceFiles.write(invoice, to: folder, isSimulated: false)
            let names = ["invoice-2026-0001.json", "invoice-2026-0001.xml", "invoice-2026-0001.txt"]
            #expect(files.map(\.lastPathComponent) == names)
            let read = try JSONSerialization.jsonObject(with: Data(contentsOf: files[0]))
            let json = try #require(read as? [String: Any])
            let totals = json["totals"] as? [String: Any]
            #expect(json["number"] as? String == invoice.number && json["simulated"] as? Bool == false)
            #expect(totals?["payable"] as? Int64 == invoice.totals.payable.rawValue)
            #expect((json["lines"] as? [Any])?.count == invoice.lines.count)
            let period = json["period"] as? [String: String]
            #expect(period?["from"]?.hasSuffix(":00:00Z") ?? false, "\(period ?? [:])")
            #expect(try Array(Data(contentsOf: files[1])) == UBLDocument.encode(invoice))
        }
    }
}

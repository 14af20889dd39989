import Billing
import Codec
import Contracts
import Ledger
import Testing
import Vault

@testable import Node

/// Disputes that the other side would rather not have.
@Suite struct DisputeServiceTests {
    /// How an OEM keeps its document from the customer.
    enum Withheld: CaseIterable {
        case sealedToNobody, nowhere, noInvoice
    }

    /// Issues figures of the OEM's choice with a document that the customer cannot use.
    private func issue(
        _ withheld: Withheld, gross: MinorUnits, in world: ServicesWorld
    ) async throws -> InvoiceID {
        let honest = try await world.weeksInvoice()
        let oem = try world.documents("oem")
        let document: DocumentReference
        switch withheld {
        case .noInvoice:
            document = try oem.store(
                bytes: [0x80], name: "Invoice", mediaType: InvoiceService.mediaType,
                for: [MemberID("customer")!])
        case .sealedToNobody, .nowhere:
            document = try oem.store(
                honest, name: "Invoice", mediaType: InvoiceService.mediaType, for: [])
        }
        if withheld == .nowhere { try oem.vault.shred(CID(parsing: document.cid)) }
        let terms = try world.node.view().existing(
            TermsRecord.self, .init(agreement: ServicesWorld.agreement, number: 1)
        ).terms
        let now = world.node.clock.now
        try await world.node.enact(
            AgreementContract.self,
            .issueInvoice(
                .init(
                    agreement: ServicesWorld.agreement, number: "2026-0001", document: document,
                    evidence: .init(
                        telemetryRoot: .zero, termsHash: terms.hash,
                        attributionRoot: .zero, rulesVersion: 1),
                    period: honest.period, currency: .euro, net: gross, tax: .zero, gross: gross,
                    disputeUntil: now + .days(60), dueDate: now + .days(60))), as: world.signer("oem"))
        return InvoiceID(issuer: MemberID("oem")!, number: "2026-0001")
    }

    @Test(arguments: Withheld.allCases)
    func aDocumentThatIsKeptAwayKeepsNobodyFromDisputing(withheld: Withheld) async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let claim = MinorUnits(99_999_999)
            let id = try await issue(withheld, gross: claim, in: world)
            let (customer, arbiter) = (try world.invoices("customer"), try world.invoices("arbiter"))
            let reason =
                switch withheld {
                case .sealedToNobody: "vault.not_reader"
                case .nowhere: "vault.not_found"
                case .noInvoice: "document.malformed"
                }
            guard case .differs(let sentences, let recomputed) = try customer.recompute(id) else {
                Issue.record("an invoice that nobody can read is recomputed equal")
                return
            }
            #expect(sentences.first?.contains(reason) == true)
            #expect(sentences.contains { $0.hasPrefix("gross on the ledger: 999999.99, not ") })
            let disputed = try await customer.dispute(id)
            #expect(disputed.recomputed == recomputed && disputed.missingClaim?.contains(reason) == true)
            #expect(try world.record(id).dispute?.undisputed == recomputed.totals.payable)
            let assessment = try arbiter.assess(id)
            #expect(assessment.computed == recomputed && assessment.againstProof.isEmpty)
            #expect(assessment.record.gross == claim && assessment.claimed.invoice == nil)
            try await arbiter.rule(
                id, payable: assessment.computed.totals.payable, reasons: "Nobody was shown the invoice.")
            #expect(try world.record(id).payable == recomputed.totals.payable)
        }
    }

    /// The right figures without the document are no invoice that anybody has to accept.
    @Test func rightFiguresWithoutTheirDocumentCanBeDisputed() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let payable = try await world.weeksInvoice().totals.payable
            let id = try await issue(.sealedToNobody, gross: payable, in: world)
            try await world.invoices("customer").dispute(id)
            let undisputed = try world.record(id).dispute?.undisputed
            #expect(undisputed == MinorUnits(payable.rawValue - 1))
        }
    }

    @Test func whatCannotBeRecomputedIsDisputedInWords() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let id = try await world.invoices("oem").issue(
                world.weeksInvoice(), under: ServicesWorld.agreement)
            let (customer, arbiter) = (try world.invoices("customer"), try world.invoices("arbiter"))
            await #expect(
                code { try await customer.dispute(id, undisputed: .zero, statement: "Too much.") }
                    == "invoice.recomputable")
            // The telemetry is lost at everybody's.
            for anchor in try world.anchors {
                try world.documents("customer").vault.shred(CID(parsing: anchor.cid))
            }
            await #expect(code { try await customer.dispute(id) } == "metering.missing_batch")
            await #expect(
                code { try await customer.dispute(id, statement: "Too much.") }
                    == "invoice.undisputed_missing")
            let disputed = try await customer.dispute(
                id, undisputed: MinorUnits(100), statement: "The hall was flooded.")
            #expect(disputed == Disputed(recomputed: nil, missingClaim: nil))
            let dispute = try #require(try world.record(id).dispute)
            #expect(dispute.undisputed == MinorUnits(100))
            let text = String(
                decoding: try world.documents("arbiter").open(dispute.recomputed), as: UTF8.self)
            #expect(text.hasPrefix("The hall was flooded.\n") && text.contains("metering.missing_batch"))
            // The arbiter cannot compute either, and rules on what it has read.
            await #expect(code { _ = try arbiter.assess(id) } == "metering.missing_batch")
            try await arbiter.rule(id, payable: MinorUnits(200), reasons: "Half of what is likely.")
            #expect(try world.record(id).payable == MinorUnits(200))
        }
    }

    @Test func aProofThatIsKeptFromTheArbiterKeepsItNotFromAssessing() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let honest = try await world.weeksInvoice()
            let id = try await world.invoices("oem").issue(honest, under: ServicesWorld.agreement)
            let proof = try world.documents("customer").store(
                honest, name: "Proof", mediaType: InvoiceService.mediaType, for: [])
            try await world.node.enact(
                AgreementContract.self,
                .dispute(.init(invoice: id, recomputed: proof, undisputed: .zero)),
                as: world.signer("customer"))
            let assessment = try world.invoices("arbiter").assess(id)
            #expect(assessment.computed == honest && assessment.againstClaim.isEmpty)
            #expect(assessment.proof.invoice == nil)
            #expect(assessment.againstProof.first?.contains("vault.not_reader") == true)
        }
    }

    @Test func anOpenContestHoldsTheInvoiceUpForFiveDaysAtMost() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let honest = try await world.weeksInvoice()
            try await world.contest(2)
            await #expect(code { _ = try await world.weeksInvoice() } == "invoice.contest_open")
            try await world.node.enact(
                TelemetryContract.self,
                .withdrawContest(.init(machine: ServicesWorld.machine, number: 2)), as: world.signer("oem"))
            #expect(try await world.weeksInvoice() == honest)
            try await world.contest(2)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let invoice = try await world.weeksInvoice()
            #expect(invoice.dataQuality.contains { $0.kind == .contested && $0.count == 1 })
            let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
            #expect(try world.invoices("customer").recompute(id) == .equal)
            // What is contested later changes nothing that is issued.
            try await world.contest(1)
            try await world.advance(to: world.node.clock.now.milliseconds + 6 * ServicesWorld.day)
            #expect(try world.invoices("customer").recompute(id) == .equal)
        }
    }

    /// An OEM that contests what it can read gains nothing by it.
    @Test func aBatchThatIsContestedFalselyIsProvenInTheDispute() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let honest = try await world.weeksInvoice()
            try await world.contest(2)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let invoice = try await world.weeksInvoice()
            let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
            let (customer, arbiter) = (try world.invoices("customer"), try world.invoices("arbiter"))
            await #expect(code { try await customer.dispute(id) } == "invoice.nothing_to_dispute")
            let disputed = try await customer.dispute(id, undisputed: .zero, countsContested: true)
            #expect(disputed.recomputed?.lines == honest.lines)
            let assessment = try arbiter.assess(id)
            #expect(assessment.computed == invoice && assessment.againstClaim.isEmpty)
            #expect(assessment.computedWithContested == disputed.recomputed)
            #expect(assessment.againstProof.isEmpty)
            // Whatever it comes to, the OEM gets no more than it has claimed.
            let payable = min(honest.totals.payable, invoice.totals.payable)
            try await arbiter.rule(id, payable: payable, reasons: "The batch can be read.")
            #expect(try world.record(id).payable == payable)
        }
    }

    /// Nor where the customer goes on importing only when the contest stands.
    @Test func whatComesAfterAFalseContestKeepsTheChain() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek(days: 3)
            let last = try #require(try world.anchors.last).id.number
            try await world.contest(last)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            try await world.importWeek()
            #expect(try #require(try world.anchors.last).id.number > last)
            let id = try await world.invoices("oem").issue(
                try await world.weeksInvoice(), under: ServicesWorld.agreement)
            let disputed = try await world.invoices("customer").dispute(
                id, undisputed: .zero, countsContested: true)
            let notes = try #require(disputed.recomputed).dataQuality
            #expect(!notes.contains { $0.kind == .contested || $0.kind == .missingEntries })
        }
    }

    @Test func aContestedBatchThatNobodyHasKeepsNobodyFromRuling() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let batch = try world.anchors[1]
            try world.documents("customer").vault.shred(CID(parsing: batch.cid))
            try await world.contest(batch.id.number)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let invoice = try await world.weeksInvoice()
            let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
            let customer = try world.invoices("customer")
            #expect(try customer.recompute(id) == .equal)
            await #expect(
                code { try await customer.dispute(id, countsContested: true) } == "metering.missing_batch")
            try await customer.dispute(
                id, undisputed: .zero, countsContested: true, statement: "I had it.")
            let assessment = try world.invoices("arbiter").assess(id)
            #expect(assessment.computed == invoice && assessment.computedWithContested == nil)
        }
    }
}

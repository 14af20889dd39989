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
        return try await issue(document, gross: gross, period: honest.period, in: world)
    }

    /// Issues figures and a document of the OEM's choice.
    private func issue(
        _ document: DocumentReference, gross: MinorUnits, period: Interval, in world: ServicesWorld
    ) async throws -> InvoiceID {
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
                    period: period, currency: .euro, net: gross, tax: .zero, gross: gross,
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
            guard case .differs(let sentences, let recomputed, _) = try customer.recompute(id) else {
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

    /// Which of the customer's documents an OEM names in the place of its invoice.
    enum Foreign: CaseIterable {
        case telemetry, competitorsInvoice, otherInvoice
    }

    /// An invoice that names another document of the customer's is no way to show it to the arbiter.
    @Test(arguments: Foreign.allCases, [false, true])
    func noArbiterIsLetIntoAForeignDocument(foreign: Foreign, inWords: Bool) async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            var invoice = try await world.weeksInvoice()
            let period = invoice.period
            let named: DocumentReference
            switch foreign {
            case .telemetry:
                named = try world.documents("customer").store(
                    bytes: [1, 2, 3], name: "Batch", mediaType: "application/cbor", for: [])
            case .competitorsInvoice:
                invoice.seller.id = "m1"
                named = try world.documents("m1").store(
                    invoice, name: "Invoice", mediaType: InvoiceService.mediaType,
                    for: [MemberID("customer")!])
            case .otherInvoice:
                invoice.number = "2025-0007"
                named = try world.documents("customer").store(
                    invoice, name: "Invoice", mediaType: InvoiceService.mediaType, for: [])
            }
            let id = try await issue(
                named, gross: MinorUnits(99_999_999), period: period, in: world)
            let customer = try world.invoices("customer")
            if inWords {
                let last = try #require(try world.anchors.last)
                try world.documents("customer").vault.shred(CID(parsing: last.cid))
            }
            let disputed = try await customer.dispute(
                id, undisputed: .zero, statement: inWords ? "It is not mine." : nil)
            #expect((disputed.recomputed == nil) == inWords)
            let reason = foreign == .telemetry ? "document.malformed" : "document.other"
            #expect(disputed.missingClaim?.contains(reason) == true)
            #expect(try !world.documents("customer").readers(of: named).contains("arbiter"))
            let terms = try world.node.view().existing(
                TermsRecord.self, .init(agreement: ServicesWorld.agreement, number: 1))
            #expect(
                try world.documents("customer").readers(of: terms.terms.document).contains("arbiter"))
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
            let numbers = try world.anchors.map(\.id.number)
            #expect(
                disputed == Disputed(recomputed: nil, missingClaim: nil, missingBatches: numbers))
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
            let contested = [try world.anchors[1]]
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: contested))
            // What is contested later changes nothing that is issued.
            try await world.contest(1)
            try await world.advance(to: world.node.clock.now.milliseconds + 6 * ServicesWorld.day)
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: contested))
            #expect(try world.node.contestedBatches(in: id) == contested)
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

    /// The week's invoice without a batch that the customer has lost and the OEM contested in time.
    private func invoiceWithoutALostBatch(
        in world: ServicesWorld
    ) async throws -> (batch: AnchorRecord, invoice: Invoice, id: InvoiceID) {
        let batch = try world.anchors[1]
        try world.documents("customer").vault.shred(CID(parsing: batch.cid))
        try await world.contest(batch.id.number)
        try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
        let invoice = try await world.weeksInvoice()
        let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
        return (batch, invoice, id)
    }

    @Test func aContestedBatchThatNobodyHasKeepsNobodyFromRuling() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let (batch, invoice, id) = try await invoiceWithoutALostBatch(in: world)
            let customer = try world.invoices("customer")
            #expect(try customer.recompute(id) == .equal(contested: [batch]))
            await #expect(
                code { try await customer.dispute(id, countsContested: true) } == "metering.missing_batch")
            try await customer.dispute(
                id, undisputed: .zero, countsContested: true, statement: "I had it.")
            let assessment = try world.invoices("arbiter").assess(id)
            #expect(assessment.computed == invoice && assessment.computedWithContested == nil)
        }
    }

    /// What an OEM contests after it was paid is a gap in the invoice that it issues again: the recomputation
    /// is equal and names it.
    @Test func aBatchThatIsContestedAfterThePaymentIsNamed() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            try await world.importWeek()
            let (oem, customer) = (try world.invoices("oem"), try world.invoices("customer"))
            let first = try await oem.issue(world.weeksInvoice(), under: ServicesWorld.agreement)
            #expect(try customer.recompute(first) == .equal(contested: []))
            #expect(try world.node.contestedBatches(in: first).isEmpty)
            try await customer.approve(first)
            try await customer.markPaid(first, reference: "SEPA 1")
            try await oem.confirmPayment(first, reference: "SEPA 1")
            try await world.contest(2)
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            try await oem.credit(first, number: "2026-0002", reason: "Once more")
            let again = try await oem.issue(
                world.weeksInvoice(number: "2026-0003"), under: ServicesWorld.agreement)
            let contested = [try world.anchors[1]]
            #expect(try customer.recompute(again) == .equal(contested: contested))
            #expect(try world.node.contestedBatches(in: again) == contested)
            #expect(try customer.recompute(first) == .equal(contested: []))
        }
    }

    /// A contested batch of a time that is not billed leaves nothing out: nobody is warned of it.
    @Test func aContestedBatchOfNoBilledTimeIsNotNamed() async throws {
        try await ServicesWorld.with { world in
            try await world.rent()
            let customer = try world.signer("customer")
            let (machine, start) = (ServicesWorld.machine, ServicesWorld.weekStart)
            // An hour before the week, and two days of it in which the machine stands still.
            try await world.importWeek(days: 0)
            let before = try #require(try world.anchors.last)
            try await world.importWeek(days: 4, batchEntries: 300)
            try await world.node.enact(
                MachineContract.self, .stop(.init(machine: machine, reason: "cleaning", fault: false)),
                as: customer)
            let stopped = world.node.clock.now.milliseconds
            try await world.importWeek(days: 6, batchEntries: 300)
            try await world.node.enact(
                MachineContract.self, .start(.init(machine: machine)), as: customer)
            let started = world.node.clock.now.milliseconds
            try await world.importWeek()
            let idle = try #require(
                try world.anchors.first { stopped < $0.fromMilliseconds && $0.toMilliseconds < started })
            #expect(before.toMilliseconds < start && idle.toMilliseconds < start + 7 * ServicesWorld.day)
            for number in [before.id.number, idle.id.number] { try await world.contest(number) }
            try await world.advance(to: world.node.clock.now.milliseconds + 5 * ServicesWorld.day)
            let invoice = try await world.weeksInvoice()
            #expect(!invoice.dataQuality.contains { $0.kind == .contested })
            let id = try await world.invoices("oem").issue(invoice, under: ServicesWorld.agreement)
            #expect(try world.invoices("customer").recompute(id) == .equal(contested: []))
            #expect(try world.node.contestedBatches(in: id).isEmpty)
        }
    }

    /// Telemetry from before the terms is not sealed to the arbiter that they name: whoever disputes lets it
    /// in, also where it has only words itself.
    @Test func aStatementLetsTheArbiterIntoWhatTheCustomerHas() async throws {
        try await ServicesWorld.with { world in
            try await rentBeforeTerms(in: world)
            let (batch, invoice, id) = try await invoiceWithoutALostBatch(in: world)
            await #expect(code { _ = try world.invoices("arbiter").recompute(id) } == "metering.not_reader")
            let disputed = try await world.invoices("customer").dispute(
                id, undisputed: .zero, countsContested: true, statement: "I had it.")
            #expect(disputed.recomputed == nil && disputed.missingBatches == [batch.id.number])
            #expect(try world.invoices("arbiter").assess(id).computed == invoice)
        }
    }

    /// A rent whose telemetry is not sealed to its arbiter.
    private func rentBeforeTerms(in world: ServicesWorld) async throws {
        try await world.register()
        try await world.start()
        try await world.importWeek()
        try await world.agree()
    }

    private func arbiterReadsTelemetry(in world: ServicesWorld) throws -> Bool {
        let vault = try world.documents("customer").vault
        return try world.anchors.contains { anchor in
            let cid = try CID(parsing: anchor.cid)
            return try vault.contains(cid) && vault.readers(of: cid).contains("arbiter")
        }
    }

    @Test(arguments: [false, true])
    func aDisputeThatTheLedgerRefusesLetsNobodyIn(inWords: Bool) async throws {
        try await ServicesWorld.with { world in
            try await rentBeforeTerms(in: world)
            let id = try await issue(.sealedToNobody, gross: MinorUnits(99_999_999), in: world)
            if inWords {
                let last = try #require(try world.anchors.last)
                try world.documents("customer").vault.shred(CID(parsing: last.cid))
            }
            let customer = try world.invoices("customer")
            let statement = inWords ? "Too much." : nil
            let vault = try world.documents("customer").vault
            let before = try vault.list()
            await #expect(
                code {
                    try await customer.dispute(id, undisputed: MinorUnits(99_999_999), statement: statement)
                } == "agreement.amount_out_of_range")
            try await world.advance(to: world.node.clock.now.milliseconds + 61 * ServicesWorld.day)
            await #expect(
                code { try await customer.dispute(id, undisputed: .zero, statement: statement) }
                    == "agreement.wrong_invoice_state")
            #expect(try !arbiterReadsTelemetry(in: world))
            // Nothing on the ledger names the proofs.
            #expect(try vault.list() == before)
        }
    }

    /// As where the customer's program ended between the dispute and the letting in.
    @Test func aDisputeThatStandsLetsTheArbiterInOnceMore() async throws {
        try await ServicesWorld.with { world in
            try await rentBeforeTerms(in: world)
            let id = try await issue(.sealedToNobody, gross: MinorUnits(99_999_999), in: world)
            let (customer, arbiter) = (try world.invoices("customer"), try world.invoices("arbiter"))
            guard case .differs(_, let recomputed, _) = try customer.recompute(id) else {
                Issue.record("the invoice is recomputed equal")
                return
            }
            let proof = try world.documents("customer").store(
                recomputed, name: "Proof", mediaType: InvoiceService.mediaType, for: [MemberID("arbiter")!])
            try await world.node.enact(
                AgreementContract.self,
                .dispute(.init(invoice: id, recomputed: proof, undisputed: .zero)),
                as: world.signer("customer"))
            await #expect(code { _ = try arbiter.assess(id) } == "metering.not_reader")
            await #expect(
                code { try await customer.dispute(id, undisputed: MinorUnits(1)) }
                    == "agreement.wrong_invoice_state")
            #expect(try !arbiterReadsTelemetry(in: world))
            let disputed = try await customer.dispute(id)
            #expect(disputed.wasDisputed && disputed.recomputed == recomputed)
            #expect(disputed.missingBatches.isEmpty)
            #expect(try world.record(id).dispute?.undisputed == .zero)
            #expect(try arbiter.assess(id).againstProof.isEmpty)
        }
    }
}

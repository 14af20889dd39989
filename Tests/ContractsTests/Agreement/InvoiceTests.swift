import Billing
import Codec
import Contracts
import Ledger
import Testing

/// Issuing, confirming, disputing, ruling and crediting.
@Suite struct InvoiceTests {
    typealias Steps = AgreementSteps

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(AgreementContract.self) }

    @Test func namesItsEvidenceAndWaitsForTheCustomer() throws {
        try Steps.issued(harness)
        let invoice = try harness.invoice()
        #expect(invoice.state == .issued && invoice.payable == MinorUnits(11_900) && invoice.isOpen)
        #expect(invoice.version == 1 && invoice.arbiter.text == "arbiter")
        #expect(invoice.evidence.termsHash == Steps.terms().hash)
        #expect(try harness.agreement().billed == [Steps.days(0, 30)])
        #expect(try harness.agreement().openInvoices == 1)
        #expect(harness.events == ["invoiceIssued"])
    }

    @Test func isConfirmedWhenItsWindowClosesAndDueWhenItsDayComes() throws {
        try Steps.issued(harness)
        harness.advance(to: Timestamp(nanoseconds: (Steps.start + .days(37)).nanoseconds - 1))
        #expect(try harness.invoice().state == .issued)
        harness.advance(to: Steps.start + .days(37))
        #expect(try harness.invoice().state == .confirmed)
        harness.advance(to: Steps.start + .days(44))
        #expect(try harness.invoice().state == .due)
    }

    @Test func aLateConfirmationIsDueAtOnce() throws {
        try Steps.disputed(harness)
        harness.advance(to: Steps.start + .days(49))
        #expect(try harness.invoice().state == .disputed)
        try harness.agreement(Steps.approve, by: "customer")
        #expect(try harness.invoice().state == .due)
    }

    @Test func theCustomerApproves() throws {
        try Steps.confirmed(harness)
        #expect(try harness.invoice().state == .confirmed)
        harness.advance(to: Steps.start + .days(37))
        #expect(try harness.invoice().state == .confirmed)
    }

    @Test func theArbiterSetsWhatIsPayable() throws {
        try Steps.disputed(harness)
        #expect(try harness.invoice().dispute?.undisputed == MinorUnits(5_000))
        try harness.agreement(Steps.rule(8_000), by: "arbiter")
        let invoice = try harness.invoice()
        #expect(invoice.state == .adjusted && invoice.payable == MinorUnits(8_000))
        #expect(invoice.undocumentedReduction == MinorUnits(3_900))
        try harness.agreement(Steps.credit(3_900, .ruling), by: "oem")
        #expect(try harness.invoice().payable == MinorUnits(8_000))
        #expect(try harness.invoice().undocumentedReduction == .zero)
    }

    @Test(arguments: [0, 11_900] as [Int64])
    func aRulingReachesFromNothingToAll(payable: Int64) throws {
        try Steps.disputed(harness)
        try harness.agreement(Steps.rule(payable), by: "arbiter")
        #expect(try harness.invoice().payable == MinorUnits(payable))
        #expect(try harness.invoice().state == (payable == 0 ? .paid : .adjusted))
        #expect(try harness.agreement().openInvoices == (payable == 0 ? 0 : 1))
    }

    @Test func withoutARulingTheUndisputedPartIsPayable() throws {
        try Steps.disputed(harness)
        let due = Steps.start + .days(50)
        #expect(try harness.invoice().dispute?.rulingDue == due)
        harness.advance(to: Timestamp(nanoseconds: due.nanoseconds - 1))
        #expect(try harness.invoice().state == .disputed)
        harness.advance(to: due)
        let invoice = try harness.invoice()
        #expect(invoice.state == .due && invoice.payable == MinorUnits(5_000))
        #expect(invoice.ruling?.origin == .agreedDefault && invoice.ruling?.reasons == nil)
        let late = try harness.rejection(
            AgreementContract.self, Steps.rule(8_000), as: harness.member("arbiter"))
        #expect(late == "agreement.wrong_invoice_state")
        // The OEM documents it, as it does a ruling.
        try harness.agreement(Steps.credit(6_900, .ruling), by: "oem")
        #expect(try harness.invoice().undocumentedReduction == .zero)
    }

    @Test func theArbiterRulesUntilTheLastMoment() throws {
        try Steps.disputed(harness)
        harness.advance(to: Timestamp(nanoseconds: (Steps.start + .days(50)).nanoseconds - 1))
        try harness.agreement(Steps.rule(8_000), by: "arbiter")
        harness.advance(to: Steps.start + .days(50))
        let invoice = try harness.invoice()
        #expect(invoice.payable == MinorUnits(8_000) && invoice.ruling?.origin == .arbiter)
    }

    /// Deadlines may be carried out late; what they come to does not depend on who is faster.
    @Test func aLateRulingIsRefusedAlsoWhereTheDeadlineIsNotCarriedOutYet() throws {
        try Steps.disputed(harness)
        let due = try #require(try harness.invoice().dispute?.rulingDue)
        try harness.beginEpoch(AgreementContract.self, after: due - harness.now)
        #expect(try harness.invoice().state == .disputed)
        let late = try harness.rejection(
            AgreementContract.self, Steps.rule(8_000), as: harness.member("arbiter"))
        #expect(late == "agreement.ruling_too_late")
        harness.advance(to: due)
        #expect(try harness.invoice().ruling?.origin == .agreedDefault)
    }

    /// A dispute with an arbiter and a substitute: the auditor, which is made one.
    private func disputedWithSubstitute() throws -> InvoiceRecord.Dispute {
        let substitute = MemberID("auditor")!
        try Steps.machine(harness)
        try harness.change(MemberRecord.self, substitute) { $0.roles = [.arbiter] }
        try harness.agreement(Steps.propose { $0.substitute = substitute }, by: "oem")
        try harness.agreement(Steps.accept(), by: "customer")
        harness.advance(to: Steps.start + .days(30))
        try Steps.concluded(harness)
        try harness.agreement(Steps.invoice(), by: "oem")
        #expect(try harness.invoice().substitute == substitute)
        try harness.agreement(Steps.dispute(), by: "customer")
        return try #require(try harness.invoice().dispute)
    }

    private func rule(as member: String) throws -> String? {
        try harness.rejection(AgreementContract.self, Steps.rule(8_000), as: harness.member(member))
    }

    @Test func theSubstituteRulesOnceTheArbitersTimeIsOver() throws {
        let dispute = try disputedWithSubstitute()
        #expect(dispute.rulingDue == Steps.start + .days(50))
        #expect(dispute.substituteDue == Steps.start + .days(70))
        harness.advance(to: Timestamp(nanoseconds: dispute.rulingDue.nanoseconds - 1))
        #expect(try rule(as: "auditor") == "agreement.ruling_too_early")
        harness.advance(to: dispute.rulingDue)
        #expect(try harness.invoice().state == .disputed)
        #expect(try rule(as: "arbiter") == "agreement.ruling_too_late")
        harness.advance(to: Timestamp(nanoseconds: dispute.ends.nanoseconds - 1))
        #expect(try rule(as: "auditor") == nil)
        let ruling = try #require(try harness.invoice().ruling)
        #expect(ruling.arbiter == MemberID("auditor")! && ruling.origin == .arbiter)
    }

    @Test func whereTheSubstituteIsSilentTooTheUndisputedPartIsPayable() throws {
        let dispute = try disputedWithSubstitute()
        try harness.beginEpoch(AgreementContract.self, after: dispute.ends - harness.now)
        #expect(try rule(as: "auditor") == "agreement.ruling_too_late")
        harness.advance(to: dispute.ends)
        let invoice = try harness.invoice()
        #expect(invoice.ruling?.origin == .agreedDefault && invoice.payable == MinorUnits(5_000))
    }

    @Test func theArbiterRulesInItsTimeWhereThereIsASubstituteToo() throws {
        _ = try disputedWithSubstitute()
        #expect(try rule(as: "arbiter") == nil)
        #expect(try rule(as: "auditor") == "agreement.wrong_invoice_state")
    }

    /// The OEM has credited a part meanwhile: what is left of the claim bounds the default.
    @Test func aCreditDuringTheDisputeBoundsTheDefault() throws {
        try Steps.disputed(harness)
        try harness.agreement(Steps.credit(1_000), by: "oem")
        harness.advance(to: Steps.start + .days(50))
        #expect(try harness.invoice().payable == MinorUnits(5_000))
        #expect(try harness.invoice().undocumentedReduction == MinorUnits(5_900))
    }

    @Test func aRuledInvoiceCannotBeIssuedAgain() throws {
        try Steps.disputed(harness)
        try harness.agreement(Steps.rule(0), by: "arbiter")
        try harness.agreement(Steps.credit(11_900, .ruling), by: "oem")
        #expect(try harness.agreement().billed == [Steps.days(0, 30)])
    }

    @Test func theOEMConcedesADispute() throws {
        try Steps.disputed(harness)
        try harness.agreement(Steps.credit(1_000), by: "oem")
        #expect(try harness.invoice().state == .disputed)
        try harness.agreement(Steps.credit(5_900, number: "CN-0002"), by: "oem")
        #expect(try harness.invoice().state == .adjusted)
        #expect(try harness.invoice().payable == MinorUnits(5_000))
    }

    @Test func aWhollyCreditedPeriodIsInvoicedAgain() throws {
        try Steps.issued(harness)
        try harness.agreement(Steps.credit(11_900), by: "oem")
        #expect(try harness.invoice().state == .paid)
        #expect(try harness.agreement().billed.isEmpty && harness.agreement().openInvoices == 0)
        try harness.agreement(Steps.invoice("2025-0002"), by: "oem")
        #expect(try harness.agreement().billed == [Steps.days(0, 30)])
    }

    @Test func anInvoiceOfNothingIsTakenBackByACreditOfNothing() throws {
        try Steps.periodOver(harness)
        try harness.agreement(Steps.invoice { ($0.net, $0.tax, $0.gross) = (.zero, .zero, .zero) }, by: "oem")
        try harness.agreement(Steps.credit(0), by: "oem")
        #expect(try harness.agreement().billed.isEmpty)
        let again = try harness.rejection(
            AgreementContract.self, Steps.credit(0, number: "CN-0002"), as: harness.member("oem"))
        #expect(again == "agreement.amount_out_of_range")
    }

    @Test func periodsMeetAndLeaveGaps() throws {
        try Steps.active(harness)
        harness.advance(to: Steps.start + .days(93))
        let now = Steps.start + .days(93)
        try harness.agreement(Steps.invoice("2025-0001", Steps.days(60, 90), at: now), by: "oem")
        try harness.agreement(Steps.invoice("2025-0002", Steps.days(0, 30), at: now), by: "oem")
        #expect(try harness.agreement().billed == [Steps.days(0, 30), Steps.days(60, 90)])
        try harness.agreement(Steps.invoice("2025-0003", Steps.days(30, 60), at: now), by: "oem")
        #expect(try harness.agreement().billed == [Steps.days(0, 90)])
        let credit = AgreementContract.Action.creditNote(
            .init(
                number: "CN-0001", invoice: .init(issuer: MemberID("oem")!, number: "2025-0003"),
                ground: .correction, amount: MinorUnits(11_900), reason: "wrong",
                document: ContractHarness.document("credit")))
        try harness.agreement(credit, by: "oem")
        #expect(try harness.agreement().billed == [Steps.days(0, 30), Steps.days(60, 90)])
    }

    @Test func itsTermsAreThoseInForceInItsPeriod() throws {
        try Steps.amending(harness)
        try harness.agreement(Steps.accept(2, "terms 2"), by: "oem")
        let now = Steps.start + .days(93)
        harness.advance(to: now)
        try harness.agreement(Steps.invoice("2025-0001", Steps.days(30, 60), at: now), by: "oem")
        let body = Steps.invoice("2025-0002", Steps.days(60, 90), at: now) {
            $0.evidence.termsHash = Steps.terms("terms 2").hash
        }
        try harness.agreement(body, by: "oem")
        #expect(try harness.invoice("2025-0002").version == 2)
    }

    /// From day 10 to day 100, with other terms from day 45: each part of a period has its invoice.
    @Test func termsThatBeginEndAndChangeWithinPeriodsAreInvoicedToTheLastDay() throws {
        try Steps.machine(harness)
        let first = Steps.propose {
            ($0.validFrom, $0.validTo) = (Steps.start + .days(10), Steps.start + .days(100))
            $0.periodEnds = Steps.ends(1, through: 3)
        }
        try harness.agreement(first, by: "oem")
        try harness.agreement(Steps.accept(), by: "customer")
        let second = Steps.amend {
            ($0.validFrom, $0.validTo) = (Steps.start + .days(45), Steps.start + .days(100))
            $0.periodEnds = Steps.ends(2, through: 3)
        }
        try harness.agreement(second, by: "oem")
        try harness.agreement(Steps.accept(2, "terms 2"), by: "customer")
        let now = Steps.start + .days(103)
        harness.advance(to: now)
        let parts: [(Int64, Int64)] = [(10, 30), (30, 45), (45, 60), (60, 90), (90, 100)]
        for (index, (from, to)) in parts.enumerated() {
            let number = "2025-000\(index + 1)"
            try harness.agreement(
                Steps.invoice(number, Steps.days(from, to), at: now) {
                    if from >= 45 { $0.evidence.termsHash = Steps.terms("terms 2").hash }
                    $0.isFinal = to == 100
                }, by: "oem")
            #expect(try harness.invoice(number).version == (from < 45 ? 1 : 2))
        }
        #expect(try harness.agreement().billed == [Steps.days(10, 100)])
    }

    @Test func itCanFollowTheAgreementsEnd() throws {
        try Steps.active(harness)
        let now = Steps.start + .days(368)
        harness.advance(to: now)
        try harness.agreement(Steps.invoice("2025-0001", Steps.days(330, 365), at: now), by: "oem")
        #expect(try harness.invoice().state == .issued)
    }

    @Test func theMachineIsSettledWithAPaidFinalInvoice() throws {
        try Steps.machine(harness)
        #expect(try harness.isSettled())
        try harness.agreement(Steps.propose(), by: "oem")
        #expect(try harness.isSettled())
        try harness.agreement(Steps.accept(), by: "customer")
        harness.advance(to: Steps.start + .days(30))
        #expect(try !harness.isSettled())
        try Steps.concluded(harness)
        try harness.agreement(Steps.invoice { $0.isFinal = true }, by: "oem")
        #expect(try !harness.isSettled())
        try harness.agreement(Steps.approve, by: "customer")
        try harness.agreement(Steps.pay(11_900), by: "customer")
        #expect(try !harness.isSettled())
        try harness.agreement(Steps.confirm(11_900), by: "oem")
        #expect(try harness.isSettled())
    }

    @Test func aCreditedFinalInvoiceIsNoneAndTermsToComeDoNotCount() throws {
        try Steps.machine(harness)
        try harness.agreement(Steps.propose { $0.validFrom = Steps.start + .days(1) }, by: "oem")
        try harness.agreement(Steps.accept(), by: "customer")
        #expect(try harness.isSettled())
        harness.advance(to: Timestamp(nanoseconds: (Steps.start + .days(1)).nanoseconds - 1))
        #expect(try harness.isSettled())
        harness.advance(to: Steps.start + .days(1))
        #expect(try !harness.isSettled())
        harness.advance(to: Steps.start + .days(30))
        try Steps.concluded(harness)
        try harness.agreement(Steps.invoice("2025-0001", Steps.days(1, 30)) { $0.isFinal = true }, by: "oem")
        try harness.agreement(Steps.credit(11_900), by: "oem")
        #expect(try harness.agreement().finalInvoice == nil)
        #expect(try !harness.isSettled())
    }

    @Test(
        arguments: [
            ("2026-0001", "2026", 1), ("2026-10000", "2026", 10_000), ("RE/2026-A-0012", "RE/2026-A", 12),
        ] as [(String, String, UInt64)])
    func readsNumbers(text: String, series: String, number: UInt64) throws {
        let parsed = try #require(InvoiceNumber(text))
        #expect(parsed.series == series && parsed.number == number && parsed.description == text)
    }

    @Test(arguments: [
        "", "2026", "-0001", "2026-", "2026-001", "2026-00001", "2026-0000", "2026-12a4", "2026 -0001",
        "A23456789012345678-0001", "2026-18446744073709551616", "ä-0001", "2026-00012345678901234567890123",
    ])
    func refusesOtherNumbers(text: String) { #expect(InvoiceNumber(text) == nil) }
}

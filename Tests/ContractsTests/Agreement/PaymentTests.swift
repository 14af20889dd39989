import Billing
import Codec
import Contracts
import Ledger
import Testing

@Suite struct PaymentTests {
    typealias Steps = AgreementSteps

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(AgreementContract.self) }

    @Test func aConfirmedPaymentSettlesTheInvoice() throws {
        try Steps.confirmed(harness)
        try harness.agreement(Steps.pay(11_900), by: "customer")
        #expect(try harness.invoice().state == .confirmed)
        try harness.agreement(Steps.confirm(11_900), by: "oem")
        let invoice = try harness.invoice()
        #expect(invoice.state == .paid && !invoice.isOpen && invoice.settled == harness.now)
        #expect(try harness.agreement().openInvoices == 0)
    }

    @Test func partsAddUp() throws {
        try Steps.confirmed(harness)
        try harness.agreement(Steps.pay(5_000, "A"), by: "customer")
        try harness.agreement(Steps.pay(6_900, "B"), by: "customer")
        try harness.agreement(Steps.confirm(5_000, "A"), by: "oem")
        #expect(try harness.invoice().state == .confirmed)
        try harness.agreement(Steps.confirm(6_900, "B"), by: "oem")
        #expect(try harness.invoice().state == .paid)
    }

    @Test func theReceiverConfirmsWhatArrived() throws {
        try Steps.confirmed(harness)
        try harness.agreement(Steps.pay(11_900), by: "customer")
        try harness.agreement(Steps.confirm(4_000), by: "oem")
        #expect(try harness.invoice().received == MinorUnits(4_000))
        try harness.agreement(Steps.pay(7_900, "B"), by: "customer")
        try harness.agreement(Steps.confirm(0, "B"), by: "oem")
        #expect(try harness.invoice().payments.count == 1)
        #expect(harness.events == ["paymentRefused"])
    }

    @Test func markingAgainCorrects() throws {
        try Steps.confirmed(harness)
        try harness.agreement(Steps.pay(11_900), by: "customer")
        try harness.agreement(Steps.pay(5_000), by: "customer")
        #expect(try harness.invoice().payments.map(\.amount) == [MinorUnits(5_000)])
    }

    @Test func theUndisputedPartIsPayableMeanwhile() throws {
        try Steps.disputed(harness)
        let all = try harness.rejection(
            AgreementContract.self, Steps.pay(5_001), as: harness.member("customer"))
        #expect(all == "agreement.amount_out_of_range")
        try harness.agreement(Steps.pay(5_000), by: "customer")
        try harness.agreement(Steps.confirm(5_000), by: "oem")
        #expect(try harness.invoice().state == .disputed)
        try harness.agreement(Steps.rule(5_000), by: "arbiter")
        #expect(try harness.invoice().state == .paid)
    }

    @Test func whatIsCreditedAfterPaymentIsPaidBack() throws {
        try Steps.paid(harness)
        try harness.agreement(Steps.credit(900), by: "oem")
        #expect(try harness.invoice().isOpen)
        #expect(try harness.agreement().openInvoices == 1)
        let early = try harness.rejection(
            AgreementContract.self, Steps.pay(1, "C"), as: harness.member("customer"))
        #expect(early == "agreement.amount_out_of_range")
        try harness.agreement(Steps.pay(900, "back"), by: "oem")
        try harness.agreement(Steps.confirm(900, "back"), by: "customer")
        #expect(try !harness.invoice().isOpen)
        #expect(try harness.agreement().openInvoices == 0)
        #expect(try harness.invoice().received == MinorUnits(11_000))
    }

    /// What a customer has paid stays paid: the OEM has to credit all of it and pay it back before it bills
    /// the period again, and what it then bills is disputed like any other invoice.
    @Test func aContestOfWhatIsPaidTakesNothingBackByItself() throws {
        try Steps.machine(harness)
        try harness.run(
            TelemetryContract.self, .anchor(TelemetryTests.anchor(1, 100)), as: harness.member("customer"))
        try harness.agreement(Steps.propose(), by: "oem")
        try harness.agreement(Steps.accept(), by: "customer")
        harness.advance(to: Steps.start + .days(30))
        try Steps.concluded(harness)
        try harness.agreement(Steps.invoice(), by: "oem")
        try harness.agreement(Steps.approve, by: "customer")
        try harness.agreement(Steps.pay(11_900), by: "customer")
        try harness.agreement(Steps.confirm(11_900), by: "oem")
        try harness.run(
            TelemetryContract.self,
            .contest(.init(machine: Steps.press, number: 1, reason: "not in any vault")),
            as: harness.member("oem"))
        harness.advance(by: TelemetryContract.contestWindow)
        #expect(try harness.invoice().state == .paid)
        func bill(_ number: String, disputeUntil: Timestamp) throws -> String? {
            let again = Steps.invoice(number, at: harness.now) { $0.disputeUntil = disputeUntil }
            return try harness.rejection(AgreementContract.self, again, as: harness.member("oem"))
        }
        #expect(try bill("2025-0002", disputeUntil: harness.now + .days(7)) == "agreement.period_billed")
        try harness.agreement(Steps.credit(11_900), by: "oem")
        #expect(try harness.invoice().refundDue == MinorUnits(11_900) && harness.invoice().isOpen)
        #expect(try bill("2025-0002", disputeUntil: harness.now) == "agreement.dispute_window_short")
        try harness.agreement(Steps.invoice("2025-0002", at: harness.now), by: "oem")
    }

    @Test func aPaymentOnItsWayWhenAllIsCreditedComesBack() throws {
        try Steps.issued(harness)
        try harness.agreement(Steps.pay(11_900), by: "customer")
        try harness.agreement(Steps.credit(11_900), by: "oem")
        #expect(try harness.agreement().openInvoices == 0)
        try harness.agreement(Steps.confirm(11_900), by: "oem")
        #expect(try harness.agreement().openInvoices == 1)
        #expect(try harness.invoice().owed(by: MemberID("oem")!) == MinorUnits(11_900))
    }
}

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

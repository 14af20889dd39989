import Billing
import Codec
import Contracts
import Ledger
import Testing

/// Bounds that credit notes must not pass.
@Suite struct ReviewAgreementTests {
    typealias Steps = AgreementSteps

    @Test func aCreditNoteThatLeavesTooManyGapsIsRefused() throws {
        let harness = try ContractHarness(AgreementContract.self)
        try Steps.active(harness)
        let now = Steps.start + .days(63)
        harness.advance(to: now)
        try harness.agreement(Steps.invoice("2025-0001", Steps.days(30, 60), at: now), by: "oem")
        // As many invoices before and after, and stretches elsewhere, would bring it about.
        try harness.change(AgreementRecord.self, Steps.id) { agreement in
            agreement.billed =
                [Steps.days(0, 90)] + (0..<63).map { Steps.days(100 + 2 * $0, 101 + 2 * $0) }
        }
        let before = try harness.agreement()
        #expect(throws: Rejection.self) { try harness.agreement(Steps.credit(11_900), by: "oem") }
        #expect(try harness.agreement().billed == before.billed)
        #expect(try harness.invoice().creditNotes == 0)
        // A part of it can still be credited: the period stays invoiced.
        try harness.agreement(Steps.credit(1_900), by: "oem")
    }
}

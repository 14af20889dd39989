import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Testing

@Suite struct InvoiceRefusalTests {
    typealias Steps = AgreementSteps
    typealias Refused = Refusal<AgreementContract>
    typealias Before = @Sendable (ContractHarness) throws -> Void

    static func issuing(
        _ code: String, _ name: String, period: Interval = Steps.days(0, 30),
        before: @escaping Before = Steps.periodOver,
        _ change: (inout AgreementContract.IssueInvoice) -> Void
    ) -> Refused {
        Refused(code, name, by: "oem", before: before, Steps.invoice("2025-0001", period, change))
    }

    @Test(arguments: [
        Refused(
            "agreement.not_a_party", "the OEM issues", by: "customer", before: Steps.periodOver,
            Steps.invoice()),
        issuing("agreement.unknown", "there is an agreement", after: Steps.machine),
        issuing(
            "agreement.not_accepted", "the agreement is accepted",
            after: {
                try Steps.proposed($0)
                $0.advance(to: Steps.start + .days(30))
            }),
        issuing(
            "agreement.interval_invalid", "a period is not empty", period: Steps.days(3, 3),
            after: Steps.periodOver),
        issuing(
            "agreement.interval_invalid", "a period is in range", period: Interval(from: 0, to: .max),
            after: Steps.periodOver),
        issuing(
            "agreement.period_not_over", "a period is over", period: Steps.days(0, 31),
            after: Steps.periodOver),
        issuing(
            "agreement.no_terms", "terms were in force", period: Steps.days(-1, 30), after: Steps.periodOver),
        issuing("agreement.other_terms", "it names the terms in force") {
            $0.evidence.termsHash = SHA256.digest([9])
        },
        issuing("agreement.other_currency", "it is in the agreed currency") {
            $0.currency = CurrencyCode(rawValue: "CHF")!
        },
        issuing("agreement.number_out_of_range", "it names a rules version") { $0.evidence.rulesVersion = 0 },
        issuing("agreement.totals_mismatch", "its totals add up") { $0.gross = MinorUnits(11_901) },
        issuing("agreement.totals_mismatch", "its amounts are not negative") {
            ($0.net, $0.tax, $0.gross) = (MinorUnits(-1), MinorUnits(1), .zero)
        },
        issuing("agreement.totals_mismatch", "its totals do not overflow") {
            ($0.net, $0.tax, $0.gross) = (MinorUnits(.max), MinorUnits(1), MinorUnits(.min))
        },
        issuing("agreement.dispute_window_short", "the customer has time to dispute") {
            $0.disputeUntil = Timestamp(nanoseconds: (Steps.start + .days(35)).nanoseconds - 1)
        },
        issuing("agreement.due_date_early", "the customer has time to pay") {
            $0.dueDate = Timestamp(nanoseconds: (Steps.start + .days(43)).nanoseconds - 1)
        },
        issuing("agreement.cid_malformed", "its document is in the vault") { $0.document.cid = "b" },
        issuing("agreement.number_malformed", "its number is one") { $0.number = "17" },
        issuing("agreement.number_not_next", "its number is the series' next") { $0.number = "2025-0002" },
        issuing(
            "agreement.period_billed", "a period is invoiced once",
            before: Steps.issued
        ) {
            $0.number = "2025-0002"
        },
        Refused(
            "agreement.number_not_next", "a number is used once", by: "oem",
            before: {
                try Steps.issued($0)
                try $0.agreement(Steps.credit(11_900), by: "oem")
            }, Steps.invoice()),
        Refused(
            "agreement.final_issued", "nothing follows the final invoice", by: "oem",
            before: {
                try Steps.periodOver($0)
                try $0.agreement(Steps.invoice { $0.isFinal = true }, by: "oem")
                $0.advance(to: Steps.start + .days(63))
            }, Steps.invoice("2025-0002", Steps.days(30, 60), at: Steps.start + .days(63))),
        issuing(
            "agreement.other_interval", "it covers no part of a period", period: Steps.days(0, 10),
            after: Steps.periodOver),
        issuing(
            "agreement.other_interval", "from its beginning",
            period: Interval(from: Steps.days(0, 30).from + 1, to: Steps.days(0, 30).to),
            after: Steps.periodOver),
        issuing(
            "agreement.other_interval", "to its end",
            period: Interval(from: Steps.days(0, 30).from, to: Steps.days(0, 30).to - 1),
            after: Steps.periodOver),
        issuing(
            "agreement.other_interval", "and no more", period: Steps.days(0, 60),
            after: {
                try Steps.periodOver($0)
                $0.advance(to: Steps.start + .days(63))
            }),
        issuing(
            "agreement.too_many_gaps", "gaps have a bound",
            after: {
                try Steps.periodOver($0)
                try $0.change(AgreementRecord.self, Steps.id) {
                    $0.billed = (0..<64).map { Interval(from: $0 * 2, to: $0 * 2 + 1) }
                }
            }),
    ])
    func refusesToIssue(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    /// The same with other steps before.
    static func issuing(
        _ code: String, _ name: String, period: Interval = Steps.days(0, 30), after before: @escaping Before
    ) -> Refused { issuing(code, name, period: period, before: before) { _ in } }

    @Test(arguments: [
        Refused(
            "invoice.unknown", "there is an invoice", by: "customer", before: Steps.active, Steps.approve),
        Refused(
            "agreement.not_a_party", "the customer approves", by: "oem", before: Steps.issued, Steps.approve),
        Refused(
            "agreement.wrong_invoice_state", "it is approved once", by: "customer", before: Steps.confirmed,
            Steps.approve),
        Refused(
            "agreement.not_a_party", "the customer disputes", by: "customer2", before: Steps.issued,
            Steps.dispute()),
        Refused(
            "agreement.wrong_invoice_state", "what is approved is not disputed", by: "customer",
            before: Steps.confirmed, Steps.dispute()),
        Refused(
            "agreement.wrong_invoice_state", "a window that closed confirms", by: "customer",
            before: {
                try Steps.issued($0)
                $0.advance(by: .days(7))
            }, Steps.dispute()),
        Refused(
            "agreement.dispute_window_closed", "a window closes at its moment", by: "customer",
            before: {
                try Steps.issued($0)
                try $0.change(InvoiceRecord.self, Steps.reference) {
                    $0.disputeUntil = Steps.start + .days(30)
                }
            }, Steps.dispute()),
        Refused(
            "agreement.amount_out_of_range", "something is disputed", by: "customer", before: Steps.issued,
            Steps.dispute(undisputed: 11_900)),
        Refused(
            "agreement.amount_out_of_range", "what is undisputed is not negative", by: "customer",
            before: Steps.issued, Steps.dispute(undisputed: -1)),
        Refused(
            "agreement.cid_malformed", "the recomputed invoice is the proof", by: "customer",
            before: Steps.issued,
            .dispute(
                .init(
                    invoice: Steps.reference,
                    recomputed: .init(
                        cid: "", digest: SHA256.digest([]), size: 1, mediaType: "text/plain", name: "x"),
                    undisputed: .zero))),
        Refused(
            "agreement.not_a_party", "the arbiter rules", by: "customer", before: Steps.disputed,
            Steps.rule()),
        Refused(
            "agreement.role_required", "an arbiter still has the role", by: "arbiter",
            before: {
                try Steps.disputed($0)
                try $0.change(MemberRecord.self, MemberID("arbiter")!) { $0.roles = [.auditor] }
            }, Steps.rule()),
        Refused(
            "agreement.wrong_invoice_state", "only disputes are ruled on", by: "arbiter",
            before: Steps.issued,
            Steps.rule()),
        Refused(
            "agreement.amount_out_of_range", "a ruling is at most all", by: "arbiter", before: Steps.disputed,
            Steps.rule(11_901)),
        Refused(
            "agreement.amount_out_of_range", "a ruling is at least nothing", by: "arbiter",
            before: Steps.disputed, Steps.rule(-1)),
    ])
    func refusesToApproveDisputeOrRule(_ refused: Refused) throws { try refused.checkWithDeadlines() }

    @Test(arguments: [
        Refused(
            "agreement.not_a_party", "the OEM credits", by: "customer", before: Steps.issued,
            Steps.credit(1)),
        Refused(
            "agreement.amount_out_of_range", "a credit is something", by: "oem", before: Steps.issued,
            Steps.credit(0)),
        Refused(
            "agreement.amount_out_of_range", "a credit is at most what is payable", by: "oem",
            before: Steps.issued, Steps.credit(11_901)),
        Refused(
            "agreement.no_ruling", "a ruling is documented once there is one", by: "oem",
            before: Steps.disputed, Steps.credit(1, .ruling)),
        Refused(
            "agreement.amount_out_of_range", "no more is documented than ruled", by: "oem",
            before: Steps.adjusted, Steps.credit(3_901, .ruling)),
        Refused(
            "agreement.number_not_next", "credit notes are numbered too", by: "oem", before: Steps.issued,
            Steps.credit(1, number: "CN-0002")),
        Refused(
            "agreement.text_too_short", "a credit has a reason", by: "oem", before: Steps.issued,
            .creditNote(
                .init(
                    number: "CN-0001", invoice: Steps.reference, ground: .correction, amount: MinorUnits(1),
                    reason: "", document: ContractHarness.document("x")))),
        Refused(
            "agreement.not_a_party", "the parties pay", by: "arbiter", before: Steps.confirmed, Steps.pay(1)),
        Refused(
            "agreement.amount_out_of_range", "a payment is something", by: "customer",
            before: Steps.confirmed,
            Steps.pay(0)),
        Refused(
            "agreement.amount_out_of_range", "no more is paid than owed", by: "customer",
            before: Steps.confirmed, Steps.pay(11_901)),
        Refused(
            "agreement.amount_out_of_range", "payments on their way count", by: "customer",
            before: {
                try Steps.confirmed($0)
                try $0.agreement(Steps.pay(10_000, "A"), by: "customer")
            }, Steps.pay(1_901)),
        Refused(
            "agreement.amount_out_of_range", "the OEM pays back only what it owes", by: "oem",
            before: Steps.confirmed, Steps.pay(1)),
        Refused(
            "agreement.text_too_short", "a payment has a reference", by: "customer", before: Steps.confirmed,
            Steps.pay(1, "")),
        Refused(
            "agreement.payment_exists", "a confirmed payment stays", by: "customer",
            before: {
                try Steps.confirmed($0)
                try $0.agreement(Steps.pay(1), by: "customer")
                try $0.agreement(Steps.confirm(1), by: "oem")
            }, Steps.pay(2)),
        Refused(
            "agreement.too_many_payments", "payments have a bound", by: "customer",
            before: { harness in
                try Steps.confirmed(harness)
                for index in 0..<64 { try harness.agreement(Steps.pay(1, "part \(index)"), by: "customer") }
            }, Steps.pay(1)),
        Refused(
            "agreement.no_payment", "a payment was marked", by: "oem", before: Steps.confirmed,
            Steps.confirm(1)),
        Refused(
            "agreement.not_a_party", "the payer does not confirm", by: "customer",
            before: {
                try Steps.confirmed($0)
                try $0.agreement(Steps.pay(100), by: "customer")
            }, Steps.confirm(100)),
        Refused(
            "agreement.amount_out_of_range", "no more arrives than was sent", by: "oem",
            before: {
                try Steps.confirmed($0)
                try $0.agreement(Steps.pay(100), by: "customer")
            }, Steps.confirm(101)),
    ])
    func refusesToCreditOrPay(_ refused: Refused) throws { try refused.checkWithDeadlines() }
}

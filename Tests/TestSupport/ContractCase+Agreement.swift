import Billing
import Codec
import Contracts
import Cryptography
import Ledger

extension ContractCase {
    private typealias Contract = AgreementContract
    private static let oem: Set<String> = ["oem", "delegate"]
    private static let customer: Set<String> = ["customer", "delegate"]
    private static let parties: Set<String> = ["customer", "oem", "delegate"]
    private static let rent = AgreementID("rent")!
    private static let reference = InvoiceID(issuer: MemberID("oem")!, number: "2025-0001")

    static let agreement: [ContractCase] = [
        .init(Contract.self, "propose", propose, by: "oem", allowed: parties),
        .init(Contract.self, "accept", accept, by: "customer", allowed: customer, prepare: proposed),
        .init(
            Contract.self, "amend", .amend(.init(agreement: rent, terms: terms("terms 2", from: 60))),
            by: "oem", allowed: parties, prepare: active),
        .init(
            Contract.self, "withdraw", .withdraw(.init(agreement: rent)), by: "oem", allowed: oem,
            prepare: proposed),
        .init(
            Contract.self, "classify",
            .classify(.init(agreement: rent, interval: days(2, 3), attribution: .material)), by: "customer",
            allowed: parties,
            prepare: { stage in
                try active(&stage)
                try stage.advance(to: Stage.start + .days(3))
            }),
        .init(
            Contract.self, "concludeClassification",
            .concludeClassification(.init(agreement: rent, until: days(0, 30).to)), by: "customer",
            allowed: parties, prepare: periodOver),
        .init(Contract.self, "issueInvoice", invoice, by: "oem", allowed: oem, prepare: periodOver),
        .init(
            Contract.self, "approve", .approve(.init(invoice: reference)), by: "customer", allowed: customer,
            prepare: issued),
        .init(Contract.self, "dispute", dispute, by: "customer", allowed: customer, prepare: issued),
        .init(
            Contract.self, "rule",
            .rule(
                .init(invoice: reference, payable: MinorUnits(8_000), reasons: Stage.document("ruling"))),
            by: "arbiter", allowed: ["arbiter", "delegate"],
            prepare: { stage in
                try issued(&stage)
                try stage.step(Contract.self, dispute, by: "customer")
            }),
        .init(
            Contract.self, "creditNote",
            .creditNote(
                .init(
                    number: "CN-0001", invoice: reference, ground: .correction, amount: MinorUnits(900),
                    reason: "wrong count", document: Stage.document("credit"))),
            by: "oem", allowed: oem, prepare: issued),
        // An OEM marks what it pays back, and here it owes nothing.
        .init(
            Contract.self, "markPaid", pay, by: "customer", allowed: customer,
            ownCodes: ["agreement.amount_out_of_range"], prepare: issued),
        .init(
            Contract.self, "confirmPayment",
            .confirmPayment(.init(invoice: reference, reference: "SEPA 1", amount: MinorUnits(11_900))),
            by: "oem", allowed: oem,
            prepare: { stage in
                try issued(&stage)
                try stage.step(Contract.self, pay, by: "customer")
            }),
    ]

    private static func terms(_ name: String, from day: Int64) -> AgreedTerms {
        AgreedTerms(
            document: Stage.document(name), arbiter: MemberID("arbiter")!, currency: .euro,
            validFrom: Stage.start + .days(day), validTo: Stage.start + .days(365),
            periodEnds: (day / 30 + 1...12).map { days(0, 30 * $0).to }, minimumDisputeWindow: .days(5),
            paymentDays: 14, classificationWindow: .days(3))
    }

    private static func days(_ from: Int64, _ to: Int64) -> Interval {
        let day: Int64 = 86_400_000
        return Interval(
            from: Stage.start.milliseconds + from * day, to: Stage.start.milliseconds + to * day)
    }

    private static let propose = Contract.Action.propose(
        .init(agreement: rent, machine: press, terms: terms("terms", from: 0)))
    private static let accept = Contract.Action.accept(
        .init(agreement: rent, number: 1, termsHash: Stage.document("terms").digest))
    private static let invoice = Contract.Action.issueInvoice(
        .init(
            agreement: rent, number: "2025-0001", document: Stage.document("invoice"),
            evidence: .init(
                telemetryRoot: SHA256.digest([1]), termsHash: Stage.document("terms").digest,
                attributionRoot: SHA256.digest([2]), rulesVersion: 1),
            period: days(0, 30), currency: .euro, net: MinorUnits(10_000), tax: MinorUnits(1_900),
            gross: MinorUnits(11_900), disputeUntil: Stage.start + .days(40),
            dueDate: Stage.start + .days(50)))
    private static let dispute = Contract.Action.dispute(
        .init(
            invoice: reference, recomputed: Stage.document("recomputed"), undisputed: MinorUnits(5_000)))
    private static let pay = Contract.Action.markPaid(
        .init(
            invoice: reference, reference: "SEPA 1", amount: MinorUnits(11_900),
            date: CivilDate(year: 2025, month: 2, day: 3)!))

    @Sendable private static func proposed(_ stage: inout Stage) throws {
        try stage.step(Contract.self, propose, by: "oem")
    }

    @Sendable private static func active(_ stage: inout Stage) throws {
        try proposed(&stage)
        try stage.step(Contract.self, accept, by: "customer")
    }

    @Sendable private static func periodOver(_ stage: inout Stage) throws {
        try active(&stage)
        // The window for classifying the first period is over, too.
        try stage.advance(to: Stage.start + .days(33))
    }

    @Sendable private static func issued(_ stage: inout Stage) throws {
        try periodOver(&stage)
        try stage.step(Contract.self, invoice, by: "oem")
    }
}

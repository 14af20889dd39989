import Billing
import Codec
import Contracts
import Cryptography
import Testing

@testable import Ledger

extension Refusal {
    /// As `check`, with the contract's own deadlines carried out in the steps before.
    func checkWithDeadlines() throws {
        let harness = try ContractHarness(C.self)
        try before(harness)
        let rows = harness.rows
        #expect(try harness.rejection(C.self, action, as: signer.signer(in: harness)) == code)
        let isUnchanged = harness.rows == rows
        #expect(isUnchanged)
    }
}

extension ContractHarness {
    /// Puts a record as it could have come about, past the contracts.
    func plant(_ record: some Record) throws {
        try context().put(record)
        state.keep()
    }

    /// Changes a record, past the contracts.
    func change<R: Record>(_ type: R.Type, _ id: R.ID, _ body: (inout R) -> Void) throws {
        var record = try existing(type, id)
        body(&record)
        try plant(record)
    }

    func agreement(_ action: AgreementContract.Action, by name: String) throws {
        try run(AgreementContract.self, action, as: member(name))
    }

    func agreement(_ id: String = "rent") throws -> AgreementRecord {
        try existing(AgreementRecord.self, AgreementID(id)!)
    }

    func terms(_ number: Int64, of agreement: String = "rent") throws -> TermsRecord {
        try existing(TermsRecord.self, .init(agreement: AgreementID(agreement)!, number: number))
    }

    func invoice(_ number: String = "2025-0001") throws -> InvoiceRecord {
        try existing(InvoiceRecord.self, InvoiceID(issuer: MemberID("oem")!, number: number))
    }

    func isSettled(_ machine: String = "press-7") throws -> Bool {
        try AgreementContract.isSettled(MachineID(machine)!, in: context())
    }
}

/// Ready-made actions on the agreement `rent` for the machine `press-7`, and the ways to its states.
///
/// The terms run for a year from the consortium's founding, with periods of 30 days: disputes within
/// 5 days, payment within 14, classification within 3, and a ruling within 20.
enum AgreementSteps {
    typealias Contract = AgreementContract
    static let id = AgreementID("rent")!
    static let press = MachineID("press-7")!
    static let start = ContractHarness.start
    static let day: Int64 = 86_400_000
    static let reference = InvoiceID(issuer: MemberID("oem")!, number: "2025-0001")

    static func terms(_ name: String = "terms") -> AgreedTerms {
        AgreedTerms(
            document: ContractHarness.document(name), arbiter: MemberID("arbiter")!, currency: .euro,
            validFrom: start, validTo: start + .days(365), periodEnds: ends(1, through: 11),
            minimumDisputeWindow: .days(5), paymentDays: 14, classificationWindow: .days(3),
            rulingWindow: .days(20))
    }

    /// The ends of periods, counted from 1.
    static func ends(_ first: Int64, through last: Int64) -> [Int64] {
        (first...last).map { start.milliseconds + 30 * $0 * day }
    }

    static func propose(
        _ agreement: AgreementID = id, _ change: (inout AgreedTerms) -> Void = { _ in }
    ) -> Contract.Action {
        var terms = terms()
        change(&terms)
        return .propose(.init(agreement: agreement, machine: press, terms: terms))
    }

    static func amend(_ change: (inout AgreedTerms) -> Void = { _ in }) -> Contract.Action {
        var terms = terms("terms 2")
        terms.validFrom = start + .days(60)
        terms.periodEnds = ends(3, through: 11)
        change(&terms)
        return .amend(.init(agreement: id, terms: terms))
    }

    static func accept(
        _ number: Int64 = 1, _ name: String = "terms", agreement: AgreementID = id
    ) -> Contract.Action {
        .accept(
            .init(agreement: agreement, number: number, termsHash: ContractHarness.document(name).digest))
    }

    /// Days since the start, half-open.
    static func days(_ from: Int64, _ to: Int64) -> Interval {
        Interval(from: start.milliseconds + from * day, to: start.milliseconds + to * day)
    }

    static func classify(
        _ interval: Interval = days(2, 3), _ attribution: Attribution? = .material
    ) -> Contract.Action {
        .classify(.init(agreement: id, interval: interval, attribution: attribution))
    }

    /// That all is said up to the end of the period with that number, from 1.
    static func conclude(_ period: Int64 = 1) -> Contract.Action {
        .concludeClassification(.init(agreement: id, until: ends(period, through: period)[0]))
    }

    /// An invoice of 119.00 for a period, issued at day 30 unless changed.
    static func invoice(
        _ number: String = "2025-0001", _ period: Interval = days(0, 30),
        at now: Timestamp = start + .days(30),
        _ change: (inout Contract.IssueInvoice) -> Void = { _ in }
    ) -> Contract.Action {
        var body = Contract.IssueInvoice(
            agreement: id, number: number, document: ContractHarness.document(number),
            evidence: .init(
                telemetryRoot: SHA256.digest([1]), termsHash: terms().hash,
                attributionRoot: SHA256.digest([2]), rulesVersion: 1),
            period: period, currency: .euro, net: MinorUnits(10_000), tax: MinorUnits(1_900),
            gross: MinorUnits(11_900), disputeUntil: now + .days(7), dueDate: now + .days(14))
        change(&body)
        return .issueInvoice(body)
    }

    static func dispute(undisputed: Int64 = 5_000) -> Contract.Action {
        .dispute(
            .init(
                invoice: reference, recomputed: ContractHarness.document("recomputed"),
                undisputed: MinorUnits(undisputed)))
    }

    static func rule(_ payable: Int64 = 8_000) -> Contract.Action {
        .rule(
            .init(
                invoice: reference, payable: MinorUnits(payable), reasons: ContractHarness.document("ruling")
            ))
    }

    static func credit(
        _ amount: Int64, _ ground: CreditNoteRecord.Ground = .correction, number: String = "CN-0001"
    ) -> Contract.Action {
        .creditNote(
            .init(
                number: number, invoice: reference, ground: ground, amount: MinorUnits(amount),
                reason: "wrong count", document: ContractHarness.document(number)))
    }

    static func pay(_ amount: Int64, _ name: String = "SEPA 1") -> Contract.Action {
        .markPaid(
            .init(
                invoice: reference, reference: name, amount: MinorUnits(amount),
                date: CivilDate(year: 2025, month: 2, day: 3)!))
    }

    static func confirm(_ amount: Int64, _ name: String = "SEPA 1") -> Contract.Action {
        .confirmPayment(.init(invoice: reference, reference: name, amount: MinorUnits(amount)))
    }

    static let approve = Contract.Action.approve(.init(invoice: reference))

    // MARK: States

    @Sendable static func machine(_ harness: ContractHarness) throws {
        try harness.acceptedMachine("press-7")
    }

    @Sendable static func proposed(_ harness: ContractHarness) throws {
        try machine(harness)
        try harness.agreement(propose(), by: "oem")
    }

    @Sendable static func active(_ harness: ContractHarness) throws {
        try proposed(harness)
        try harness.agreement(accept(), by: "customer")
    }

    @Sendable static func amending(_ harness: ContractHarness) throws {
        try active(harness)
        try harness.agreement(amend(), by: "customer")
    }

    @Sendable static func concluded(_ harness: ContractHarness) throws {
        for party in ["oem", "customer"] { try harness.agreement(conclude(), by: party) }
    }

    /// Ten days of the first period are over.
    @Sendable static func running(_ harness: ContractHarness) throws {
        try active(harness)
        harness.advance(to: start + .days(10))
    }

    /// The first period is over, and neither party has anything to classify.
    @Sendable static func periodOver(_ harness: ContractHarness) throws {
        try active(harness)
        harness.advance(to: start + .days(30))
        try concluded(harness)
    }

    @Sendable static func issued(_ harness: ContractHarness) throws {
        try periodOver(harness)
        try harness.agreement(invoice(), by: "oem")
    }

    @Sendable static func disputed(_ harness: ContractHarness) throws {
        try issued(harness)
        try harness.agreement(dispute(), by: "customer")
    }

    @Sendable static func adjusted(_ harness: ContractHarness) throws {
        try disputed(harness)
        try harness.agreement(rule(), by: "arbiter")
    }

    @Sendable static func confirmed(_ harness: ContractHarness) throws {
        try issued(harness)
        try harness.agreement(approve, by: "customer")
    }

    @Sendable static func paid(_ harness: ContractHarness) throws {
        try confirmed(harness)
        try harness.agreement(pay(11_900), by: "customer")
        try harness.agreement(confirm(11_900), by: "oem")
    }
}

import Billing
import Codec
import Contracts
import Cryptography
import Ledger
import Testing

extension ContractHarness {
    func maintenance(_ action: MaintenanceContract.Action, by name: String) throws {
        try run(MaintenanceContract.self, action, as: member(name))
    }

    func ticket(_ id: String = "t-1") throws -> TicketRecord {
        try existing(TicketRecord.self, TicketID(id)!)
    }

    func bid(_ maintainer: String) throws -> BidRecord? {
        try get(BidRecord.self, .init(ticket: MaintenanceSteps.id, maintainer: MemberID(maintainer)!))
    }

    func statistics(_ maintainer: String) throws -> MaintainerStatistics {
        try MaintenanceContract.statistics(of: MemberID(maintainer)!, context())
    }
}

/// Ready-made actions on the ticket `t-1` of the machine `press-7`, and the ways to its states.
///
/// Bids are taken for an hour, the grace window is five seconds, and `m1` and `m2` are accredited.
enum MaintenanceSteps {
    typealias Contract = MaintenanceContract
    typealias Before = @Sendable (ContractHarness) throws -> Void
    static let id = TicketID("t-1")!
    static let start = ContractHarness.start
    static let grace = Span.seconds(5)

    static func open(
        _ policy: SelectionPolicy = .firstComeFirstServed, _ ticket: TicketID = id,
        _ change: (inout Contract.Open) -> Void = { _ in }
    ) -> Contract.Action {
        var body = Contract.Open(
            ticket: ticket, machine: MachineID("press-7")!, kind: .correctiveImmediate, priority: 1,
            faultCode: "E-17", failureMode: .failsToStart, description: "It does not start.", policy: policy,
            biddingSpan: .hours(1), currency: .euro, respondWithin: .hours(4), resolveWithin: .hours(24))
        change(&body)
        return .open(body)
    }

    static func best(minimum: Int64? = nil, _ weights: ScoreWeights = .standard) -> SelectionPolicy {
        .bestScore(.init(weights: weights, minimumBids: minimum))
    }

    static func offer(_ amount: Int64 = 50_000, _ change: (inout Offer) -> Void = { _ in }) -> Offer {
        var offer = Offer(
            price: .fixed(MinorUnits(amount)), currency: .euro, earliestArrival: start + .hours(3),
            durationMinutes: 120, warrantyDays: 90, expires: start + .days(2))
        change(&offer)
        return offer
    }

    static func bid(
        _ amount: Int64 = 50_000, _ change: (inout Offer) -> Void = { _ in }
    ) -> Contract.Action { .bid(.init(ticket: id, content: .offer(offer(amount, change)))) }

    static let salt = Bytes(Array(repeating: 7, count: 16))

    static func seal(_ amount: Int64, by maintainer: String) throws -> Contract.Action {
        let commitment = try Contract.commitment(
            to: offer(amount), salt: salt, ticket: id, maintainer: MemberID(maintainer)!, hash: SHA256.hash)
        return .bid(.init(ticket: id, content: .sealed(commitment)))
    }

    static func reveal(_ amount: Int64, salt: Bytes = salt) -> Contract.Action {
        .reveal(.init(ticket: id, offer: offer(amount), salt: salt))
    }

    static func award(_ maintainer: String = "m1") -> Contract.Action {
        .award(.init(ticket: id, maintainer: MemberID(maintainer)!))
    }

    static func hold(_ reason: HoldReason) -> Contract.Action { .hold(.init(ticket: id, reason: reason)) }

    static func report(
        _ amount: Int64 = 50_000, _ change: (inout RepairReport) -> Void = { _ in }
    ) -> Contract.Action {
        var report = RepairReport(
            failureMode: .failsToStart, mechanism: .electrical, cause: .operation,
            detection: .productionInterference, activity: .replace,
            parts: [.init(number: "LC-PSU-24", quantity: 1)], downtimeMilliseconds: 7_200_000,
            amount: MinorUnits(amount), documents: [ContractHarness.document("report")])
        change(&report)
        return .complete(.init(ticket: id, report: report))
    }

    static func verify(
        upAfter span: Span = .hours(5), anchor: UInt64 = 1, sequence: UInt64 = 50
    ) -> Contract.Action {
        .verify(
            .init(
                ticket: id,
                evidence: .init(
                    anchor: anchor, sequence: sequence, upSince: (start + span).milliseconds)))
    }

    static let only = Contract.TicketOnly(ticket: id)
    static let reason = Contract.TicketReason(ticket: id, reason: "as we agreed")
    static let pay = Contract.Action.markPaid(
        .init(ticket: id, reference: "SEPA 9", date: CivilDate(year: 2025, month: 1, day: 9)!))
    static let confirm = Contract.Action.confirmPayment(.init(ticket: id))

    // MARK: States

    @Sendable static func machine(_ harness: ContractHarness) throws {
        try harness.acceptedMachine("press-7")
        for maintainer in ["m1", "m2"] { try harness.accredit(maintainer) }
    }

    static func opened(
        _ policy: SelectionPolicy, _ change: @escaping @Sendable (inout Contract.Open) -> Void = { _ in }
    ) -> Before {
        { harness in
            try machine(harness)
            try harness.maintenance(open(policy, id, change), by: "customer")
        }
    }

    static let open: Before = opened(.firstComeFirstServed)
    static let choice: Before = opened(.customersChoice)
    static let sealed: Before = opened(best()) { $0.revealWindow = .hours(1) }

    @Sendable static func awarded(_ harness: ContractHarness) throws {
        try open(harness)
        try harness.maintenance(bid(), by: "m1")
        harness.advance(by: grace)
    }

    /// Work starts three hours after the report, as promised.
    @Sendable static func inProgress(_ harness: ContractHarness) throws {
        try awarded(harness)
        harness.advance(to: start + .hours(3))
        try harness.maintenance(.startWork(only), by: "m1")
    }

    /// Work ends six hours after the report; the machine's telemetry is anchored until then.
    @Sendable static func workDone(_ harness: ContractHarness) throws {
        try inProgress(harness)
        harness.advance(to: start + .hours(6))
        try harness.maintenance(report(), by: "m1")
        try harness.plant(
            AnchorRecord(
                id: .init(machine: MachineID("press-7")!, number: 1), first: 1, last: 100,
                fromMilliseconds: start.milliseconds, toMilliseconds: (start + .hours(6)).milliseconds,
                count: 100, cid: ContractHarness.document("batch").cid, cipherDigest: .zero, root: .zero,
                device: ContractHarness.keyID("press-7.device"), previous: nil, anchored: harness.now))
    }

    @Sendable static func verified(_ harness: ContractHarness) throws {
        try workDone(harness)
        try harness.maintenance(verify(), by: "customer")
    }

    @Sendable static func closed(_ harness: ContractHarness) throws {
        try verified(harness)
        try harness.maintenance(.close(only), by: "customer")
    }
}

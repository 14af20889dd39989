import Billing
import Codec
import Contracts
import Cryptography
import Ledger

extension ContractCase {
    private typealias Contract = MaintenanceContract
    private static let customer: Set<String> = ["customer", "delegate"]
    private static let first: Set<String> = ["m1", "delegate"]
    private static let id = TicketID("t-1")!
    private static let only = Contract.TicketOnly(ticket: id)
    private static let reason = Contract.TicketReason(ticket: id, reason: "as we agreed")
    /// A maintainer has no bid of its own here.
    private static let noBid = ["bid.unknown"]

    static let maintenance: [ContractCase] = [
        .init(
            Contract.self, "open", open(.correctiveImmediate), by: "customer",
            allowed: customer, ownCodes: ["maintenance.not_preventive"]),
        .init(
            Contract.self, "open", open(.predetermined), by: "oem",
            allowed: ["oem", "delegate", "customer"]),
        .init(
            Contract.self, "report",
            .report(
                .init(
                    ticket: id, machine: press, kind: .correctiveImmediate, priority: 1, faultCode: "E-17")),
            by: "customer", allowed: customer.union(["device"])),
        .init(
            Contract.self, "bid", bid, by: "m1", allowed: ["m1", "m2", "delegate"], prepare: opened()),
        .init(
            Contract.self, "reveal", .reveal(.init(ticket: id, offer: offer, salt: salt)), by: "m1",
            allowed: first, ownCodes: noBid,
            prepare: { stage in
                try opened(revealing: .hours(1))(&stage)
                let commitment = try Contract.commitment(
                    to: offer, salt: salt, ticket: id, maintainer: MemberID("m1")!, hash: SHA256.hash)
                try stage.step(
                    Contract.self, .bid(.init(ticket: id, content: .sealed(commitment))), by: "m1")
                try stage.advance(to: Stage.start + .minutes(62))
            }),
        .init(
            Contract.self, "withdrawBid", .withdrawBid(only), by: "m1", allowed: first, ownCodes: noBid,
            prepare: bidden),
        .init(
            Contract.self, "award", .award(.init(ticket: id, maintainer: MemberID("m1")!)), by: "customer",
            allowed: customer, prepare: bidden),
        .init(
            Contract.self, "startWork", .startWork(only), by: "m1", allowed: first, prepare: awarded),
        .init(
            Contract.self, "hold", .hold(.init(ticket: id, reason: .customerAccess)), by: "m1",
            allowed: first, ownCodes: ["maintenance.hold_reason"], prepare: inProgress),
        .init(
            Contract.self, "hold", .hold(.init(ticket: id, reason: .customerApprovedDelay)), by: "customer",
            allowed: customer, ownCodes: ["maintenance.hold_reason"], prepare: inProgress),
        .init(
            Contract.self, "resume", .resume(only), by: "m1", allowed: first.union(["customer"]),
            prepare: { stage in
                try inProgress(&stage)
                try stage.step(
                    Contract.self, .hold(.init(ticket: id, reason: .customerAccess)), by: "m1")
            }),
        .init(Contract.self, "complete", complete, by: "m1", allowed: first, prepare: inProgress),
        .init(Contract.self, "verify", verify, by: "customer", allowed: customer, prepare: workDone),
        .init(Contract.self, "close", .close(only), by: "customer", allowed: customer, prepare: verified),
        .init(Contract.self, "rework", .rework(reason), by: "customer", allowed: customer, prepare: workDone),
        .init(
            Contract.self, "reject", .reject(reason), by: "customer", allowed: customer, prepare: opened()),
        .init(
            Contract.self, "cancel", .cancel(reason), by: "customer", allowed: customer, prepare: opened()),
        .init(Contract.self, "markPaid", pay, by: "customer", allowed: customer, prepare: closed),
        .init(
            Contract.self, "confirmPayment", .confirmPayment(.init(ticket: id)), by: "m1", allowed: first,
            prepare: { stage in
                try closed(&stage)
                try stage.step(Contract.self, pay, by: "customer")
            }),
    ]

    private static func open(
        _ kind: TicketRecord.Kind, revealing window: Span? = nil
    ) -> Contract.Action {
        .open(
            .init(
                ticket: id, machine: press, kind: kind, priority: 1, faultCode: "E-17",
                failureMode: .failsToStart, description: "It does not start.",
                policy: window == nil
                    ? .customersChoice : .bestScore(.init(weights: .standard, minimumBids: nil)),
                biddingSpan: .hours(1), revealWindow: window, currency: .euro, respondWithin: .hours(4),
                resolveWithin: .hours(24)))
    }

    private static let salt = Bytes(Array(repeating: 7, count: 16))
    private static let offer = Offer(
        price: .fixed(MinorUnits(50_000)), currency: .euro, earliestArrival: Stage.start + .hours(3),
        durationMinutes: 120, warrantyDays: 90, expires: Stage.start + .days(2))
    private static let bid = Contract.Action.bid(.init(ticket: id, content: .offer(offer)))
    private static let complete = Contract.Action.complete(
        .init(
            ticket: id,
            report: RepairReport(
                failureMode: .failsToStart, mechanism: .electrical, cause: .operation,
                detection: .productionInterference, activity: .replace,
                parts: [.init(number: "LC-PSU-24", quantity: 1)], downtimeMilliseconds: 7_200_000,
                amount: MinorUnits(50_000), documents: [Stage.document("report")])))
    private static let verify = Contract.Action.verify(
        .init(
            ticket: id,
            evidence: .init(
                anchor: 1, sequence: 50, upSince: (Stage.start + .hours(5)).milliseconds)))
    private static let pay = Contract.Action.markPaid(
        .init(ticket: id, reference: "SEPA 9", date: CivilDate(year: 2025, month: 1, day: 9)!))

    private static func opened(revealing window: Span? = nil) -> Prepare {
        { stage in
            try stage.step(
                Contract.self, open(.correctiveImmediate, revealing: window), by: "customer")
        }
    }

    @Sendable private static func bidden(_ stage: inout Stage) throws {
        try opened()(&stage)
        try stage.step(Contract.self, bid, by: "m1")
    }

    @Sendable private static func awarded(_ stage: inout Stage) throws {
        try bidden(&stage)
        try stage.step(
            Contract.self, .award(.init(ticket: id, maintainer: MemberID("m1")!)), by: "customer")
    }

    @Sendable private static func inProgress(_ stage: inout Stage) throws {
        try awarded(&stage)
        try stage.advance(to: Stage.start + .hours(3))
        try stage.step(Contract.self, .startWork(only), by: "m1")
    }

    @Sendable private static func workDone(_ stage: inout Stage) throws {
        try inProgress(&stage)
        try stage.advance(to: Stage.start + .hours(6))
        try stage.step(Contract.self, complete, by: "m1")
        try stage.step(TelemetryContract.self, anchor(until: Stage.start + .hours(6)), by: "customer")
    }

    @Sendable private static func verified(_ stage: inout Stage) throws {
        try workDone(&stage)
        try stage.step(Contract.self, verify, by: "customer")
    }

    @Sendable private static func closed(_ stage: inout Stage) throws {
        try verified(&stage)
        try stage.step(Contract.self, .close(only), by: "customer")
    }
}

import Billing
import Codec
import Contracts
import Ledger
import Testing

/// What a machine may order by itself: its device names a fault, its customer's standing order the rest.
@Suite struct StandingOrderTests {
    typealias Steps = MaintenanceSteps
    static let press = MachineID("press-7")!

    let harness: ContractHarness

    init() throws {
        harness = try ContractHarness(MaintenanceContract.self)
        try Steps.machine(harness)
    }

    private func order(
        limit: Int64 = 60_000, ceiling: Int64 = 100_000, _ policy: SelectionPolicy = .firstComeFirstServed
    ) throws {
        let order = StandingOrder(
            policy: policy, currency: .euro, priceLimit: MinorUnits(limit), ceiling: MinorUnits(ceiling),
            acceptWithin: .days(2))
        try harness.machine(
            .setStandingOrder(.init(machine: Self.press, order: order)), as: harness.member("customer"))
    }

    static func fault(_ ticket: TicketID = Steps.id) -> MaintenanceContract.Action {
        .report(
            .init(
                ticket: ticket, machine: press, kind: .correctiveImmediate, priority: 1, faultCode: "E-17"))
    }

    private func report(_ ticket: TicketID = Steps.id) throws {
        try harness.run(MaintenanceContract.self, Self.fault(ticket), as: harness.device(of: "press-7"))
    }

    private var ordered: Int64? {
        get throws { try harness.existing(StandingOrderRecord.self, Self.press).awarded.rawValue }
    }

    @Test func aDeviceNamesTheFaultAndTheOrderTheRest() throws {
        try order()
        try report()
        let ticket = try harness.ticket()
        #expect(ticket.client.text == "customer" && ticket.isReported)
        #expect(ticket.openedBy == ContractHarness.keyID("press-7.device"))
        #expect(
            ticket.request.tender.policy == .firstComeFirstServed
                && ticket.request.tender.biddingSpan == .hours(1))
        #expect(ticket.request.tender.acceptWithin == .days(2) && ticket.request.tender.currency == .euro)
    }

    @Test func whatTheOrderCoversIsAwarded() throws {
        try order()
        try report()
        try harness.maintenance(Steps.bid(60_000), by: "m1")
        harness.advance(by: Steps.grace)
        #expect(try harness.ticket().award?.maintainer.text == "m1")
        #expect(try ordered == 60_000)
    }

    @Test func aDearBidWaitsForOneThatIsCoveredAndThenForTheCustomer() throws {
        try order()
        try report()
        try harness.maintenance(Steps.bid(60_001), by: "m1")
        harness.advance(by: .minutes(30))
        #expect(try harness.ticket().state == .openForBids)
        #expect(try !harness.ticket().waitsForConsent)
        let early = try harness.rejection(
            MaintenanceContract.self, Steps.award(), as: harness.member("customer"))
        #expect(early == "maintenance.not_your_choice")
        harness.advance(by: .hours(1))
        #expect(harness.events.last == "consentWanted")
        #expect(try harness.ticket().waitsForConsent)
        #expect(try harness.timers().isEmpty)
        try harness.maintenance(Steps.award(), by: "customer")
        #expect(try harness.ticket().award?.maintainer.text == "m1")
        #expect(try ordered == 0)
    }

    @Test func aLaterBidThatIsCoveredNeedsNoConsent() throws {
        try order()
        try report()
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(by: .minutes(30))
        try harness.maintenance(Steps.bid(59_000), by: "m2")
        harness.advance(by: Steps.grace)
        #expect(try harness.ticket().award?.maintainer.text == "m2")
    }

    @Test func anHourlyRateCountsWithItsLimit() throws {
        try order()
        try report()
        let rate = Offer.HourlyRate(perHour: MinorUnits(1), notToExceed: MinorUnits(60_001))
        try harness.maintenance(Steps.bid { $0.price = .rate(rate) }, by: "m1")
        harness.advance(by: .hours(2))
        #expect(try harness.ticket().waitsForConsent)
    }

    @Test func theCeilingHoldsOverAllTicketsUntilTheOrderIsGivenAnew() throws {
        try order()
        func repair(_ name: String) throws -> String? {
            let ticket = TicketID(name)!
            try report(ticket)
            let offer = Steps.offer(50_000) {
                ($0.earliestArrival, $0.expires) = (harness.now, Steps.start + .days(30))
            }
            try harness.maintenance(.bid(.init(ticket: ticket, content: .offer(offer))), by: "m1")
            harness.advance(by: .hours(2))
            return try harness.ticket(name).award?.maintainer.text
        }
        #expect(try repair("t-1") == "m1")
        #expect(try repair("t-2") == "m1")
        #expect(try ordered == 100_000)
        #expect(try repair("t-3") == nil)
        try order()
        #expect(try ordered == 0)
        #expect(try repair("t-4") == "m1")
    }

    @Test(arguments: [SelectionPolicy.bestScore(.init(weights: .standard)), .customersChoice])
    func withoutAnOrderEverythingWaitsForTheCustomer(policy: SelectionPolicy) throws {
        if policy == .customersChoice { try order(policy) }
        try report()
        #expect(try harness.ticket().request.tender.policy == policy)
        try harness.maintenance(Steps.bid(0), by: "m1")
        harness.advance(by: .hours(2))
        #expect(try harness.ticket().state == .openForBids)
        try harness.maintenance(Steps.award(), by: "customer")
        #expect(try harness.ticket().state == .awarded)
    }

    private func order(_ policy: SelectionPolicy) throws { try order(limit: 60_000, policy) }

    @Test func anOrderThatIsTakenBackCoversNothing() throws {
        try order()
        try report()
        try harness.maintenance(Steps.bid(), by: "m1")
        try harness.machine(.setStandingOrder(.init(machine: Self.press)), as: harness.member("customer"))
        harness.advance(by: .hours(2))
        #expect(try harness.ticket().waitsForConsent)
    }

    @Test func theOrderComesWithTheAcceptance() throws {
        let registration = ContractHarness.registration("press-8")
        try harness.machine(.register(registration), as: harness.member("oem"))
        let order = StandingOrder(currency: .euro, priceLimit: MinorUnits(1), ceiling: MinorUnits(2))
        try harness.machine(
            .accept(.init(machine: registration.machine, order: order)), as: harness.member("customer"))
        #expect(try harness.existing(StandingOrderRecord.self, registration.machine).order == order)
    }

    @Test func whatTheCustomerOpensItselfNeedsNoOrder() throws {
        try harness.maintenance(Steps.open(), by: "customer")
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(by: Steps.grace)
        #expect(try harness.ticket().award?.maintainer.text == "m1")
    }

    typealias Refused = Refusal<MachineContract>

    static func ordering(
        _ code: String, _ name: String, by signer: String = "customer",
        _ change: (inout StandingOrder) -> Void = { _ in },
        before: @escaping @Sendable (ContractHarness) throws -> Void = MachineSteps.accepted
    ) -> Refused {
        var order = StandingOrder(currency: .euro, priceLimit: MinorUnits(1), ceiling: MinorUnits(2))
        change(&order)
        return Refused(
            code, name, by: signer, before: before, .setStandingOrder(.init(machine: press, order: order)))
    }

    @Test(arguments: [
        ordering("machine.not_a_party", "the customer orders", by: "oem"),
        ordering("machine.wrong_state", "an accepted machine has an order", before: MachineSteps.registered),
        ordering("machine.number_out_of_range", "a limit is not negative") { $0.priceLimit = MinorUnits(-1) },
        ordering("machine.number_out_of_range", "a ceiling is bounded") {
            $0.ceiling = MinorUnits(1_000_000_000_000_001)
        },
        ordering("machine.number_out_of_range", "bidding takes a minute") {
            $0.tender.biddingSpan = .seconds(59)
        },
        ordering("machine.number_out_of_range", "silence takes an hour") {
            $0.tender.acceptWithin = .minutes(59)
        },
        ordering("machine.weights_invalid", "weights are the whole") {
            $0.tender.policy = .bestScore(
                .init(weights: .init(price: .whole, arrival: .whole, record: .zero)))
        },
    ]) func refusesAnOrder(_ refusal: Refused) throws { try refusal.check() }

    @Test func aDeviceOpensNoTicketWithTermsOfItsOwn() throws {
        #expect(!MachineContract.deviceScopes.contains("maintenance.open"))
        let opened = try harness.rejection(
            MaintenanceContract.self, Steps.open(), as: harness.device(of: "press-7"))
        #expect(opened == "maintenance.not_a_member_key")
    }
}

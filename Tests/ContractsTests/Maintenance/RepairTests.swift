import Billing
import Codec
import Contracts
import Ledger
import Testing

/// From the award to the payment.
@Suite struct RepairTests {
    typealias Steps = MaintenanceSteps

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(MaintenanceContract.self) }

    @Test func aRepairGoesFromAwardToPayment() throws {
        try Steps.closed(harness)
        let ticket = try harness.ticket()
        #expect(ticket.state == .closed && ticket.firstTimeFix == true && ticket.isOnTime)
        #expect(ticket.responseTime == .hours(3) && ticket.isResponseInTime == true)
        #expect(ticket.resolutionTime == .hours(5) && ticket.isResolutionInTime == true)
        try harness.maintenance(Steps.pay, by: "customer")
        #expect(try harness.ticket().payment?.amount == MinorUnits(50_000))
        try harness.maintenance(Steps.confirm, by: "m1")
        #expect(try harness.ticket().payment?.confirmed == harness.now)
        let statistics = try harness.statistics("m1")
        #expect(statistics.completed == 1 && statistics.firstTimeFixes == 1 && statistics.onTime == 1)
    }

    @Test func aPaymentThatDidNotArriveIsMarkedAgain() throws {
        try Steps.closed(harness)
        try harness.maintenance(Steps.pay, by: "customer")
        try harness.maintenance(.confirmPayment(.init(ticket: Steps.id, received: false)), by: "m1")
        #expect(try harness.ticket().payment == nil)
        try harness.maintenance(Steps.pay, by: "customer")
    }

    // MARK: Silence

    @Test(arguments: [true, false])
    func theCustomersSilenceAcceptsACompletedRepair(isVerified: Bool) throws {
        if isVerified { try Steps.verified(harness) } else { try Steps.workDone(harness) }
        let due = try #require(try harness.ticket().acceptanceDue)
        harness.advance(to: Timestamp(nanoseconds: due.nanoseconds - 1))
        #expect(try harness.ticket().state == (isVerified ? .verified : .workDone))
        harness.advance(to: due)
        let ticket = try harness.ticket()
        #expect(ticket.state == .closed && ticket.deemedAccepted == due && ticket.acceptanceDue == nil)
        #expect((ticket.evidence != nil) == isVerified)
        #expect(try harness.statistics("m1").completed == 1)
        // Payment follows as after any other end.
        try harness.maintenance(Steps.pay, by: "customer")
        try harness.maintenance(Steps.confirm, by: "m1")
    }

    @Test func aTicketSaysHowLongItsRepairWaits() throws {
        try Steps.workDone(harness)
        #expect(try harness.ticket().acceptanceDue == harness.now + .days(14))
        let other = try ContractHarness(MaintenanceContract.self)
        try Steps.inProgress(other)
        try other.change(TicketRecord.self, Steps.id) { $0.request.tender.acceptWithin = .hours(1) }
        try other.maintenance(Steps.report(), by: "m1")
        #expect(try other.ticket().acceptanceDue == other.now + .hours(1))
    }

    @Test func whatTheCustomerSaysInTimeHolds() throws {
        try Steps.closed(harness)
        #expect(try harness.ticket().deemedAccepted == nil)
        #expect(try !harness.timers().contains { $0.kind == "acceptance" })
        let other = try ContractHarness(MaintenanceContract.self)
        try Steps.workDone(other)
        let due = try #require(try other.ticket().acceptanceDue)
        other.advance(to: Timestamp(nanoseconds: due.nanoseconds - 1))
        try other.maintenance(.rework(.init(ticket: Steps.id, reason: "still hot")), by: "customer")
        other.advance(to: due + .days(1))
        #expect(try other.ticket().state == .reopened && other.ticket().acceptanceDue == nil)
    }

    @Test(arguments: HoldReason.allCases)
    func clocksPauseOnlyForTheThreeReasons(reason: HoldReason) throws {
        try Steps.awarded(harness)
        let name = reason == .customerApprovedDelay ? "customer" : "m1"
        harness.advance(to: Steps.start + .hours(1))
        try harness.maintenance(Steps.hold(reason), by: name)
        #expect(try harness.ticket().state == .onHold)
        harness.advance(to: Steps.start + .hours(3))
        try harness.maintenance(.resume(Steps.only), by: "m1")
        #expect(try harness.ticket().state == .awarded)
        harness.advance(to: Steps.start + .hours(5))
        try harness.maintenance(.startWork(Steps.only), by: "m1")
        let ticket = try harness.ticket()
        #expect(ticket.responseTime == (reason.pausesClocks ? .hours(3) : .hours(5)))
        #expect(ticket.isOnTime == reason.pausesClocks)
        #expect(ticket.isResponseInTime == reason.pausesClocks)
    }

    @Test func waitingForPartsMakesASecondVisit() throws {
        try Steps.inProgress(harness)
        try harness.maintenance(Steps.hold(.spareParts), by: "m1")
        try harness.maintenance(.resume(Steps.only), by: "m1")
        #expect(try harness.ticket().visits == 2)
        try harness.maintenance(Steps.hold(.customerAccess), by: "m1")
        try harness.maintenance(.resume(Steps.only), by: "customer")
        #expect(try harness.ticket().visits == 2 && harness.ticket().state == .inProgress)
    }

    @Test func reworkReopensAndIsCounted() throws {
        try Steps.verified(harness)
        try harness.maintenance(.rework(Steps.reason), by: "customer")
        #expect(try harness.ticket().state == .reopened && harness.ticket().evidence == nil)
        #expect(try harness.statistics("m1").reworks == 1)
        try harness.maintenance(.startWork(Steps.only), by: "m1")
        try harness.maintenance(Steps.report(), by: "m1")
        let old = try harness.rejection(
            MaintenanceContract.self, Steps.verify(), as: harness.member("customer"))
        #expect(old == "maintenance.evidence_out_of_time")
        try harness.maintenance(Steps.verify(upAfter: .hours(6)), by: "customer")
        try harness.maintenance(.close(Steps.only), by: "customer")
        #expect(try harness.ticket().firstTimeFix == false)
        #expect(try harness.statistics("m1").firstTimeFixes == 0)
    }

    // MARK: Ends

    private func rework() throws -> String? {
        try harness.rejection(
            MaintenanceContract.self, .rework(Steps.reason), as: harness.member("customer"))
    }

    @Test func aRepairIsSentBackThreeTimesAndThenSilenceCloses() throws {
        try Steps.workDone(harness)
        for _ in 1...3 {
            #expect(try rework() == nil)
            try harness.maintenance(.startWork(Steps.only), by: "m1")
            try harness.maintenance(Steps.report(), by: "m1")
        }
        #expect(try rework() == "maintenance.too_many_reworks")
        harness.advance(by: .days(14))
        #expect(try harness.ticket().state == .closed)
    }

    @Test func aBacklogOfDeadlinesGivesTheCustomerNoMoreTime() throws {
        try Steps.workDone(harness)
        let due = try #require(try harness.ticket().acceptanceDue)
        // As where the deadline has not had its turn yet.
        try harness.change(TicketRecord.self, Steps.id) { $0.acceptanceDue = harness.now }
        #expect(try rework() == "maintenance.accepted_by_silence")
        try harness.change(TicketRecord.self, Steps.id) { $0.acceptanceDue = due }
        #expect(try rework() == nil)
    }

    private func cancel() throws -> String? {
        try harness.rejection(
            MaintenanceContract.self, .cancel(Steps.reason), as: harness.member("customer"))
    }

    @Test func workThatIsLongOverdueIsCancelled() throws {
        try Steps.inProgress(harness)
        // Two hours were promised: a day at least.
        let due = harness.now + .days(1)
        #expect(try harness.ticket().workDue == due)
        #expect(try cancel() == "maintenance.not_overdue")
        harness.advance(to: Timestamp(nanoseconds: due.nanoseconds - 1))
        #expect(try cancel() == "maintenance.not_overdue")
        harness.advance(to: due)
        #expect(try cancel() == nil)
        #expect(try harness.ticket().state == .cancelled)
        #expect(try harness.statistics("m1").withdrawn == 1)
    }

    @Test func longWorkIsOverdueAfterTwiceItsTime() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid { $0.durationMinutes = 3 * 24 * 60 }, by: "m1")
        harness.advance(by: Steps.grace)
        try harness.maintenance(.startWork(Steps.only), by: "m1")
        #expect(try harness.ticket().workDue == harness.now + .days(6))
    }

    @Test(arguments: HoldReason.allCases)
    func aHoldThatStopsTheClocksPutsTheEndOff(reason: HoldReason) throws {
        try Steps.inProgress(harness)
        let due = harness.now + .days(1)
        try harness.maintenance(
            Steps.hold(reason), by: reason == .customerApprovedDelay ? "customer" : "m1")
        harness.advance(to: due)
        #expect(try cancel() == (reason.pausesClocks ? "maintenance.not_overdue" : nil))
        guard reason.pausesClocks else { return }
        try harness.maintenance(.resume(Steps.only), by: "customer")
        #expect(try harness.ticket().workDue == due + .days(1))
    }

    @Test func aMaintainersForceMajeureStopsTheClocksForTwoWeeksInAll() throws {
        let reason = HoldReason.forceMajeure
        try Steps.inProgress(harness)
        let due = harness.now + .days(1)
        for _ in 1...3 {
            try harness.maintenance(Steps.hold(reason), by: "m1")
            harness.advance(by: .days(4))
            try harness.maintenance(.resume(Steps.only), by: "m1")
        }
        #expect(try harness.ticket().workDue == due + .days(12))
        let elapsed = try harness.ticket().elapsed(until: harness.now)
        try harness.maintenance(Steps.hold(reason), by: "m1")
        // Two of these four days are left of the pause; a day is left for the work.
        let end = harness.now + .days(3)
        harness.advance(to: Timestamp(nanoseconds: end.nanoseconds - 1))
        #expect(try cancel() == "maintenance.not_overdue")
        harness.advance(to: end)
        let since = try harness.ticket().elapsed(until: end).nanoseconds - elapsed.nanoseconds
        #expect(since == Span.days(1).nanoseconds)
        #expect(try cancel() == nil)
        #expect(try harness.statistics("m1").withdrawn == 1)
    }

    /// A customer that keeps the maintainer out cannot have its repair cancelled for that: it ends the hold.
    @Test func aShutGateStopsTheClocksUntilTheCustomerEndsTheHold() throws {
        try Steps.inProgress(harness)
        let due = harness.now + .days(1)
        try harness.maintenance(Steps.hold(.customerAccess), by: "m1")
        harness.advance(by: .days(40))
        #expect(try cancel() == "maintenance.not_overdue")
        try harness.maintenance(.resume(Steps.only), by: "customer")
        #expect(try harness.ticket().workDue == due + .days(40))
    }

    /// What the customer has approved it cannot hold against anybody.
    @Test func theCustomersWordStopsTheClocksAsLongAsItLikes() throws {
        try Steps.inProgress(harness)
        let due = harness.now + .days(1)
        try harness.maintenance(Steps.hold(.forceMajeure), by: "m1")
        harness.advance(by: .days(20))
        try harness.maintenance(.resume(Steps.only), by: "m1")
        #expect(try harness.ticket().workDue == due + .days(14))
        try harness.maintenance(Steps.hold(.customerApprovedDelay), by: "customer")
        harness.advance(by: .days(40))
        try harness.maintenance(.resume(Steps.only), by: "m1")
        #expect(try harness.ticket().workDue == due + .days(54))
    }

    @Test func aHoldBeforeTheWorkKeepsAnAwardForTwoWeeks() throws {
        try Steps.awarded(harness)
        let award = try #require(try harness.ticket().award)
        try harness.maintenance(Steps.hold(.forceMajeure), by: "m1")
        let other = try RepairTests()
        try Steps.awarded(other.harness)
        try other.harness.maintenance(Steps.hold(.forceMajeure), by: "m1")
        let due = max(award.offer.earliestArrival, award.time) + .days(15)
        harness.advance(to: due)
        #expect(try cancel() == nil)
        #expect(try harness.statistics("m1").withdrawn == 0)
        other.harness.advance(to: due + .seconds(1))
        #expect(try other.cancel() == nil)
        #expect(try other.harness.statistics("m1").withdrawn == 1)
    }

    @Test func aMaintainerThatDoesNotComeBackIsLetGo() throws {
        try Steps.workDone(harness)
        try harness.maintenance(.rework(Steps.reason), by: "customer")
        let due = harness.now + .days(1)
        // Beginning again does not begin the wait again.
        harness.advance(by: .hours(20))
        try harness.maintenance(.startWork(Steps.only), by: "m1")
        #expect(try harness.ticket().workDue == due)
        harness.advance(to: due)
        #expect(try cancel() == nil)
    }

    /// A second repair of the same fault, reported some days after the first was closed.
    private func repairAgain(after days: Int64, fault: String = "E-17", close: Bool = true) throws {
        try Steps.closed(harness)
        let closed = try #require(try harness.ticket().closed)
        harness.advance(to: closed + .days(days))
        let second = TicketID("t-2")!
        try harness.maintenance(
            Steps.open(.customersChoice, second) { $0.faultCode = fault }, by: "customer")
        try harness.change(TicketRecord.self, second) {
            $0.award = try? harness.ticket().award
            ($0.state, $0.visits) = (.verified, 1)
        }
        if close { try harness.maintenance(.close(.init(ticket: second)), by: "customer") }
    }

    @Test(
        arguments: [
            (29, "E-17", true, 0), (30, "E-17", true, 1), (1, "E-18", true, 1), (1, "E-17", false, 1),
        ]
            as [(Int64, String, Bool, Int64)])
    func theSameFaultWithin30DaysTakesTheFirstTimeFixBack(
        days: Int64, fault: String, isClosed: Bool, kept: Int64
    ) throws {
        try repairAgain(after: days, fault: fault, close: isClosed)
        #expect(try harness.ticket().firstTimeFix == (kept == 1))
        #expect(try harness.statistics("m1").firstTimeFixes == kept + (isClosed ? 1 : 0))
    }

    @Test func aRateIsChargedUpToItsLimit() throws {
        try Steps.open(harness)
        let rate = Offer.HourlyRate(perHour: MinorUnits(9_000), notToExceed: MinorUnits(40_000))
        try harness.maintenance(Steps.bid { $0.price = .rate(rate) }, by: "m1")
        harness.advance(by: Steps.grace)
        try harness.maintenance(.startWork(Steps.only), by: "m1")
        let above = try harness.rejection(
            MaintenanceContract.self, Steps.report(40_001), as: harness.member("m1"))
        #expect(above == "maintenance.amount_not_offered")
        try harness.maintenance(Steps.report(18_000), by: "m1")
        #expect(try harness.ticket().report?.amount == MinorUnits(18_000))
    }
}

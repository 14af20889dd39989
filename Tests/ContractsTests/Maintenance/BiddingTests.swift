import Billing
import Codec
import Contracts
import Ledger
import Testing

/// From the report to the award.
@Suite struct BiddingTests {
    typealias Steps = MaintenanceSteps

    let harness: ContractHarness

    init() throws { harness = try ContractHarness(MaintenanceContract.self) }

    func award() throws -> String? { try harness.ticket().award?.maintainer.text }

    // MARK: Opening

    @Test func theCustomerOpens() throws {
        try Steps.open(harness)
        let ticket = try harness.ticket()
        #expect(ticket.state == .openForBids && ticket.client.text == "customer")
        #expect(ticket.bidding.deadline == Steps.start + .hours(1))
        #expect(ticket.bidding.closes == Steps.start + .hours(1) + Steps.grace)
        #expect(harness.events == ["opened"])
    }

    @Test func theOEMOpensForPreventiveWorkAndPays() throws {
        try Steps.machine(harness)
        let body = Steps.open(.customersChoice, Steps.id) { $0.kind = .predetermined }
        try harness.maintenance(body, by: "oem")
        #expect(try harness.ticket().client.text == "oem")
        try harness.maintenance(Steps.bid(), by: "m1")
        try harness.maintenance(Steps.award(), by: "oem")
        #expect(try award() == "m1")
    }

    // MARK: First come first served

    @Test func theFirstBidWinsAfterTheGraceWindow() throws {
        try Steps.open(harness)
        harness.advance(by: .minutes(10))
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(by: Span(nanoseconds: Steps.grace.nanoseconds - 1))
        #expect(try harness.ticket().state == .openForBids)
        harness.advance(by: Span(nanoseconds: 1))
        #expect(try award() == "m1")
        #expect(harness.events.last == "awarded")
        let late = try harness.rejection(MaintenanceContract.self, Steps.bid(1), as: harness.member("m2"))
        #expect(late == "maintenance.wrong_state")
        #expect(try harness.timers().isEmpty)
    }

    @Test func aBidWithinTheGraceWindowIsSimultaneous() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(by: .seconds(4))
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: .seconds(1))
        #expect(try award() == "m2")
        #expect(try harness.ticket().award?.candidates == 2)
    }

    @Test func aWithdrawnFirstBidLetsTheNextOpenTheWindow() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(), by: "m1")
        try harness.maintenance(.withdrawBid(Steps.only), by: "m1")
        harness.advance(by: .minutes(1))
        #expect(try harness.ticket().bidding.decides == harness.ticket().bidding.closes)
        try harness.maintenance(Steps.bid(), by: "m2")
        harness.advance(by: Steps.grace)
        #expect(try award() == "m2")
    }

    @Test func nothingAwardsAnExpiredBidOrASuspendedMaintainer() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(1) { $0.expires = Steps.start + .seconds(3) }, by: "m1")
        try harness.maintenance(Steps.bid(50_000), by: "m2")
        try harness.change(MemberRecord.self, MemberID("m2")!) { $0.status = .suspended }
        harness.advance(by: Steps.grace)
        #expect(try harness.ticket().state == .openForBids)
        try harness.change(MemberRecord.self, MemberID("m2")!) { $0.status = .active }
        harness.advance(to: Steps.start + .hours(1) + Steps.grace)
        #expect(try award() == "m2")
    }

    // MARK: Best score

    @Test func theBestScoreWinsAtTheDeadline() throws {
        try Steps.opened(Steps.best())(harness)
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(to: Steps.start + .hours(1) + .seconds(4))
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: .seconds(1))
        #expect(try award() == "m2")
    }

    @Test func theMinimumOfBidsDecidesEarlier() throws {
        try Steps.opened(Steps.best(minimum: 2))(harness)
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        harness.advance(by: .minutes(10))
        #expect(try harness.ticket().state == .openForBids)
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: Steps.grace)
        #expect(try award() == "m2")
    }

    @Test func aRateCountsWithItsLimit() throws {
        try Steps.opened(Steps.best())(harness)
        let rate = Offer.HourlyRate(perHour: MinorUnits(1), notToExceed: MinorUnits(70_000))
        try harness.maintenance(Steps.bid { $0.price = .rate(rate) }, by: "m1")
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: .hours(2))
        #expect(try award() == "m2")
    }

    // MARK: Deadlines without a bid

    @Test func biddingBeginsAgainThreeTimesAndThenEnds() throws {
        try Steps.open(harness)
        let length = Span(nanoseconds: Span.hours(1).nanoseconds + Steps.grace.nanoseconds)
        for extensions in 1...3 as ClosedRange<Int64> {
            harness.advance(by: length)
            #expect(try harness.ticket().bidding.extensions == extensions)
            #expect(harness.events.last == "biddingExtended")
        }
        harness.advance(by: length)
        #expect(try harness.ticket().state == .cancelled)
        #expect(harness.events.last == "unawarded")
        #expect(try harness.timers().isEmpty)
    }

    @Test func anExtensionDropsBidsThatAreNotValid() throws {
        try Steps.opened(Steps.best())(harness)
        try harness.maintenance(Steps.bid { $0.expires = Steps.start + .minutes(30) }, by: "m1")
        harness.advance(to: Steps.start + .hours(1) + Steps.grace)
        #expect(try harness.bid("m1") == nil)
        try harness.maintenance(Steps.bid(), by: "m1")
        #expect(try harness.ticket().bidding.bids == 1)
    }

    // MARK: The customer's choice

    @Test func theCustomerChooses() throws {
        try Steps.choice(harness)
        try harness.maintenance(Steps.bid(60_000), by: "m1")
        try harness.maintenance(Steps.bid(90_000), by: "m2")
        try harness.maintenance(Steps.award("m2"), by: "customer")
        #expect(try award() == "m2")
        #expect(try harness.timers().isEmpty)
    }

    @Test func theChoiceStaysOpenAfterTheDeadline() throws {
        try Steps.choice(harness)
        try harness.maintenance(Steps.bid(), by: "m1")
        harness.advance(by: .hours(3))
        #expect(harness.events.contains("biddingClosed"))
        try harness.maintenance(Steps.award(), by: "customer")
        #expect(try award() == "m1")
    }

    // MARK: Sealed bids

    @Test func sealedBidsAreOpenedAndThenCompared() throws {
        try Steps.sealed(harness)
        try harness.maintenance(try Steps.seal(60_000, by: "m1"), by: "m1")
        try harness.maintenance(try Steps.seal(50_000, by: "m2"), by: "m2")
        #expect(try harness.bid("m1")?.offer == nil)
        harness.advance(to: Steps.start + .hours(1) + Steps.grace)
        try harness.maintenance(Steps.reveal(60_000), by: "m1")
        try harness.maintenance(Steps.reveal(50_000), by: "m2")
        #expect(try harness.ticket().state == .openForBids)
        harness.advance(by: .hours(1))
        #expect(try award() == "m2")
    }

    @Test func aBidThatStaysSealedIsNone() throws {
        try Steps.sealed(harness)
        try harness.maintenance(try Steps.seal(60_000, by: "m1"), by: "m1")
        try harness.maintenance(try Steps.seal(50_000, by: "m2"), by: "m2")
        harness.advance(to: Steps.start + .hours(2))
        try harness.maintenance(Steps.reveal(60_000), by: "m1")
        harness.advance(by: .hours(1))
        #expect(try award() == "m1")
    }

    // MARK: Giving an award back

    @Test func anAwardGivenBackGoesToTheOthersWhoStand() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(50_000), by: "m1")
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: Steps.grace)
        #expect(try award() == "m1")
        try harness.maintenance(.withdrawBid(Steps.only), by: "m1")
        #expect(try harness.ticket().state == .openForBids)
        #expect(try harness.statistics("m1").withdrawn == 1)
        harness.advance(by: Steps.grace)
        #expect(try award() == "m2")
    }

    @Test func whoGaveAnAwardBackBidsNoMore() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(50_000), by: "m1")
        harness.advance(by: Steps.grace)
        try harness.maintenance(.withdrawBid(Steps.only), by: "m1")
        #expect(try harness.ticket().withdrawn?.map(\.text) == ["m1"])
        #expect(try harness.ticket().bidding.extensions == 1)
        let again = try harness.rejection(MaintenanceContract.self, Steps.bid(1), as: harness.member("m1"))
        #expect(again == "maintenance.gave_award_back")
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(by: Steps.grace)
        #expect(try award() == "m2")
    }

    @Test func givingBackCountsWithWhatNobodyBidFor() throws {
        try Steps.open(harness)
        harness.advance(by: .hours(4))
        #expect(try harness.ticket().bidding.extensions == 3)
        try harness.maintenance(Steps.bid(), by: "m1")
        harness.advance(by: Steps.grace)
        try harness.maintenance(.withdrawBid(Steps.only), by: "m1")
        #expect(try harness.ticket().state == .cancelled)
        #expect(harness.events.last == "unawarded")
        #expect(try harness.timers().isEmpty)
    }

    @Test func cancelAndRejectStopTheAuction() throws {
        try Steps.open(harness)
        try harness.maintenance(.cancel(Steps.reason), by: "customer")
        #expect(try harness.ticket().state == .cancelled)
        #expect(try harness.timers().isEmpty)
        try harness.maintenance(Steps.open(.customersChoice, TicketID("t-2")!), by: "customer")
        let rejection = MaintenanceContract.TicketReason(ticket: TicketID("t-2")!, reason: "no fault")
        try harness.maintenance(.reject(rejection), by: "customer")
        #expect(try harness.ticket("t-2").state == .rejected)
    }
}

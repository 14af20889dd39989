import Contracts
import Ledger
import Testing

/// What a change of epoch does to auctions. Bids are taken for an hour, with five seconds of grace.
@Suite struct AuctionEpochTests {
    typealias Steps = MaintenanceSteps

    let harness: ContractHarness
    static let closes = Steps.start + .hours(1) + Steps.grace

    init() throws { harness = try ContractHarness(MaintenanceContract.self) }

    private func begin(after stall: Span) throws {
        try harness.beginEpoch(MaintenanceContract.self, after: stall)
    }

    private func decisions() throws -> [Timestamp] {
        try harness.timers().filter { $0.contract == "maintenance" }.map(\.due)
    }

    @Test func biddingThatEndsSoonGetsTenMinutes() throws {
        try Steps.open(harness)
        harness.advance(to: Steps.start + .minutes(54))
        try begin(after: .minutes(2))
        let end = harness.now + .minutes(10)
        let bidding = try harness.ticket().bidding
        #expect(bidding.closes == end && bidding.deadline == end + .seconds(-5) && bidding.decides == end)
        #expect(try decisions() == [end])
        #expect(harness.events == ["deadlineMoved"])
        harness.advance(to: Self.closes)
        try harness.maintenance(Steps.bid(), by: "m1")
        harness.advance(to: end)
        #expect(try harness.ticket().state == .awarded)
    }

    @Test func biddingThatEndedWhileTheOrderStoodStillIsOpenAgain() throws {
        try Steps.open(harness)
        try begin(after: .hours(3))
        #expect(try harness.ticket().bidding.closes == harness.now + .minutes(10))
        #expect(try decisions() == [harness.now + .minutes(10)])
    }

    @Test func whatEndsLaterStays() throws {
        try Steps.open(harness)
        let bidding = try harness.ticket().bidding
        try begin(after: .minutes(50))
        #expect(try harness.ticket().bidding == bidding && decisions() == [Self.closes])
        #expect(harness.events == [])
    }

    @Test func manyAuctionsOfOneClientCrowdNobodyElsesOut() throws {
        try Steps.machine(harness)
        for number in 1...300 {
            let ticket = TicketID("t-\(number)")!
            try harness.maintenance(Steps.open(.firstComeFirstServed, ticket), by: "customer")
        }
        harness.advance(by: .seconds(1))
        let last = TicketID("u-1")!
        try harness.maintenance(
            Steps.open(.firstComeFirstServed, last) { $0.kind = .predetermined }, by: "oem")
        try begin(after: .minutes(56))
        #expect(harness.events.count { $0 == "deadlineMoved" } == 33)
        #expect(try harness.ticket("u-1").bidding.closes == harness.now + .minutes(10))
    }

    @Test func theSameEpochTwiceMovesOnce() throws {
        try Steps.open(harness)
        try begin(after: .minutes(56))
        let rows = harness.rows
        try begin(after: .seconds(0))
        #expect(harness.rows.map(\.value) == rows.map(\.value))
    }

    @Test func aDecisiveBidsGraceWindowGetsTime() throws {
        try Steps.open(harness)
        try harness.maintenance(Steps.bid(90_000), by: "m1")
        try begin(after: .seconds(3))
        let end = harness.now + .minutes(10)
        #expect(try harness.ticket().bidding.decides == end && decisions() == [end])
        #expect(try harness.ticket().bidding.closes == Self.closes)
        harness.advance(by: .minutes(9))
        try harness.maintenance(Steps.bid(60_000), by: "m2")
        harness.advance(to: end)
        #expect(try harness.ticket().award?.maintainer.text == "m2")
    }

    @Test func sealedBiddingMovesWithItsOpening() throws {
        try Steps.sealed(harness)
        harness.advance(to: Steps.start + .minutes(55))
        try begin(after: .minutes(1))
        let end = harness.now + .minutes(10)
        let bidding = try harness.ticket().bidding
        #expect(bidding.closes == end && bidding.revealUntil == end + .hours(1))
        #expect(try bidding.decides == end + .hours(1) && decisions() == [end + .hours(1)])
    }

    @Test func openingGetsTimeAndBiddingStaysClosed() throws {
        try Steps.sealed(harness)
        try harness.maintenance(try Steps.seal(50_000, by: "m1"), by: "m1")
        harness.advance(to: Self.closes)
        try begin(after: .hours(2))
        let bidding = try harness.ticket().bidding
        #expect(bidding.closes == Self.closes && bidding.revealUntil == harness.now + .minutes(10))
        #expect(try decisions() == [harness.now + .minutes(10)])
        try harness.maintenance(Steps.reveal(50_000), by: "m1")
        harness.advance(by: .minutes(10))
        #expect(try harness.ticket().award?.maintainer.text == "m1")
    }

    @Test func aTicketThatIsAwardedStays() throws {
        try Steps.awarded(harness)
        let rows = harness.rows
        try begin(after: .hours(1))
        #expect(harness.rows == rows)
    }
}

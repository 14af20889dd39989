import Contracts
import Ledger
import Testing

/// What a change of epoch does to dispute windows: the invoice's closes on day 37.
@Suite struct DisputeEpochTests {
    typealias Steps = AgreementSteps

    let harness: ContractHarness

    init() throws {
        harness = try ContractHarness(AgreementContract.self)
        try Steps.issued(harness)
    }

    @Test(arguments: [Span.minutes(5), .minutes(59), .hours(30)])
    func aWindowThatClosesSoonGetsTenMinutes(stall: Span) throws {
        harness.advance(to: Steps.start + .days(37) + .minutes(-10))
        try harness.beginEpoch(AgreementContract.self, after: stall)
        let end = harness.now + .minutes(10)
        #expect(try harness.invoice().disputeUntil == end && harness.events == ["deadlineMoved"])
        harness.advance(by: .minutes(9))
        try harness.agreement(Steps.dispute(), by: "customer")
        harness.advance(to: end)
        #expect(try harness.invoice().state == .disputed)
    }

    @Test func aWindowThatWasMovedStillCloses() throws {
        harness.advance(to: Steps.start + .days(37) + .minutes(-5))
        try harness.beginEpoch(AgreementContract.self, after: .seconds(1))
        harness.advance(by: .minutes(10))
        #expect(try harness.invoice().state == .confirmed)
    }

    @Test func whatClosesLaterStays() throws {
        let rows = harness.rows
        try harness.beginEpoch(AgreementContract.self, after: .hours(1))
        #expect(harness.rows == rows)
    }
}

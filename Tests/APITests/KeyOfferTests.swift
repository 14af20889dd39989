import Codec
import Testing

@testable import API
@testable import Ledger

/// What a node puts on the ledger by itself, and when.
@Suite struct KeyOfferTests {
    private static let start = Timestamp(milliseconds: 1_767_225_600_000)

    private static func key(until end: Timestamp, revoked: Bool = false) -> KeyRecord {
        KeyRecord(
            id: KeyID(.zero), publicKey: Bytes([]), account: MemberID(unchecked: "oem"), kind: .delegate,
            scopes: ["nats.connect"], since: 1, expires: end, revoked: revoked)
    }

    @Test func aKeyIsGivenALaterEndNinetyDaysAheadAndARevokedOneIsLeft() {
        let end = Self.start + .days(4 * 365)
        #expect(KeyOffers.isDue(nil, at: Self.start))
        #expect(!KeyOffers.isDue(Self.key(until: end), at: end + .days(-90)))
        #expect(KeyOffers.isDue(Self.key(until: end), at: end + .days(-90) + .milliseconds(1)))
        #expect(KeyOffers.isDue(Self.key(until: end), at: end + .days(1)))
        #expect(!KeyOffers.isDue(Self.key(until: end, revoked: true), at: end))
    }

    @Test func oneTryAtATimeAndAPauseAfterAFailure() {
        let attempts = Attempts()
        #expect(attempts.begin() && !attempts.begin())
        attempts.end(succeeded: true)
        #expect(attempts.begin())
        attempts.end(succeeded: false)
        #expect(!attempts.begin())
        let stopped = Attempts()
        stopped.stop()
        #expect(!stopped.begin() && stopped.isStopped)
    }
}

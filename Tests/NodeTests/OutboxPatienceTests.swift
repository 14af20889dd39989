import Codec
import Cryptography
import Ledger
import Testing

@testable import Node

/// When a batch that is on its way is given up and its engine suspected.
@Suite struct OutboxPatienceTests {
    private let start = Timestamp(milliseconds: 1_000_000)
    private let wait = Span.seconds(2)
    private let epoch = SHA256.hash([1])

    /// An outbox whose one batch went off at `start`.
    /// - Parameter epochBlock: `.zero` for what is given to a validator.
    private func sending(_ digest: Digest, to epochBlock: Digest? = nil) throws -> Outbox {
        var outbox = Outbox()
        outbox.addTick(nil)
        let draft = outbox.draft(count: 1, bytes: 1)
        outbox.send(try #require(draft), as: digest, bytes: [1], epochBlock: epochBlock ?? epoch, now: start)
        return outbox
    }

    @Test func aBatchIsLateWhereNothingMoves() throws {
        var outbox = try sending(SHA256.hash([2]))
        _ = outbox.late(start + Span.milliseconds(1999), after: wait)
        #expect(outbox.failures == 0 && outbox.batchesOnTheirWay == 1)
        _ = outbox.late(start + wait, after: wait)
        #expect(outbox.failures == 1 && outbox.batchesOnTheirWay == 0 && outbox.hasWork)
    }

    @Test func aBusyOrderIsNoDeadOne() throws {
        var outbox = try sending(SHA256.hash([2]))
        for second in 1...10 {
            let now = start + .seconds(Int64(second))
            _ = outbox.seen(SHA256.hash([UInt8(second), 9]), [], now: now)
            _ = outbox.late(now, after: wait)
        }
        #expect(outbox.failures == 0 && outbox.batchesOnTheirWay == 1)
        _ = outbox.late(start + .seconds(12), after: wait)
        #expect(outbox.failures == 1, "it has stopped since")
    }

    @Test func whoIsPassedOverForLongSuspectsABusyOrderToo() throws {
        var outbox = try sending(SHA256.hash([2]))
        for second in 1...16 {
            #expect(outbox.failures == 0)
            let now = start + .seconds(Int64(second))
            _ = outbox.seen(SHA256.hash([UInt8(second), 9]), [], now: now)
            _ = outbox.late(now, after: wait)
        }
        #expect(outbox.failures == 1)
    }

    /// The validator may have ended before it did anything with it, while the others go on.
    @Test func whatWasGivenToAValidatorIsSoonGivenToAnother() throws {
        var outbox = try sending(SHA256.hash([2]), to: .zero)
        for second in 1...4 {
            #expect(outbox.failures == 0)
            let now = start + .seconds(Int64(second))
            _ = outbox.seen(SHA256.hash([UInt8(second), 9]), [], now: now)
            _ = outbox.late(now, after: wait)
        }
        #expect(outbox.failures == 1 && outbox.hasWork)
    }
}

import Cryptography
import Node
import Testing

@testable import API

/// The life of a node's TLS keys, without a clock or a file.
@Suite struct TLSPlanTests {
    private static let day: Int64 = 86_400
    private static let start: Int64 = 1_800_000_000
    private let settings = TLSPlan.Settings(certificateDays: 90, keyDays: 365)

    private func entry(_ name: String, since: Int64 = start, days: Int64 = 90) throws -> TLSFiles.Entry {
        TLSFiles.Entry(
            identity: try TLSIdentity.generate(
                commonName: name, hosts: [], notBeforeSeconds: since,
                notAfterSeconds: since + days * TLSPlanTests.day),
            sinceSeconds: since)
    }

    private func plan(
        _ current: TLSFiles.Entry, next: TLSFiles.Entry? = nil, previous: TLSFiles.Entry? = nil,
        pins: [TLSPin]?
    ) -> TLSPlan {
        TLSPlan(current: current, next: next, previous: previous, ledgerPins: pins, settings: settings)
    }

    @Test func renewsACertificateWhenAThirdOfItsLifeIsLeft() throws {
        let current = try entry("a")
        let plan = plan(current, pins: [current.identity.pin])
        #expect(plan.step(nowSeconds: TLSPlanTests.start + 59 * TLSPlanTests.day) == nil)
        #expect(plan.step(nowSeconds: TLSPlanTests.start + 60 * TLSPlanTests.day) == .renew(.current))
        #expect(plan.step(nowSeconds: TLSPlanTests.start + 900 * TLSPlanTests.day) == .renew(.current))
    }

    @Test func replacesAKeyInStepsThatACrashMayRepeat() throws {
        let current = try entry("a", days: 3_000)
        let next = try entry("b", days: 3_000)
        let (old, new) = (current.identity.pin, next.identity.pin)
        let now = TLSPlanTests.start + 366 * TLSPlanTests.day
        #expect(plan(current, pins: [old]).step(nowSeconds: now) == .makeNextKey)
        let both = [old, new].sorted()
        #expect(plan(current, next: next, pins: [old]).step(nowSeconds: now) == .announce(both))
        #expect(plan(current, next: next, pins: both).step(nowSeconds: now) == .useNextKey)
        var (used, retired) = (next, current)
        (used.sinceSeconds, retired.sinceSeconds) = (now, now)
        #expect(
            plan(used, next: next, previous: retired, pins: both).step(nowSeconds: now) == .removeNext)
        let after = plan(used, previous: retired, pins: both)
        #expect(after.step(nowSeconds: now + 6 * TLSPlanTests.day) == nil)
        #expect(after.step(nowSeconds: now + 7 * TLSPlanTests.day) == .announce([new]))
        #expect(
            plan(used, previous: retired, pins: [new]).step(nowSeconds: now + 7 * TLSPlanTests.day)
                == .removePrevious)
    }

    @Test func putsItsKeyOnALedgerThatDoesNotKnowIt() throws {
        let current = try entry("a")
        let others = try (0..<4).map { try entry("o\($0)").identity.pin }.sorted()
        guard case .announce(let pins)? = plan(current, pins: others).step(nowSeconds: TLSPlanTests.start)
        else { throw Trouble("no announcement") }
        #expect(pins.count == 4 && pins.contains(current.identity.pin))
        #expect(plan(current, pins: nil).step(nowSeconds: TLSPlanTests.start) == nil)
    }

    @Test func warnsOnceAtEachMark() {
        var warnings = ExpiryWarnings()
        func due(_ days: Double) -> Int64? {
            warnings.due("node", notAfterSeconds: 100 * 86_400, nowSeconds: Int64((100 - days) * 86_400))
        }
        #expect([40, 30, 29, 7, 6, 1, 0.5, -1, -2].map(due) == [nil, 30, nil, 7, nil, 1, nil, -1, nil])
        #expect(due(90) == nil, "it was renewed")
        #expect(due(30) == 30)
    }
}

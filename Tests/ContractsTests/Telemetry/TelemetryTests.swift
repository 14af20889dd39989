import Codec
import Contracts
import Cryptography
import Ledger
import Testing

@Suite struct TelemetryTests {
    let harness: ContractHarness

    init() throws {
        harness = try ContractHarness()
        try harness.acceptedMachine("press-7")
    }

    static let press = MachineID("press-7")!

    static func anchor(_ first: UInt64, _ last: UInt64, previous: Digest? = nil) -> TelemetryContract.Anchor {
        .init(
            machine: press, first: first, last: last, fromMilliseconds: 1000, toMilliseconds: 2000,
            count: last &- first &+ 1, cid: ContractHarness.document("batch").cid, cipherDigest: .zero,
            root: .zero, device: ContractHarness.keyID("press-7.device"), previous: previous)
    }

    static func gap(_ first: UInt64, _ last: UInt64, previous: Digest? = nil) -> TelemetryContract.DeclareGap
    {
        .init(
            machine: press, first: first, last: last, fromMilliseconds: 2000, toMilliseconds: 9000,
            reason: "the box's disk failed", previous: previous)
    }

    private func head() throws -> TelemetryHead { try harness.existing(TelemetryHead.self, Self.press) }

    @Test func anchorsAndGapsAreOneContiguousChain() throws {
        let customer = harness.member("customer")
        try harness.run(TelemetryContract.self, .anchor(Self.anchor(1, 100)), as: customer)
        let first = try harness.existing(AnchorRecord.self, .init(machine: Self.press, number: 1))
        #expect(try head().digest == SHA256.hash(try CBOR.encode(first)))
        #expect(try head().nextSequence == 101)

        let gap = Self.gap(101, 150, previous: try head().digest)
        try harness.run(TelemetryContract.self, .declareGap(gap), as: customer)
        let second = try harness.existing(GapRecord.self, .init(machine: Self.press, number: 2))
        #expect(second.previous == SHA256.hash(try CBOR.encode(first)))
        #expect(try head().digest == SHA256.hash(try CBOR.encode(second)))

        let last = Self.anchor(151, 151, previous: try head().digest)
        try harness.run(TelemetryContract.self, .anchor(last), as: harness.device(of: "press-7"))
        #expect(try head().number == 3)
        let anchors = try harness.context().all(AnchorRecord.self)
        #expect(anchors.map(\.id.number) == [1, 3] && anchors.map(\.count) == [100, 1])
    }

    @Test func numbersRunOnWhenADeviceIsReplaced() throws {
        let customer = harness.member("customer")
        try harness.run(TelemetryContract.self, .anchor(Self.anchor(1, 5)), as: customer)
        try harness.machine(MachineSteps.replace(), as: harness.member("oem"))
        try harness.machine(MachineSteps.acceptDevice(), as: customer)
        var next = Self.anchor(6, 9, previous: try head().digest)
        #expect(
            try harness.rejection(TelemetryContract.self, .anchor(next), as: customer)
                == "telemetry.unknown_device")
        next.device = ContractHarness.keyID("press-7.device.2")
        try harness.run(TelemetryContract.self, .anchor(next), as: customer)
        #expect(try head().nextSequence == 10)
    }

    /// The harness's clock stands still.
    static let latest = (ContractHarness.start + .hours(2)).milliseconds

    @Test func clocksMayDifferAndTelemetryMayComeLate() throws {
        var anchor = Self.anchor(1, 5)
        (anchor.fromMilliseconds, anchor.toMilliseconds) = (.min, Self.latest)
        try harness.run(TelemetryContract.self, .anchor(anchor), as: harness.member("customer"))
        #expect(try head().nextSequence == 6)
    }

    typealias Refused = Refusal<TelemetryContract>

    static let accepted = MachineSteps.accepted

    static func anchoring(
        _ code: String, _ name: String, by signer: String = "customer",
        _ change: (inout TelemetryContract.Anchor) -> Void = { _ in },
        before: @escaping @Sendable (ContractHarness) throws -> Void = accepted
    ) -> Refused {
        var body = anchor(1, 10)
        change(&body)
        return Refused(code, name, by: signer, before: before, .anchor(body))
    }

    static func declaring(
        _ code: String, _ name: String, by signer: String = "customer",
        _ change: (inout TelemetryContract.DeclareGap) -> Void = { _ in },
        before: @escaping @Sendable (ContractHarness) throws -> Void = accepted
    ) -> Refused {
        var body = gap(1, 10)
        change(&body)
        return Refused(code, name, by: signer, before: before, .declareGap(body))
    }

    static let terminated: @Sendable (ContractHarness) throws -> Void = {
        try MachineSteps.terminating($0)
        try $0.machine(.acceptTermination(MachineSteps.press), as: $0.member("oem"))
    }

    @Test(arguments: [
        anchoring("machine.unknown", "a machine is on the ledger", before: { _ in }),
        anchoring("telemetry.not_a_party", "only the customer anchors", by: "oem"),
        anchoring(
            "telemetry.not_under_rent", "an unaccepted machine has none", before: MachineSteps.registered),
        anchoring("telemetry.not_under_rent", "an ended rent has none", before: terminated),
        anchoring("telemetry.not_contiguous", "the first number is 1") { $0.first = 2 },
        anchoring("telemetry.not_contiguous", "nothing is anchored twice") { $0.first = 0 },
        anchoring("telemetry.wrong_previous", "the first has no previous") { $0.previous = .zero },
        anchoring("telemetry.wrong_range", "a batch is not empty") { ($0.last, $0.count) = (0, 0) },
        anchoring("telemetry.wrong_range", "a batch has a bound") {
            $0.last = TelemetryContract.largestCount + 1
        },
        anchoring("telemetry.wrong_range", "numbers do not run out") { ($0.last, $0.count) = (.max, .max) },
        anchoring("telemetry.wrong_count", "the count is exact") { $0.count = 9 },
        anchoring("telemetry.wrong_times", "a range ends after it begins") { $0.toMilliseconds = 999 },
        anchoring("telemetry.in_future", "a batch does not end after the ledger's time") {
            $0.toMilliseconds = latest + 1
        },
        anchoring("telemetry.in_future", "times do not run out") { $0.toMilliseconds = .max },
        anchoring("telemetry.cid_malformed", "a batch has a content identifier") { $0.cid = "b" },
        anchoring("telemetry.unknown_device", "the device is the machine's") {
            $0.device = ContractHarness.keyID("press-8.device")
        },
        anchoring(
            "telemetry.device_revoked", "a revoked device's word is worth nothing",
            before: {
                try accepted($0)
                try $0.consortium(
                    .revokeKey(.init(key: ContractHarness.keyID("press-7.device"))), as: $0.member("customer")
                )
            }),
        Refused(
            "telemetry.wrong_device", "another machine's device does not anchor",
            signer: .device(of: "press-8"), before: accepted, .anchor(anchor(1, 10))),
        Refused(
            "telemetry.wrong_previous", "the chain names the one before", by: "customer",
            before: {
                try accepted($0)
                try $0.run(TelemetryContract.self, .anchor(anchor(1, 10)), as: $0.member("customer"))
            }, .anchor(anchor(11, 20))),
    ]) func refusesAnAnchor(_ refusal: Refused) throws { try refusal.check() }

    @Test(arguments: [
        declaring("telemetry.not_a_party", "only the customer declares", by: "oem"),
        Refused(
            "telemetry.not_a_member_key", "a device declares no gap", signer: .device(of: "press-7"),
            before: accepted, .declareGap(gap(1, 10))),
        declaring("telemetry.not_under_rent", "an ended rent has none", before: terminated),
        declaring("telemetry.not_contiguous", "a gap follows on") { $0.first = 3 },
        declaring("telemetry.wrong_previous", "a gap is in the chain") { $0.previous = .zero },
        declaring("telemetry.wrong_range", "a gap is not empty") { $0.last = 0 },
        declaring("telemetry.wrong_times", "a range ends after it begins") { $0.toMilliseconds = 0 },
        declaring("telemetry.in_future", "a gap does not end after the ledger's time") {
            $0.toMilliseconds = latest + 1
        },
        declaring("telemetry.text_too_short", "a gap has a reason") { $0.reason = "" },
    ]) func refusesAGap(_ refusal: Refused) throws { try refusal.check() }
}

import Contracts
import Ledger
import Testing

@Suite struct ContestTests {
    let harness: ContractHarness

    init() throws {
        harness = try ContractHarness()
        try ContestTests.anchored(harness)
    }

    private static let press = MachineID("press-7")!
    private static let anchored: @Sendable (ContractHarness) throws -> Void = { harness in
        try harness.acceptedMachine("press-7")
        try harness.run(
            TelemetryContract.self, .anchor(TelemetryTests.anchor(1, 100)), as: harness.member("customer"))
    }
    private static let contested: @Sendable (ContractHarness) throws -> Void = { harness in
        try anchored(harness)
        try harness.run(TelemetryContract.self, contest(), as: harness.member("oem"))
    }
    private static let standing: @Sendable (ContractHarness) throws -> Void = { harness in
        try contested(harness)
        harness.advance(by: TelemetryContract.contestWindow)
    }

    private static func contest(
        _ number: UInt64 = 1, reason: String = "not in any vault"
    ) -> TelemetryContract.Action {
        .contest(.init(machine: press, number: number, reason: reason))
    }

    private static func withdraw(_ number: UInt64 = 1) -> TelemetryContract.Action {
        .withdrawContest(.init(machine: press, number: number))
    }

    private func record() throws -> ContestRecord? {
        try harness.get(ContestRecord.self, .init(machine: Self.press, number: 1))
    }

    @Test func aContestStandsFiveDaysLaterUnlessItIsTakenBack() throws {
        let oem = harness.member("oem")
        try harness.run(TelemetryContract.self, Self.contest(), as: oem)
        #expect(try record()?.stands == ContractHarness.start + .days(5))
        harness.advance(by: .hours(5 * 24 - 1))
        try harness.run(TelemetryContract.self, Self.withdraw(), as: oem)
        #expect(try record() == nil)
        // A batch that is lost again is contested again, with the whole time.
        try harness.run(TelemetryContract.self, Self.contest(), as: oem)
        #expect(try record()?.stands == harness.now + .days(5))
    }

    /// The last invoice is computed after the rent.
    @Test func telemetryIsContestedAfterTheRentToo() throws {
        let harness = try ContractHarness()
        try TelemetryTests.accepted(harness)
        try harness.run(
            TelemetryContract.self, .anchor(TelemetryTests.anchor(1, 100)), as: harness.member("customer"))
        try harness.machine(
            .proposeTermination(.init(machine: Self.press, reason: "over")), as: harness.member("customer"))
        try harness.machine(.acceptTermination(MachineSteps.press), as: harness.member("oem"))
        try harness.run(TelemetryContract.self, Self.contest(), as: harness.member("oem"))
    }

    typealias Refused = Refusal<TelemetryContract>

    private static func refused(
        _ code: String, _ name: String, by signer: String = "oem",
        before: @escaping @Sendable (ContractHarness) throws -> Void = anchored,
        _ action: TelemetryContract.Action
    ) -> Refused { Refused(code, name, by: signer, before: before, action) }

    @Test(arguments: [
        refused("machine.unknown", "a machine is on the ledger", before: { _ in }, contest()),
        refused("telemetry.not_a_party", "the customer does not contest", by: "customer", contest()),
        refused("telemetry.not_a_party", "nor does another OEM", by: "oem2", contest()),
        refused("anchor.unknown", "what is contested is anchored", contest(2)),
        refused("telemetry.text_too_short", "a reason is given", contest(reason: "")),
        refused("telemetry.already_contested", "once is enough", before: contested, contest()),
        refused("telemetry.already_contested", "also once it stands", before: standing, contest()),
        refused("contest.unknown", "only a contest is taken back", withdraw()),
        refused(
            "telemetry.not_a_party", "the customer takes none back", by: "customer", before: contested,
            withdraw()),
        refused(
            "telemetry.contest_stands", "what stands is not taken back", before: standing, withdraw()),
    ])
    func refuses(_ refusal: Refused) throws {
        try refusal.check()
    }
}

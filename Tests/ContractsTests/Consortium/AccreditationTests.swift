import Contracts
import Ledger
import Testing

@Suite struct AccreditationTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    static func accredit(
        _ maintainer: String = "m1", classes: [String] = ["laser-cutter"], regions: [String] = ["de-bw"],
        until: Timestamp = ContractHarness.start + .days(100)
    ) -> ConsortiumContract.Action {
        .accredit(
            .init(
                maintainer: MemberID(maintainer)!, classes: classes.map { MachineClass($0)! },
                regions: regions.map { Region($0)! }, until: until))
    }

    private func isAccredited(_ maintainer: String, for machine: String = "press-7") throws -> Bool {
        let machine = try harness.existing(MachineRecord.self, MachineID(machine)!)
        return try harness.context().isAccredited(MemberID(maintainer)!, for: machine)
    }

    @Test func holdsForItsClassesAndRegionsUntilItsEnd() throws {
        try harness.acceptedMachine("press-7")
        try harness.acceptedMachine("mill-1", machineClass: "mill")
        try harness.acceptedMachine("press-8", region: "fr-idf")
        try harness.consortium(Self.accredit(), as: harness.member("oem"))
        #expect(try isAccredited("m1"))
        #expect(try !isAccredited("m2"))
        #expect(try !isAccredited("m1", for: "mill-1"))
        #expect(try !isAccredited("m1", for: "press-8"))
        harness.advance(to: ContractHarness.start + .days(100))
        #expect(try !isAccredited("m1"))
    }

    @Test func emptyListsMeanEverything() throws {
        try harness.acceptedMachine("press-7")
        try harness.accredit("m1")
        #expect(try isAccredited("m1"))
    }

    @Test func endsWhenRevokedAndReturnsWhenGrantedAnew() throws {
        try harness.acceptedMachine("press-7")
        try harness.consortium(Self.accredit(), as: harness.member("oem"))
        try harness.consortium(
            .revokeAccreditation(.init(maintainer: MemberID("m1")!)), as: harness.member("oem"))
        #expect(try !isAccredited("m1"))
        try harness.consortium(Self.accredit(), as: harness.member("oem"))
        #expect(try isAccredited("m1"))
    }

    @Test func aSuspendedMaintainerIsNotAccredited() throws {
        try harness.acceptedMachine("press-7")
        try harness.accredit("m1")
        try harness.decide(.suspend(member: MemberID("m1")!))
        #expect(try !isAccredited("m1"))
    }

    typealias Refused = Refusal<ConsortiumContract>

    @Test(arguments: [
        Refused("consortium.role_required", "only an OEM accredits", by: "customer", accredit()),
        Refused(
            "consortium.role_required", "only maintainers are accredited", by: "oem", accredit("customer")),
        Refused("member.unknown", "a maintainer is a member", by: "oem", accredit("nobody")),
        Refused(
            "consortium.expiry_out_of_range", "an accreditation ends ahead", by: "oem",
            accredit(until: ContractHarness.start)),
        Refused(
            "consortium.list_too_long", "classes have a bound", by: "oem",
            accredit(classes: (0...64).map { "class-\($0)" })),
        Refused(
            "consortium.duplicate_entry", "a region is listed once", by: "oem",
            accredit(regions: ["de-bw", "de-bw"])),
        Refused(
            "accreditation.unknown", "what is not granted is not revoked", by: "oem",
            .revokeAccreditation(.init(maintainer: MemberID("m1")!))),
        Refused(
            "consortium.accreditation_revoked", "an accreditation is revoked once", by: "oem",
            before: {
                try $0.consortium(accredit(), as: $0.member("oem"))
                try $0.consortium(
                    .revokeAccreditation(.init(maintainer: MemberID("m1")!)), as: $0.member("oem"))
            }, .revokeAccreditation(.init(maintainer: MemberID("m1")!))),
    ]) func refusesAnAccreditation(_ refusal: Refused) throws { try refusal.check() }
}

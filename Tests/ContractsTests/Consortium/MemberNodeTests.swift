import Codec
import Contracts
import Ledger
import Testing

/// A member's node on the ledger: its address and the pins of its TLS keys.
@Suite struct MemberNodeTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    static func pin(_ number: UInt8) -> Digest { Digest(Array(repeating: number, count: 32))! }

    static func set(
        _ pins: [UInt8], endpoint: String = "https://node.example:8443",
        votingKey: ConsortiumContract.NewKey? = nil
    ) -> ConsortiumContract.Action {
        .setNode(.init(endpoint: endpoint, tlsPins: pins.map(pin), votingKey: votingKey))
    }

    private func pins(_ name: String) throws -> [Digest]? {
        try harness.existing(MemberRecord.self, MemberID(name)!).tlsPins
    }

    private func holder(of pin: UInt8) throws -> String? {
        try harness.get(PinRecord.self, Self.pin(pin))?.member.text
    }

    @Test func aNodeRenewsItsKeyWithADelegatedKey() throws {
        try harness.consortium(Self.set([7]), as: harness.member("oem"))
        let node = harness.delegate(of: "oem")
        try harness.consortium(Self.set([9, 7]), as: node)
        #expect(try pins("oem") == [Self.pin(7), Self.pin(9)])
        #expect(try holder(of: 7) == "oem" && holder(of: 9) == "oem")
        try harness.consortium(Self.set([9]), as: node)
        #expect(try pins("oem") == [Self.pin(9)] && holder(of: 7) == nil)
        #expect(
            try harness.existing(MemberRecord.self, MemberID("oem")!).endpoint == "https://node.example:8443")
        #expect(harness.events == ["nodeSet"])
    }

    @Test func aPinThatIsGivenUpIsFree() throws {
        try harness.consortium(Self.set([7]), as: harness.member("oem"))
        try harness.consortium(Self.set([], endpoint: ""), as: harness.member("oem"))
        #expect(try pins("oem") == nil)
        try harness.consortium(Self.set([7]), as: harness.member("m1"))
        #expect(try holder(of: 7) == "m1")
    }

    @Test func theProfileLeavesThePins() throws {
        try harness.consortium(Self.set([7]), as: harness.member("oem"))
        try harness.consortium(
            .updateProfile(.init(name: "New", profile: ContractHarness.profile("oem"), endpoint: "")),
            as: harness.member("oem"))
        #expect(try pins("oem") == [Self.pin(7)])
    }

    @Test func aCompanyJoinsWithItsPins() throws {
        try harness.consortium(ConsortiumSteps.invite(), as: harness.member("b1"))
        var join = ConsortiumSteps.join()
        join.tlsPins = [Self.pin(8), Self.pin(7)]
        try harness.consortium(.join(join), as: harness.invitation("inv-1"))
        #expect(try pins("newco") == [Self.pin(7), Self.pin(8)] && holder(of: 8) == "newco")
    }

    @Test func whatIsNotUsedIsNotStored() throws {
        let member = try CBOR.encode(try harness.existing(MemberRecord.self, MemberID("oem")!))
        try harness.consortium(Self.set([7]), as: harness.member("oem"))
        try harness.consortium(Self.set([], endpoint: "https://oem.example"), as: harness.member("oem"))
        #expect(try CBOR.encode(try harness.existing(MemberRecord.self, MemberID("oem")!)) == member)
    }

    typealias Refused = Refusal<ConsortiumContract>

    static let taken: @Sendable (ContractHarness) throws -> Void = {
        try $0.consortium(set([7]), as: $0.member("m1"))
    }

    @Test(
        arguments: [
            Refused("consortium.pin_taken", "one member a pin", by: "oem", before: taken, set([7])),
            Refused("consortium.duplicate_entry", "a pin is listed once", by: "oem", set([7, 7])),
            Refused("consortium.list_too_long", "four pins", by: "oem", set([1, 2, 3, 4, 5])),
            Refused(
                "consortium.own_key_required", "a delegate offers no voting key",
                signer: .delegate(of: "oem"),
                set([], votingKey: ContractHarness.newKey("v", for: "oem", sealing: nil))),
            Refused(
                "consortium.possession_not_proven", "a voting key is proven", by: "oem",
                set([], votingKey: ContractHarness.newKey("v", for: "m1", sealing: nil))),
            Refused(
                "consortium.key_taken", "a signing key does not vote", by: "oem",
                set([], votingKey: ContractHarness.newKey("oem", for: "oem", sealing: nil))),
            Refused(
                "consortium.key_taken", "a validator's key is not offered", by: "oem",
                set([], votingKey: ContractHarness.newKey("b1.voting", for: "oem", sealing: nil))),
        ]
            + [
                "http://a.example", "https://", "https://a/b", "https://a:0", "https://u@a", "https://a:",
                "a:1",
            ]
            .map { Refused("consortium.endpoint_invalid", "\($0)", by: "oem", set([], endpoint: $0)) })
    func refusesANode(_ refusal: Refused) throws { try refusal.check() }

    @Test func refusesAJoinWithAnothersPin() throws {
        try Self.taken(harness)
        try harness.consortium(ConsortiumSteps.invite(), as: harness.member("b1"))
        var join = ConsortiumSteps.join()
        for (pins, code) in [
            ([Self.pin(7)], "consortium.pin_taken"), ([], "consortium.list_too_short"),
            ((1...5).map(Self.pin), "consortium.list_too_long"),
        ] {
            join.tlsPins = pins
            let action = ConsortiumContract.Action.join(join)
            #expect(
                try harness.rejection(ConsortiumContract.self, action, as: harness.invitation("inv-1"))
                    == code)
        }
    }
}

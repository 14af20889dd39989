import Codec
import Contracts
import Ledger
import TestSupport
import Testing

/// A board announces rules and the height from which they hold.
@Suite struct RuleVersionTests {
    /// The second version of the rules: profiles stay as they are.
    private enum SecondConsortium: Contract {
        static let name = ConsortiumContract.name

        static func apply(_ action: ConsortiumContract.Action, in context: Context) throws(Rejection) {
            if case .updateProfile = action { throw Rejection("consortium.profile_fixed") }
            try ConsortiumContract.apply(action, in: context)
        }
    }

    private static let second = ContractSet(version: 2, contracts: [SecondConsortium.self]) {
        (_: Genesis, _: Context) throws(Rejection) in
        throw Rejection("consortium.no_genesis", "ledgers are founded under the first version")
    }

    private static let update = ConsortiumContract.Action.updateProfile(
        .init(name: "New", profile: Stage.profile("oem"), endpoint: ""))

    /// A stage one block before the announced height.
    private func announced(_ contracts: [ContractSet]) throws -> Stage {
        var stage = try Stage(contracts: contracts)
        let announcement = ParametersRecord.Announcement(
            version: 2, digest: stage.rules.hash([2]), activation: 5)
        for member in ["b1", "b2"] {
            try stage.step(
                ConsortiumContract.self, .propose(.init(subject: .announceContracts(announcement))),
                by: member)
        }
        #expect(try stage.get(ParametersRecord.self, .init())?.announced == announcement)
        for _ in 3...4 { try stage.step(ConsortiumContract.self, Self.update, by: "oem") }
        #expect(stage.executor.head.height == 4 && stage.executor.head.contractsVersion == 1)
        return stage
    }

    @Test func newRulesHoldFromTheirHeightOn() throws {
        var stage = try announced([.version1, Self.second])
        let verdict = try stage.perform(ConsortiumContract.self, Self.update, by: "oem")
        #expect(verdict == .refused("consortium.profile_fixed"))
        #expect(stage.executor.head.height == 5 && stage.executor.head.contractsVersion == 2)
        let parameters = try #require(try stage.get(ParametersRecord.self, .init()))
        #expect(parameters.contractsVersion == 2 && parameters.announced == nil)
        // What the second version keeps still works, and what it has dropped is gone.
        try stage.step(ConsortiumContract.self, ContractCase.invite("inv", "joiner", stage), by: "b1")
        let machine = MachineContract.Action.accept(.init(machine: MachineID("press-7")!))
        #expect(
            try stage.perform(MachineContract.self, machine, by: "customer")
                == .refused("transaction.unknown_contract"))
    }

    @Test func aNodeWithoutTheRulesHaltsAndSaysWhichAndWhere() throws {
        var stage = try announced([.version1])
        let (head, root) = (stage.executor.head, stage.executor.tree.root)
        let error = #expect(throws: LedgerFault.self) {
            try stage.perform(ConsortiumContract.self, Self.update, by: "oem")
        }
        #expect(error?.description == "contract rules 2 are in force at block 5: upgrade this node")
        #expect(stage.executor.head == head && stage.executor.tree.root == root)
    }

    @Test func theGenesisNamesTheFirstEngines() throws {
        let stage = try Stage(engines: ["nats://a.example:4222", "embedded:b1", "embedded:"])
        let engines = try stage.get(ParametersRecord.self, .init())?.engines
        #expect(engines == ["nats://a.example:4222", "embedded:b1", "embedded:"])
        #expect(try Stage().get(ParametersRecord.self, .init())?.engines == ["embedded:"])
        for engines in [[], ["nats://a.example:4222"], ["ethereum:1", "embedded:"]] {
            #expect(throws: Rejection.self) { try Stage(engines: engines) }
        }
    }
}

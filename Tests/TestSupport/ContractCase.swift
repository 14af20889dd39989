import Billing
import Codec
import Contracts
import Cryptography
import Ledger

/// One action of one contract in a state in which it succeeds, and the specification of who may sign it.
package struct ContractCase: Sendable, CustomStringConvertible {
    /// `contract.action`.
    package let action: String
    /// The member whose action it is; its delegates, its suspension and so on are tried.
    package let actor: String
    /// The names of the keys that may sign it.
    package let allowed: Set<String>
    /// Codes beside those of authorisation that refuse a signer who has no such record of its own, or a party
    /// that may not do this.
    package let ownCodes: [String]
    package let prepare: @Sendable (inout Stage) throws -> Void
    /// The signed transaction; the member is the one that the key acts for.
    package let transaction:
        @Sendable (_ stage: inout Stage, _ key: String, _ member: String) throws -> [UInt8]

    package var description: String { action }

    package typealias Prepare = @Sendable (inout Stage) throws -> Void

    /// - Parameter make: gives the action for a member.
    init<C: Contract>(
        _ contract: C.Type, _ name: String, by actor: String, allowed: Set<String>, ownCodes: [String] = [],
        prepare: @escaping Prepare = { _ in },
        make: @escaping @Sendable (_ stage: Stage, _ member: String) throws -> C.Action
    ) {
        action = "\(C.name).\(name)"
        (self.actor, self.allowed, self.ownCodes, self.prepare) = (actor, allowed, ownCodes, prepare)
        transaction = { stage, key, member in
            try stage.sign(C.self, try make(stage, member), by: key)
        }
    }

    init<C: Contract>(
        _ contract: C.Type, _ name: String, _ action: C.Action, by actor: String, allowed: Set<String>,
        ownCodes: [String] = [], prepare: @escaping Prepare = { _ in }
    ) {
        self.init(
            contract, name, by: actor, allowed: allowed, ownCodes: ownCodes, prepare: prepare
        ) { _, _ in action }
    }

    /// Every action of every contract.
    package static let all = consortium + machine + telemetry + agreement + maintenance

    /// The state before every case: two rented machines, `press-7` of `oem` and `customer` and `press-8` of
    /// `oem2` and `customer2`, each with a device, and an open invitation `inv` for `joiner`.
    package static func base() throws -> Stage {
        var stage = try Stage()
        try stage.step(ConsortiumContract.self, invite("inv", "joiner", stage), by: "b1")
        for (machine, oem, customer) in [("press-7", "oem", "customer"), ("press-8", "oem2", "customer2")] {
            try stage.step(MachineContract.self, register(machine, for: customer), by: oem)
            try stage.step(MachineContract.self, .accept(.init(machine: MachineID(machine)!)), by: customer)
        }
        for maintainer in ["m1", "m2"] {
            try stage.step(ConsortiumContract.self, accredit(maintainer), by: "oem")
        }
        return stage
    }

    static let everyone = Set(Stage.members)
    static let press = MachineID("press-7")!
    static let subject = MachineContract.Subject(machine: press)

    package static func invite(
        _ invitation: String, _ member: String, _ stage: Stage
    ) -> ConsortiumContract.Action {
        .invite(
            .init(
                invitation: InvitationID(invitation)!, member: MemberID(member)!, name: member,
                roles: [.customer],
                key: stage.newKey("\(invitation).invitation", for: member, sealing: nil)))
    }

    static func accredit(_ maintainer: String) -> ConsortiumContract.Action {
        .accredit(
            .init(
                maintainer: MemberID(maintainer)!, classes: [], regions: [], until: Stage.start + .days(365)))
    }

    static func register(_ machine: String, for customer: String) -> MachineContract.Action {
        .register(
            .init(
                machine: MachineID(machine)!, customer: MemberID(customer)!,
                machineClass: MachineClass("laser-cutter")!,
                site: .init(region: Region("de-bw")!, name: "Hall 3"),
                nameplate: .init(
                    manufacturer: "oem GmbH", model: "LC-3000", serialNumber: "4711",
                    yearOfConstruction: 2024, countryOfOrigin: "DE"),
                documents: [Stage.document("manual")],
                devices: [.init(publicKey: Stage.publicKey("\(machine).device"), label: "main box")],
                reportingIntervalMilliseconds: 10_000))
    }
}

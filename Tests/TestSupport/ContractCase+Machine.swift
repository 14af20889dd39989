import Billing
import Codec
import Contracts
import Ledger

extension ContractCase {
    private typealias Contract = MachineContract
    private static let customer: Set<String> = ["customer", "delegate"]
    private static let oem: Set<String> = ["oem", "delegate"]
    private static let parties: Set<String> = ["customer", "oem", "delegate"]

    static let machine: [ContractCase] = [
        .init(
            Contract.self, "register", register("press-9", for: "customer"), by: "oem",
            allowed: ["oem", "oem2", "delegate"]),
        .init(
            Contract.self, "accept", .accept(.init(machine: MachineID("press-9")!)), by: "customer",
            allowed: customer,
            prepare: { try $0.step(Contract.self, register("press-9", for: "customer"), by: "oem") }),
        .init(
            Contract.self, "start", .start(subject), by: "customer", allowed: customer.union(["device"])),
        .init(
            Contract.self, "stop", stop, by: "customer", allowed: customer.union(["device"]),
            prepare: { try $0.step(Contract.self, .start(subject), by: "customer") }),
        .init(
            Contract.self, "reset", .reset(subject), by: "customer", allowed: parties,
            prepare: { stage in
                try stage.step(Contract.self, .start(subject), by: "customer")
                try stage.step(Contract.self, stop, by: "press-7.device")
            }),
        .init(Contract.self, "proposeTermination", terminate, by: "customer", allowed: parties),
        .init(
            Contract.self, "acceptTermination", .acceptTermination(subject), by: "customer",
            allowed: customer, ownCodes: ["machine.own_proposal"],
            prepare: { try $0.step(Contract.self, terminate, by: "oem") }),
        .init(
            Contract.self, "declineTermination", .declineTermination(subject), by: "customer",
            allowed: parties, prepare: { try $0.step(Contract.self, terminate, by: "oem") }),
        .init(Contract.self, "replaceDevice", replace, by: "oem", allowed: ["oem", "delegate"]),
        .init(
            Contract.self, "acceptDevice",
            .acceptDevice(.init(machine: press, key: Stage.keyID("spare"))), by: "customer",
            allowed: customer, prepare: { try $0.step(Contract.self, replace, by: "oem") }),
        .init(
            Contract.self, "relocate",
            .relocate(.init(machine: press, site: .init(region: Region("de-by")!, name: "Hall 4"))),
            by: "customer", allowed: customer),
        .init(
            Contract.self, "setStandingOrder",
            .setStandingOrder(
                .init(
                    machine: press,
                    order: .init(
                        currency: .euro, priceLimit: MinorUnits(100_000), ceiling: MinorUnits(300_000)))),
            by: "customer", allowed: customer),
    ]

    private static let stop = Contract.Action.stop(.init(machine: press, reason: "jammed", fault: true))
    private static let terminate = Contract.Action.proposeTermination(
        .init(machine: press, reason: "no longer needed"))
    private static let replace = Contract.Action.replaceDevice(
        .init(
            machine: press, replaces: Stage.keyID("press-7.device"),
            device: .init(publicKey: Stage.publicKey("spare"), label: "spare box")))

    static let telemetry: [ContractCase] = [
        .init(
            TelemetryContract.self, "anchor", anchor(), by: "customer", allowed: customer.union(["device"])),
        .init(
            TelemetryContract.self, "declareGap",
            .declareGap(
                .init(
                    machine: press, first: 1, last: 7, fromMilliseconds: 0, toMilliseconds: 9000,
                    reason: "the box's disk failed", previous: nil)), by: "customer", allowed: customer),
        .init(
            TelemetryContract.self, "contest", contest, by: "oem", allowed: oem,
            prepare: { try $0.step(TelemetryContract.self, anchor(), by: "customer") }),
        .init(
            TelemetryContract.self, "withdrawContest",
            .withdrawContest(.init(machine: press, number: 1)), by: "oem", allowed: oem,
            prepare: { stage in
                try stage.step(TelemetryContract.self, anchor(), by: "customer")
                try stage.step(TelemetryContract.self, contest, by: "oem")
            }),
    ]

    private static let contest = TelemetryContract.Action.contest(
        .init(machine: press, number: 1, reason: "not in any vault"))

    /// The first hundred entries, from a day before the consortium's founding on.
    static func anchor(until end: Timestamp = Stage.start) -> TelemetryContract.Action {
        .anchor(
            .init(
                machine: press, first: 1, last: 100,
                fromMilliseconds: (Stage.start + .days(-1)).milliseconds,
                toMilliseconds: end.milliseconds, count: 100,
                cid: Stage.document("batch").cid, cipherDigest: .zero, root: .zero,
                device: Stage.keyID("press-7.device"), previous: nil))
    }
}

import Codec
import Contracts
import Ledger
import Testing

@Suite struct MachineRefusalTests {
    typealias Refused = Refusal<MachineContract>
    typealias Steps = MachineSteps

    static func registering(
        _ code: String, _ name: String, _ change: (inout MachineContract.Register) -> Void
    ) -> Refused {
        var body = ContractHarness.registration("press-7")
        change(&body)
        return Refused(code, name, by: "oem", .register(body))
    }

    @Test(arguments: [
        Refused(
            "machine.role_required", "only an OEM registers", by: "customer",
            .register(ContractHarness.registration("press-7"))),
        registering("machine.role_required", "the renter is a customer") { $0.customer = MemberID("m1")! },
        registering("member.unknown", "the renter is a member") { $0.customer = MemberID("nobody")! },
        Refused(
            "machine.exists", "a name is taken once", by: "oem2", before: Steps.registered,
            .register(ContractHarness.registration("press-7"))),
        registering("machine.text_too_short", "a site has a name") { $0.site.name = "" },
        registering("machine.text_too_long", "a model has a bound") {
            $0.nameplate.model = String(repeating: "x", count: 201)
        },
        registering("machine.text_invalid", "a serial number is one line") {
            $0.nameplate.serialNumber = "4711\n"
        },
        registering("machine.number_out_of_range", "a year is plausible") {
            $0.nameplate.yearOfConstruction = 1899
        },
        registering("machine.country_invalid", "a country is two letters") {
            $0.nameplate.countryOfOrigin = "DEU"
        },
        registering("machine.list_too_long", "documents have a bound") {
            $0.documents = Array(repeating: ContractHarness.document("x"), count: 33)
        },
        registering("machine.cid_malformed", "a document has a content identifier") {
            $0.documents[0].cid = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
        },
        registering("machine.number_out_of_range", "a document has a size") { $0.documents[0].size = -1 },
        registering("machine.list_too_short", "a machine has a device") { $0.devices = [] },
        registering("machine.list_too_long", "devices have a bound") {
            $0.devices = Array(repeating: $0.devices[0], count: 9)
        },
        registering("machine.text_too_short", "a device has a label") { $0.devices[0].label = "" },
        registering("machine.key_malformed", "a device's key is 32 bytes") {
            $0.devices[0].publicKey = Bytes([1])
        },
        registering("machine.key_taken", "a device's key is new") {
            $0.devices[0].publicKey = ContractHarness.publicKey("oem")
        },
        registering("machine.key_taken", "devices' keys are distinct") { $0.devices.append($0.devices[0]) },
        registering("machine.number_out_of_range", "a machine reports often enough") {
            $0.reportingIntervalMilliseconds = 99
        },
    ]) func refusesARegistration(_ refusal: Refused) throws { try refusal.check() }

    @Test(arguments: [
        Refused("machine.unknown", "a machine is on the ledger", by: "customer", .accept(Steps.acceptance)),
        Refused(
            "machine.not_a_party", "another does not accept", by: "customer2", before: Steps.registered,
            .accept(Steps.acceptance)),
        Refused(
            "machine.wrong_state", "acceptance is once", by: "customer", before: Steps.accepted,
            .accept(Steps.acceptance)),
        Refused(
            "machine.key_taken", "a device's key has come since", by: "customer",
            before: { harness in
                try Steps.registered(harness)
                let delegation = ConsortiumSteps.delegation(key: "press-7.device")
                try harness.consortium(delegation, as: harness.member("oem"))
            }, .accept(Steps.acceptance)),
        Refused(
            "machine.not_a_party", "the OEM does not start", by: "oem", before: Steps.accepted,
            .start(Steps.press)),
        Refused(
            "machine.wrong_device", "another machine's device does not start",
            signer: .device(of: "press-8"), before: Steps.accepted, .start(Steps.press)),
        Refused(
            "machine.wrong_device", "another customer's device does not start",
            signer: .device(of: "press-7", customer: "customer2"), before: Steps.accepted, .start(Steps.press)
        ),
        Refused(
            "machine.member_not_active", "a suspended customer's device does not start",
            signer: .device(of: "press-7"),
            before: {
                try Steps.accepted($0)
                try $0.decide(.suspend(member: MemberID("customer")!))
            }, .start(Steps.press)),
        Refused(
            "machine.wrong_state", "what is not accepted does not start", by: "customer",
            before: Steps.registered, .start(Steps.press)),
        Refused(
            "machine.wrong_state", "what runs does not start", by: "customer", before: Steps.running,
            .start(Steps.press)),
        Refused(
            "machine.wrong_state", "what is ending does not start", by: "customer", before: Steps.terminating,
            .start(Steps.press)),
        Refused(
            "machine.fault_not_reset", "a fault is reset first", by: "customer", before: Steps.faulted,
            .start(Steps.press)),
        Refused(
            "machine.not_a_party", "the OEM does not stop", by: "oem", before: Steps.running, Steps.stop()),
        Refused(
            "machine.wrong_state", "what stands does not stop", by: "customer", before: Steps.stopped,
            Steps.stop()),
        Refused(
            "machine.text_too_short", "a stop has a reason", by: "customer", before: Steps.running,
            Steps.stop(reason: "")),
        Refused(
            "machine.text_too_long", "a reason has a bound", by: "customer", before: Steps.running,
            Steps.stop(reason: String(repeating: "x", count: 501))),
        Refused(
            "machine.not_a_member_key", "a device does not reset", signer: .device(of: "press-7"),
            before: Steps.faulted, .reset(Steps.press)),
        Refused(
            "machine.not_a_party", "a maintainer does not reset", by: "m1", before: Steps.faulted,
            .reset(Steps.press)),
        Refused(
            "machine.wrong_state", "what runs is not reset", by: "oem", before: Steps.running,
            .reset(Steps.press)),
        Refused(
            "machine.no_fault", "a plain stop is not reset", by: "oem", before: Steps.stopped,
            .reset(Steps.press)),
    ]) func refusesToRun(_ refusal: Refused) throws { try refusal.check() }

    @Test(arguments: [
        Refused(
            "machine.not_a_party", "only a party proposes the end", by: "m1", before: Steps.stopped,
            Steps.terminate()),
        Refused(
            "machine.wrong_state", "what runs does not end", by: "oem", before: Steps.running,
            Steps.terminate()),
        Refused(
            "machine.text_too_short", "an end has a reason", by: "oem", before: Steps.stopped,
            Steps.terminate(reason: "")),
        Refused(
            "machine.own_proposal", "the other accepts the end", by: "customer", before: Steps.terminating,
            .acceptTermination(Steps.press)),
        Refused(
            "machine.not_a_party", "a stranger accepts nothing", by: "oem2", before: Steps.terminating,
            .acceptTermination(Steps.press)),
        Refused(
            "machine.wrong_state", "an end is proposed first", by: "oem", before: Steps.stopped,
            .acceptTermination(Steps.press)),
        Refused(
            "machine.wrong_state", "nothing to decline", by: "oem", before: Steps.stopped,
            .declineTermination(Steps.press)),
        Refused(
            "machine.not_a_party", "a stranger declines nothing", by: "oem2", before: Steps.terminating,
            .declineTermination(Steps.press)),
        Refused(
            "machine.not_a_party", "the OEM brings devices", by: "customer", before: Steps.running,
            Steps.replace()),
        Refused(
            "machine.wrong_state", "an unaccepted machine keeps its devices", by: "oem",
            before: Steps.registered, Steps.replace()),
        Refused(
            "machine.unknown_device", "a device is the machine's", by: "oem", before: Steps.running,
            Steps.replace("press-8.device")),
        Refused(
            "machine.key_taken", "a replacement is new", by: "oem", before: Steps.running,
            Steps.replace(with: "press-7.device")),
        Refused(
            "machine.text_too_long", "a label has a bound", by: "oem", before: Steps.running,
            Steps.replace(label: String(repeating: "x", count: 101))),
        Refused(
            "machine.not_a_party", "the customer accepts devices", by: "oem", before: Steps.replacing,
            Steps.acceptDevice()),
        Refused(
            "machine.no_replacement", "a device is brought first", by: "customer", before: Steps.running,
            Steps.acceptDevice()),
        Refused(
            "machine.no_replacement", "the accepted key is named", by: "customer", before: Steps.replacing,
            Steps.acceptDevice("press-7.device.3")),
        Refused(
            "machine.wrong_state", "what is ending gets no device", by: "customer",
            before: {
                try Steps.replacing($0)
                try $0.machine(Steps.stop(), as: $0.member("customer"))
                try $0.machine(Steps.terminate(), as: $0.member("oem"))
            }, Steps.acceptDevice()),
        Refused(
            "machine.not_a_party", "the customer moves the machine", by: "oem", before: Steps.stopped,
            Steps.relocate()),
        Refused(
            "machine.wrong_state", "what runs is not moved", by: "customer", before: Steps.running,
            Steps.relocate()),
        Refused(
            "machine.text_too_short", "a site has a name", by: "customer", before: Steps.stopped,
            Steps.relocate("")),
    ]) func refusesToEndReplaceOrMove(_ refusal: Refused) throws { try refusal.check() }
}

import Billing
import Codec
import Contracts
import Testing

@testable import Ledger

extension ContractHarness {
    func machine(_ action: MachineContract.Action, as signer: Signer) throws {
        try run(MachineContract.self, action, as: signer)
    }

    func machine(_ id: String = "press-7") throws -> MachineRecord {
        try existing(MachineRecord.self, MachineID(id)!)
    }
}

/// Ready-made actions on the machine `press-7`.
enum MachineSteps {
    static let press = MachineContract.Subject(machine: MachineID("press-7")!)
    static let acceptance = MachineContract.Accept(machine: press.machine)

    static func stop(fault: Bool = false, reason: String = "end of shift") -> MachineContract.Action {
        .stop(.init(machine: press.machine, reason: reason, fault: fault))
    }

    static func terminate(reason: String = "end of contract") -> MachineContract.Action {
        .proposeTermination(.init(machine: press.machine, reason: reason))
    }

    static func relocate(_ name: String = "Hall 9") -> MachineContract.Action {
        .relocate(.init(machine: press.machine, site: .init(region: Region("de-by")!, name: name)))
    }

    static func replace(
        _ old: String = "press-7.device", with new: String = "press-7.device.2", label: String = "new box"
    ) -> MachineContract.Action {
        .replaceDevice(
            .init(
                machine: press.machine, replaces: ContractHarness.keyID(old),
                device: .init(publicKey: ContractHarness.publicKey(new), label: label)))
    }

    static func acceptDevice(_ key: String = "press-7.device.2") -> MachineContract.Action {
        .acceptDevice(.init(machine: press.machine, key: ContractHarness.keyID(key)))
    }

    typealias Step = @Sendable (ContractHarness) throws -> Void

    static let registered: Step = {
        try $0.machine(.register(ContractHarness.registration("press-7")), as: $0.member("oem"))
    }
    static let accepted: Step = { try $0.acceptedMachine("press-7") }
    static let running: Step = {
        try accepted($0)
        try $0.machine(.start(press), as: $0.member("customer"))
    }
    static let stopped: Step = {
        try running($0)
        try $0.machine(stop(), as: $0.member("customer"))
    }
    static let faulted: Step = {
        try running($0)
        try $0.machine(stop(fault: true), as: $0.device(of: "press-7"))
    }
    static let terminating: Step = {
        try stopped($0)
        try $0.machine(terminate(), as: $0.member("customer"))
    }
    static let replacing: Step = {
        try running($0)
        try $0.machine(replace(), as: $0.member("oem"))
    }
}

@Suite struct MachineTests {
    let harness: ContractHarness

    init() throws { harness = try ContractHarness() }

    @Test func theOEMRegistersAndTheCustomerAccepts() throws {
        try MachineSteps.registered(harness)
        let device = ContractHarness.keyID("press-7.device")
        #expect(try harness.machine().state == .registered)
        #expect(try harness.existing(KeyRecord.self, device).since == .max)
        try harness.machine(.accept(MachineSteps.acceptance), as: harness.member("customer"))
        #expect(try harness.machine().state == .accepted)
        let key = try harness.existing(KeyRecord.self, device)
        #expect(key.kind == .device && key.account == MemberID("customer") && key.subject == "press-7")
        #expect(key.scopes == MachineContract.deviceScopes && key.since == harness.height)
    }

    @Test func customerAndDeviceStartAndStop() throws {
        try MachineSteps.accepted(harness)
        let device = harness.device(of: "press-7")
        try harness.machine(.start(MachineSteps.press), as: device)
        #expect(try harness.machine().state == .inService)
        try harness.machine(MachineSteps.stop(), as: harness.delegate(of: "customer"))
        try harness.machine(.start(MachineSteps.press), as: harness.member("customer"))
        try harness.machine(MachineSteps.stop(reason: "material is\nmissing"), as: device)
        let machine = try harness.machine()
        #expect(machine.state == .stopped)
        #expect(machine.lastStop?.key == device.key && machine.lastStop?.hasOpenFault == false)
    }

    private func row(_ key: RowKey) throws -> [UInt8] {
        try #require(harness.rows.first { $0.key == key }?.value, "there is no such row")
    }

    /// What never changes is not written anew with each start and stop, and outlives the rent.
    @Test func thePlateIsWrittenByTheRegistrationAndByNothingElse() throws {
        try MachineSteps.registered(harness)
        let id = MachineSteps.press.machine
        let (key, body) = (NameplateRecord.rowKey(id), ContractHarness.registration("press-7"))
        let plate = try harness.existing(NameplateRecord.self, id)
        #expect(plate.nameplate == body.nameplate && plate.documents == body.documents)
        let (written, registered) = (try row(key), harness.height)
        #expect(try StoredRow(decoding: written).change.height == registered)

        let customer = harness.member("customer")
        try harness.machine(.accept(MachineSteps.acceptance), as: customer)
        try harness.machine(.start(MachineSteps.press), as: customer)
        try harness.machine(MachineSteps.stop(), as: harness.device(of: "press-7"))
        try harness.machine(MachineSteps.relocate(), as: customer)
        try harness.machine(MachineSteps.terminate(), as: customer)
        try harness.machine(.acceptTermination(MachineSteps.press), as: harness.member("oem"))
        #expect(try harness.machine().state == .terminated)
        #expect(try row(key) == written)
        let machine = try StoredRow(decoding: try row(MachineRecord.rowKey(id)))
        #expect(machine.change.height == registered + 6)
    }

    @Test(arguments: ["oem", "customer"]) func aFaultIsResetBeforeTheNextStart(_ name: String) throws {
        try MachineSteps.faulted(harness)
        try harness.machine(.reset(MachineSteps.press), as: harness.member(name))
        let stop = try #require(try harness.machine().lastStop)
        #expect(stop.fault && !stop.hasOpenFault && stop.resetBy?.text == name)
        #expect(try harness.machine().state == .stopped)
        try harness.machine(.start(MachineSteps.press), as: harness.device(of: "press-7"))
        #expect(try harness.machine().state == .inService)
    }

    @Test(arguments: [("oem", "customer"), ("customer", "oem")])
    func bothPartiesEndTheRent(_ proposer: String, _ other: String) throws {
        try MachineSteps.stopped(harness)
        try harness.machine(MachineSteps.terminate(), as: harness.member(proposer))
        #expect(try harness.machine().state == .terminating)
        try harness.machine(.acceptTermination(MachineSteps.press), as: harness.member(other))
        #expect(try harness.machine().state == .terminated)
        #expect(try harness.machine().terminated == harness.now)
        #expect(try harness.existing(KeyRecord.self, ContractHarness.keyID("press-7.device")).revoked)
    }

    /// An agreement of the machine in force since the founding, for 100 days.
    private func putAgreement(finalInvoice: InvoiceID?) throws {
        let founded = ContractHarness.start
        let terms = AgreedTerms(
            document: ContractHarness.document("terms"), arbiter: MemberID("arbiter")!,
            currency: CurrencyCode(rawValue: "EUR")!, validFrom: founded, validTo: founded + .days(100),
            minimumDisputeWindow: .days(10), paymentDays: 30, classificationWindow: .days(5))
        var agreement = AgreementRecord(
            id: AgreementID("rent-7")!, machine: MachineSteps.press.machine, oem: MemberID("oem")!,
            customer: MemberID("customer")!)
        (agreement.state, agreement.pending, agreement.versions) = (.active, nil, [.init(1, terms)])
        agreement.hasBegun = true
        agreement.finalInvoice = finalInvoice
        try harness.context().put(agreement)
        harness.state.keep()
    }

    @Test func theRentEndsAfterTheFinalInvoice() throws {
        try MachineSteps.terminating(harness)
        try putAgreement(finalInvoice: nil)
        let accept = MachineContract.Action.acceptTermination(MachineSteps.press)
        #expect(
            try harness.rejection(MachineContract.self, accept, as: harness.member("oem"))
                == "machine.not_settled")
        #expect(try harness.machine().state == .terminating)
        try putAgreement(finalInvoice: InvoiceID(issuer: MemberID("oem")!, number: "2025-001"))
        try harness.machine(accept, as: harness.member("oem"))
        #expect(try harness.machine().state == .terminated)
        #expect(try harness.existing(AgreementRecord.self, AgreementID("rent-7")!).state == .ended)
    }

    @Test(arguments: ["oem", "customer"]) func aTerminationIsDeclinedOrTakenBack(_ name: String) throws {
        try MachineSteps.terminating(harness)
        try harness.machine(.declineTermination(MachineSteps.press), as: harness.member(name))
        #expect(try harness.machine().state == .stopped)
        #expect(try harness.machine().termination == nil)
        try harness.machine(.start(MachineSteps.press), as: harness.member("customer"))
    }

    @Test(arguments: ["oem", "customer"]) func whatWasNeverAcceptedEndsAtOnce(_ name: String) throws {
        try MachineSteps.registered(harness)
        try harness.machine(MachineSteps.terminate(), as: harness.member(name))
        #expect(try harness.machine().state == .terminated)
    }

    private func registration(_ name: String, devicesOf machine: String) -> MachineContract.Action {
        var body = ContractHarness.registration(name)
        body.devices = ContractHarness.registration(machine).devices
        return .register(body)
    }

    private func code(_ action: MachineContract.Action, by name: String) throws -> String? {
        try harness.rejection(MachineContract.self, action, as: harness.member(name))
    }

    /// Everybody can read the key from when the machine is registered.
    @Test func aDevicesKeyIsKeptForItsOEMUntilTheCustomerAccepts() throws {
        try MachineSteps.registered(harness)
        let key = ContractHarness.keyID("press-7.device")
        #expect(try harness.existing(KeyRecord.self, key).since == .max, "it signs nothing yet")
        let squatting = registration("press-8", devicesOf: "press-7")
        #expect(try code(squatting, by: "oem2") == "machine.key_taken")
        #expect(try code(squatting, by: "oem") == "machine.key_taken", "one key, one machine")
        try harness.machine(.accept(MachineSteps.acceptance), as: harness.member("customer"))
        let record = try harness.existing(KeyRecord.self, key)
        #expect(record.account == MemberID("customer")! && record.subject == "press-7" && record.since < .max)
    }

    /// An OEM must not keep a newcomer out, or a member from delegating, by naming a key that it has read.
    @Test func whoProvesToHoldAKeyThatIsKeptForADeviceGetsIt() throws {
        try MachineSteps.registered(harness)
        try harness.run(
            ConsortiumContract.self, ConsortiumSteps.delegation(key: "press-7.device"),
            as: harness.member("oem"))
        let record = try harness.existing(KeyRecord.self, ContractHarness.keyID("press-7.device"))
        #expect(record.kind == .delegate && record.subject.isEmpty && record.since < .max)
        #expect(try code(.accept(MachineSteps.acceptance), by: "customer") == "machine.key_taken")
        try harness.machine(MachineSteps.terminate(), as: harness.member("oem"))
        let kept = try harness.existing(KeyRecord.self, record.id)
        #expect(kept.kind == .delegate && !kept.revoked, "it stays its holder's")
    }

    @Test func aKeyThatItsOEMRevokesBeforeAcceptanceIsNoDevices() throws {
        try MachineSteps.registered(harness)
        try harness.run(
            ConsortiumContract.self, .revokeKey(.init(key: ContractHarness.keyID("press-7.device"))),
            as: harness.member("oem"))
        #expect(try code(.accept(MachineSteps.acceptance), by: "customer") == "machine.key_taken")
    }

    @Test func aMachineThatEndsUnacceptedKeepsNoKey() throws {
        try MachineSteps.registered(harness)
        try harness.machine(MachineSteps.terminate(), as: harness.member("oem"))
        try harness.machine(
            registration("press-8", devicesOf: "press-7"), as: harness.member("oem2"))
    }

    @Test func aReplacementIsKeptUntilAnotherTakesItsPlace() throws {
        try MachineSteps.replacing(harness)
        var other = ContractHarness.registration("press-8")
        other.devices[0].publicKey = ContractHarness.publicKey("press-7.device.2")
        #expect(try code(.register(other), by: "oem2") == "machine.key_taken")
        try harness.machine(MachineSteps.replace(label: "same box"), as: harness.member("oem"))
        #expect(try code(.register(other), by: "oem2") == "machine.key_taken")
        try harness.machine(MachineSteps.replace(with: "press-7.device.3"), as: harness.member("oem"))
        try harness.machine(.register(other), as: harness.member("oem2"))
        try harness.machine(MachineSteps.acceptDevice("press-7.device.3"), as: harness.member("customer"))
    }

    @Test func aDeviceIsReplacedWhileTheMachineRuns() throws {
        try MachineSteps.replacing(harness)
        #expect(try !harness.existing(KeyRecord.self, ContractHarness.keyID("press-7.device")).revoked)
        try harness.machine(MachineSteps.acceptDevice(), as: harness.member("customer"))
        let machine = try harness.machine()
        #expect(machine.devices.map(\.label) == ["new box"] && machine.replacement == nil)
        #expect(try harness.existing(KeyRecord.self, ContractHarness.keyID("press-7.device")).revoked)
        #expect(try !harness.existing(KeyRecord.self, ContractHarness.keyID("press-7.device.2")).revoked)
    }

    @Test func theCustomerMovesAMachineThatIsNotRunning() throws {
        try MachineSteps.stopped(harness)
        try harness.machine(MachineSteps.relocate(), as: harness.member("customer"))
        #expect(try harness.machine().site == .init(region: Region("de-by")!, name: "Hall 9"))
        #expect(harness.events == ["relocated"])
    }
}

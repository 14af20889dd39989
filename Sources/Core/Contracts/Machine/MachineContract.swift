import Codec
import Ledger

/// A machine's life under rent: registered → accepted → inService ↔ stopped → terminating → terminated.
///
/// Starting and stopping are the customer's, or its device's in its name: the ledger never controls a
/// machine, it records from when to when it was in service, which is what is billed. A stop with a fault
/// has to be reset, by the customer or the OEM and never by a device, before the machine starts again; any
/// other stop needs no reset.
package enum MachineContract: Contract {
    package static let name = "machine"

    /// What a device may sign: it starts and stops its machine, reports faults, and anchors its telemetry
    /// where the box does so by itself. It declares no gaps, resets no faults and says nothing about prices:
    /// those are a company's word.
    package static let deviceScopes = [
        "machine.start", "machine.stop", "maintenance.report", "telemetry.anchor",
    ]

    package static func apply(_ action: Action, in context: Context) throws(Rejection) {
        switch action {
        case .register(let body): try register(body, context)
        case .accept(let body): try accept(body, context)
        case .start(let body): try start(body.machine, context)
        case .stop(let body): try stop(body, context)
        case .reset(let body): try reset(body.machine, context)
        case .proposeTermination(let body): try proposeTermination(body, context)
        case .acceptTermination(let body): try acceptTermination(body.machine, context)
        case .declineTermination(let body): try declineTermination(body.machine, context)
        case .replaceDevice(let body): try replaceDevice(body, context)
        case .acceptDevice(let body): try acceptDevice(body, context)
        case .relocate(let body): try relocate(body, context)
        case .setStandingOrder(let body): try setStandingOrder(body, context)
        }
    }

    package static func action(decoding bytes: [UInt8]) throws(CodecError) -> Action {
        if let action = Action(commonest: bytes) { return action }
        return try CBOR.decode(Action.self, from: bytes)
    }

    // MARK: register, accept

    private static func register(_ body: Register, _ context: Context) throws(Rejection) {
        let oem = try context.requireRole(.oem)
        try context.requireRole(.customer, of: try context.activeMember(body.customer))
        try context.require(
            try context.get(MachineRecord.self, body.machine) == nil, else: "machine.exists",
            "there is a machine \(body.machine)")
        try requireSite(body.site, context)
        try requireNameplate(body.nameplate, context)
        try context.requireDocuments(body.documents)
        try context.requireList(body.devices, "devices", count: 1...8)
        var devices: [MachineRecord.Device] = []
        for device in body.devices {
            let device = try newDevice(device, of: body.machine, by: oem.id, context)
            try context.require(
                !devices.contains { $0.key == device.key }, else: "machine.key_taken",
                "two devices have the same key")
            devices.append(device)
        }
        try context.requireNumber(
            body.reportingIntervalMilliseconds, "reportingIntervalMilliseconds", in: 100...86_400_000)
        try context.put(
            MachineRecord(
                id: body.machine, oem: oem.id, customer: body.customer, machineClass: body.machineClass,
                site: body.site, devices: devices,
                reportingIntervalMilliseconds: body.reportingIntervalMilliseconds,
                registered: context.time))
        try context.put(
            NameplateRecord(id: body.machine, nameplate: body.nameplate, documents: body.documents))
        context.emit("registered", body.machine)
    }

    private static func requireSite(_ site: MachineRecord.Site, _ context: Context) throws(Rejection) {
        try context.requireText(site.name, "site", bytes: 1...200)
    }

    private static func requireNameplate(
        _ nameplate: Nameplate, _ context: Context
    ) throws(Rejection) {
        try context.requireText(nameplate.manufacturer, "manufacturer", bytes: 1...200)
        try context.requireText(nameplate.model, "model", bytes: 1...200)
        try context.requireText(nameplate.serialNumber, "serialNumber", bytes: 1...200)
        try context.requireNumber(nameplate.yearOfConstruction, "yearOfConstruction", in: 1900...2200)
        if let country = nameplate.countryOfOrigin { try context.requireCountry(country) }
    }

    private static func accept(_ body: Accept, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.customer)
        try requireState(machine, [.registered], context)
        try requireOrder(body.order, context)
        if let order = body.order { try context.put(StandingOrderRecord(id: machine.id, order: order)) }
        for device in machine.devices { try enable(device, of: machine, context) }
        machine.state = .accepted
        machine.accepted = context.time
        try context.put(machine)
        context.emit("accepted", machine.id)
    }

    // MARK: start, stop, reset

    private static func start(_ id: MachineID, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, id)
        try context.requireOperator(of: machine)
        try requireState(machine, [.accepted, .stopped], context)
        try context.require(
            machine.lastStop?.hasOpenFault != true, else: "machine.fault_not_reset",
            "the fault has to be reset before the machine starts")
        machine.state = .inService
        machine.started = context.time
        try context.put(machine)
        context.emit("started", id)
    }

    private static func stop(_ body: Stop, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireOperator(of: machine)
        try requireState(machine, [.inService], context)
        try context.requireProse(body.reason, "reason", bytes: 1...500)
        machine.state = .stopped
        machine.lastStop = MachineRecord.Stop(
            reason: body.reason, fault: body.fault, key: try context.signer.key, time: context.time)
        try context.put(machine)
        context.emit("stopped", body.machine)
    }

    private static func reset(_ id: MachineID, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, id)
        let member = try context.requireParty(oneOf: [machine.oem, machine.customer])
        try requireState(machine, [.stopped], context)
        guard var stop = machine.lastStop, stop.hasOpenFault else {
            throw Rejection("machine.no_fault", "there is no fault to reset")
        }
        (stop.reset, stop.resetBy) = (context.time, member.id)
        machine.lastStop = stop
        try context.put(machine)
        context.emit("reset", id)
    }

    /// - Throws: `machine.wrong_state`.
    static func requireState(
        _ machine: MachineRecord, _ allowed: [MachineRecord.State], _ context: Context
    ) throws(Rejection) {
        try context.require(
            allowed.contains(machine.state), else: "machine.wrong_state",
            "\(machine.id) is \(machine.state.rawValue)")
    }

    // MARK: setStandingOrder

    private static func setStandingOrder(
        _ body: SetStandingOrder, _ context: Context
    ) throws(Rejection) {
        let machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.customer)
        try requireState(machine, [.accepted, .inService, .stopped, .terminating], context)
        try requireOrder(body.order, context)
        if let order = body.order {
            try context.put(StandingOrderRecord(id: machine.id, order: order))
        } else {
            try context.delete(StandingOrderRecord.self, machine.id)
        }
        context.emit("standingOrderSet", machine.id)
    }

    private static func requireOrder(_ order: StandingOrder?, _ context: Context) throws(Rejection) {
        guard let order else { return }
        try context.requireTender(order.tender)
        let prices = 0...MaintenanceContract.maximumPrice
        try context.requireNumber(order.priceLimit.rawValue, "priceLimit", in: prices)
        try context.requireNumber(order.ceiling.rawValue, "ceiling", in: prices)
    }

    // MARK: relocate

    private static func relocate(_ body: Relocate, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.customer)
        try requireState(machine, [.accepted, .stopped], context)
        try requireSite(body.site, context)
        machine.site = body.site
        try context.put(machine)
        context.emit("relocated", body.machine)
    }
}

import Codec
import Ledger

/// The devices that sign for a machine.
///
/// The OEM brings their public keys without a proof of possession: devices are provisioned in a workshop,
/// long before the ledger's name or the customer is known. Nothing is lost by it: a key that its bringer
/// does not hold can sign nothing, what a device signs names its machine, and a key that is already on the
/// ledger is refused.
extension MachineContract {
    /// - Throws: `machine.key_malformed`, `machine.key_taken`, `machine.text_*`.
    static func newDevice(_ new: NewDevice, _ context: Context) throws(Rejection) -> MachineRecord.Device {
        try context.requireText(new.label, "label", bytes: 1...100)
        let key = try context.freshKey(new.publicKey)
        return MachineRecord.Device(key: key, publicKey: new.publicKey, label: new.label)
    }

    /// Lets a device sign for the customer from the next block on.
    /// - Throws: `machine.key_taken` where the key has come to the ledger since the OEM named it.
    static func enable(
        _ device: MachineRecord.Device, of machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        let key = try context.freshKey(device.publicKey)
        try context.put(
            KeyRecord(
                id: key, publicKey: device.publicKey, account: machine.customer, kind: .device,
                subject: machine.id.text, scopes: deviceScopes, since: context.height))
    }

    static func replaceDevice(_ body: ReplaceDevice, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.oem)
        try requireState(machine, [.accepted, .inService, .stopped], context)
        try context.require(
            machine.devices.contains { $0.key == body.replaces }, else: "machine.unknown_device",
            "\(machine.id) has no such device")
        machine.replacement = MachineRecord.Replacement(
            replaces: body.replaces, device: try newDevice(body.device, context), proposed: context.time)
        try context.put(machine)
        context.emit("deviceProposed", machine.id)
    }

    static func acceptDevice(_ body: AcceptDevice, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.customer)
        try requireState(machine, [.accepted, .inService, .stopped], context)
        guard let replacement = machine.replacement, replacement.device.key == body.key,
            let index = machine.devices.firstIndex(where: { $0.key == replacement.replaces })
        else { throw Rejection("machine.no_replacement", "the OEM has not brought this device") }
        try enable(replacement.device, of: machine, context)
        try context.revokeKey(replacement.replaces)
        machine.devices[index] = replacement.device
        machine.replacement = nil
        try context.put(machine)
        context.emit("deviceReplaced", machine.id)
    }
}

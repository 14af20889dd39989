import Codec
import Ledger

/// The devices that sign for a machine.
///
/// The OEM brings their public keys without a proof of possession: devices are provisioned in a workshop,
/// long before the ledger's name or the customer is known. A key that its bringer does not hold can sign
/// nothing, what a device signs names its machine, and a key that is already on the ledger is refused. From
/// when the OEM names it everybody can read it, and until the customer accepts, another could bring it as its
/// own: it is kept for the OEM meanwhile.
extension MachineContract {
    /// Keeps the key for the OEM and this machine until the customer accepts it.
    /// - Throws: `machine.key_malformed`, `machine.key_taken`, `machine.text_*`.
    static func newDevice(
        _ new: NewDevice, of machine: MachineID, by oem: MemberID, _ context: Context
    ) throws(Rejection) -> MachineRecord.Device {
        try context.requireText(new.label, "label", bytes: 1...100)
        let key = try context.freshKey(new.publicKey) { isKept($0, for: machine, of: oem) }
        let device = MachineRecord.Device(key: key, publicKey: new.publicKey, label: new.label)
        try context.put(deviceKey(device, of: machine, account: oem, since: .max))
        return device
    }

    /// Lets a device sign for the customer from the next block on.
    /// - Throws: `machine.key_taken` where somebody has proven since the OEM named it that the key is theirs,
    ///   or the OEM has revoked it.
    static func enable(
        _ device: MachineRecord.Device, of machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        _ = try context.freshKey(device.publicKey) { isKept($0, for: machine.id, of: machine.oem) }
        try context.put(
            deviceKey(device, of: machine.id, account: machine.customer, since: context.height))
    }

    /// Keeps a key for this machine no longer, where it is.
    static func release(
        _ device: MachineRecord.Device, of machine: MachineRecord, _ context: Context
    ) throws(Rejection) {
        guard let key = try context.get(KeyRecord.self, device.key),
            isKept(key, for: machine.id, of: machine.oem)
        else { return }
        try context.delete(KeyRecord.self, key.id)
    }

    private static func deviceKey(
        _ device: MachineRecord.Device, of machine: MachineID, account: MemberID, since: Height
    ) -> KeyRecord {
        KeyRecord(
            id: device.key, publicKey: device.publicKey, account: account, kind: .device,
            subject: machine.text, scopes: deviceScopes, since: since)
    }

    private static func isKept(_ key: KeyRecord, for machine: MachineID, of oem: MemberID) -> Bool {
        key.isKeptForDevice && key.account == oem && key.subject == machine.text
    }

    static func replaceDevice(_ body: ReplaceDevice, _ context: Context) throws(Rejection) {
        var machine = try context.existing(MachineRecord.self, body.machine)
        try context.requireParty(machine.oem)
        try requireState(machine, [.accepted, .inService, .stopped], context)
        try context.require(
            machine.devices.contains { $0.key == body.replaces }, else: "machine.unknown_device",
            "\(machine.id) has no such device")
        let device = try newDevice(body.device, of: machine.id, by: machine.oem, context)
        if let before = machine.replacement, before.device.key != device.key {
            try release(before.device, of: machine, context)
        }
        machine.replacement = MachineRecord.Replacement(
            replaces: body.replaces, device: device, proposed: context.time)
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

import Codec
import Contracts
import Cryptography
import Ledger
import Node

/// The boxes that sign for a machine, and their keys.
extension MachineVerbs {
    private struct DeviceKeyReport: Encodable {
        let machine: MachineID
        let name: String
        let key: KeyID
        let publicKey: Bytes
    }

    static let deviceKey = Verb(
        "machine device-key", "make a machine's device key here and print its public half (customer)",
        detail: """
            For machines whose box has no key of its own: the customer's node then signs their telemetry \
            with the held key device-MACHINE. Tell the OEM the public key; it names it in machine register. \
            With --next the key is for a replacement (machine replace-device, machine accept-device). \
            Asked again, the verb prints the same key.
            """,
        options: [
            machine, .value("as", "MEMBER", "the customer that keeps the key", required: true),
            .flag("next", "the key of a device that will replace the present one"),
        ],
        examples: ["millwright machine device-key press-7 --as stamper"]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let member: MemberID = try invocation.identifier("as")
        let home = Session.home(invocation)
        if try NodeLocation.given(invocation, home) == nil { _ = try home.genesis() }
        let store = home.keystore(of: member)
        _ = try store.signingKey()
        let name = invocation.has("next") ? nextDeviceKeyName(machine) : deviceKeyName(machine)
        let key = try store.hasHeldKey(name) ? store.heldKey(name) : store.createHeldKey(name)
        let bytes = key.publicKey.bytes
        if invocation.wantsJSON {
            return try Output.json(
                DeviceKeyReport(
                    machine: machine, name: name, key: KeyID(publicKey: bytes, hash: SHA256.hash),
                    publicKey: Bytes(bytes)))
        }
        Terminal.print("\(Bytes(bytes))")
    }

    /// Held keys that sign for a machine, and for the device that is to replace the present one.
    static func deviceKeyName(_ machine: MachineID) -> String { "device-\(machine)" }
    static func nextDeviceKeyName(_ machine: MachineID) -> String { "next-device-\(machine)" }

    static let replaceDevice = Verb(
        "machine replace-device", "bring a new device in place of another (OEM)",
        detail: "The customer accepts it with machine accept-device; until then the old device signs.",
        options: [
            machine,
            .value("device", "PUBLICKEY", "the new device's public key, hexadecimal", required: true),
            .value("replaces", "KEY", "the old device's key id (default: the only one)"),
            .value("label", "TEXT", "what to call the new device"),
        ] + Option.signing,
        examples: [
            "millwright machine device-key press-7 --as stamper --next",
            "millwright machine replace-device press-7 --as press-works --device PUBLICKEY",
        ]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let publicKey = try Invocation.publicKey(try invocation.required("device"))
        let named = invocation.has("replaces") ? KeyID(try invocation.digest("replaces")) : nil
        try await Session.with(invocation) { session in
            let record = try session.node.view().existing(MachineRecord.self, machine)
            guard let old = named ?? (record.devices.count == 1 ? record.devices[0].key : nil) else {
                throw UsageError(
                    "cli.missing_option", "\(machine) has several devices: name one with --replaces")
            }
            let device = MachineContract.NewDevice(
                publicKey: publicKey, label: invocation.string("label") ?? "replacement")
            try await session.perform(
                MachineContract.self,
                .replaceDevice(.init(machine: machine, replaces: old, device: device)),
                saying: "\(machine) gets a new device once the customer accepts it")
        }
    }

    static let acceptDevice = Verb(
        "machine accept-device", "accept the device that the OEM has brought (customer)",
        detail: """
            Names the device by its public key, so that nobody can swap it meanwhile; without --device it \
            is the next key that machine device-key has made here, which then takes the old one's place.
            """,
        options: [
            machine, .value("device", "PUBLICKEY", "the device that you accept (default: your own next key)"),
        ] + Option.signing,
        examples: ["millwright machine accept-device press-7 --as stamper"]
    ) { invocation in
        let machine: MachineID = try invocation.identifier("machine")
        let named = try invocation.string("device").map { try Invocation.publicKey($0).array }
        try await Session.with(invocation) { session in
            let store = session.home.keystore(of: try session.member())
            let next = nextDeviceKeyName(machine)
            let own = try store.hasHeldKey(next) ? store.heldKey(next).publicKey.bytes : nil
            guard let publicKey = named ?? own else {
                throw UsageError("cli.missing_option", "machine accept-device needs --device")
            }
            try await session.perform(
                MachineContract.self,
                .acceptDevice(.init(machine: machine, key: KeyID(publicKey: publicKey, hash: SHA256.hash))),
                saying: "\(machine) has a new device")
            if publicKey == own, store.hasHeldKey(deviceKeyName(machine)) {
                try store.promoteHeldKey(next, to: deviceKeyName(machine))
            }
        }
    }
}

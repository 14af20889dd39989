import Codec
import Ledger

extension MachineContract {
    /// What members and devices sign. The CBOR form is `{ name: body }`.
    package enum Action: Codable, Hashable, Sendable {
        /// OEM: registered.
        case register(Register)
        /// Customer: registered → accepted; its devices' keys sign from the next block.
        case accept(Accept)
        /// Customer or device: accepted or stopped → inService.
        case start(Subject)
        /// Customer or device: inService → stopped.
        case stop(Stop)
        /// Customer or OEM: clears the fault of a stop. The machine stays stopped and can be started again.
        case reset(Subject)
        /// OEM or customer: accepted or stopped → terminating; registered → terminated at once.
        case proposeTermination(ProposeTermination)
        /// The other of the two: terminating → terminated.
        case acceptTermination(Subject)
        /// The other refuses, or the proposer takes it back: terminating → the state before.
        case declineTermination(Subject)
        /// OEM: brings a device in place of another. A later one takes the place of an earlier one.
        case replaceDevice(ReplaceDevice)
        /// Customer: the old device's key ends now, the new one signs from the next block.
        case acceptDevice(AcceptDevice)
        /// Customer, while the machine is accepted or stopped; the OEM is told.
        case relocate(Relocate)
        /// Customer: gives the machine's standing order, in place of an earlier one, or takes it back.
        case setStandingOrder(SetStandingOrder)
    }

    package struct Register: Codable, Hashable, Sendable {
        package var machine: MachineID
        package var customer: MemberID
        package var machineClass: MachineClass
        package var site: MachineRecord.Site
        package var nameplate: Nameplate
        /// At most 32.
        package var documents: [DocumentReference]
        /// 1 to 8, with distinct keys.
        package var devices: [NewDevice]
        /// 100 to 86 400 000.
        package var reportingIntervalMilliseconds: Int64

        package init(
            machine: MachineID, customer: MemberID, machineClass: MachineClass, site: MachineRecord.Site,
            nameplate: Nameplate, documents: [DocumentReference], devices: [NewDevice],
            reportingIntervalMilliseconds: Int64
        ) {
            (self.machine, self.customer, self.machineClass) = (machine, customer, machineClass)
            (self.site, self.nameplate, self.documents) = (site, nameplate, documents)
            self.devices = devices
            self.reportingIntervalMilliseconds = reportingIntervalMilliseconds
        }
    }

    package struct NewDevice: Codable, Hashable, Sendable {
        /// Ed25519, 32 bytes.
        package var publicKey: Bytes
        /// 1 to 100 bytes.
        package var label: String

        package init(publicKey: Bytes, label: String) { (self.publicKey, self.label) = (publicKey, label) }
    }

    /// The machine that an action is about.
    package struct Subject: Codable, Hashable, Sendable {
        package var machine: MachineID

        package init(machine: MachineID) { self.machine = machine }
    }

    /// A machine, and what it may ask for by itself: nil leaves every award to the customer.
    package struct Accept: Codable, Hashable, Sendable {
        package var machine: MachineID
        package var order: StandingOrder?

        package init(machine: MachineID, order: StandingOrder? = nil) {
            (self.machine, self.order) = (machine, order)
        }
    }

    package typealias SetStandingOrder = Accept

    package struct Stop: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// 1 to 500 bytes.
        package var reason: String
        /// With a fault the machine does not start again before a reset.
        package var fault: Bool

        package init(machine: MachineID, reason: String, fault: Bool) {
            (self.machine, self.reason, self.fault) = (machine, reason, fault)
        }
    }

    package struct ProposeTermination: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// 1 to 500 bytes.
        package var reason: String

        package init(machine: MachineID, reason: String) { (self.machine, self.reason) = (machine, reason) }
    }

    package struct ReplaceDevice: Codable, Hashable, Sendable {
        package var machine: MachineID
        package var replaces: KeyID
        package var device: NewDevice

        package init(machine: MachineID, replaces: KeyID, device: NewDevice) {
            (self.machine, self.replaces, self.device) = (machine, replaces, device)
        }
    }

    package struct AcceptDevice: Codable, Hashable, Sendable {
        package var machine: MachineID
        /// The new device's key: the customer accepts this one and no other that came in between.
        package var key: KeyID

        package init(machine: MachineID, key: KeyID) { (self.machine, self.key) = (machine, key) }
    }

    package struct Relocate: Codable, Hashable, Sendable {
        package var machine: MachineID
        package var site: MachineRecord.Site

        package init(machine: MachineID, site: MachineRecord.Site) {
            (self.machine, self.site) = (machine, site)
        }
    }
}

import Codec
import Ledger

/// A rented machine: whose it is, its class, where it stands, which devices speak for it, and its state. What
/// is on its plate never changes and is a `NameplateRecord`.
package struct MachineRecord: Record {
    /// Where the machine is in its life under rent. Only one in service is billed. What it does at a moment
    /// (Executing, NotExecuting) is telemetry, another axis.
    package enum State: String, Codable, Hashable, Sendable {
        /// By the OEM; the customer has not accepted it.
        case registered
        /// By the customer; it has not been started.
        case accepted
        case inService
        case stopped
        /// A party has proposed to end the rent.
        case terminating
        case terminated
    }

    /// Where a machine stands.
    package struct Site: Codable, Hashable, Sendable {
        package var region: Region
        /// Plant, hall, place: at most 200 bytes.
        package var name: String

        package init(region: Region, name: String) { (self.region, self.name) = (region, name) }
    }

    /// A box on the machine that signs telemetry and a few actions.
    package struct Device: Codable, Hashable, Sendable {
        package var key: KeyID
        /// Ed25519, 32 bytes.
        package var publicKey: Bytes
        /// What people call it, at most 100 bytes.
        package var label: String

        package init(key: KeyID, publicKey: Bytes, label: String) {
            (self.key, self.publicKey, self.label) = (key, publicKey, label)
        }
    }

    /// A device that the OEM has brought and the customer has not accepted.
    package struct Replacement: Codable, Hashable, Sendable {
        /// The device that goes.
        package var replaces: KeyID
        package var device: Device
        package var proposed: Timestamp

        package init(replaces: KeyID, device: Device, proposed: Timestamp) {
            (self.replaces, self.device, self.proposed) = (replaces, device, proposed)
        }
    }

    /// Why and by whom the machine was last stopped.
    package struct Stop: Codable, Hashable, Sendable {
        package var reason: String
        /// With a fault the machine does not start again before a reset.
        package var fault: Bool
        package var key: KeyID
        package var time: Timestamp
        /// When and by whom the fault was cleared.
        package var reset: Timestamp?
        package var resetBy: MemberID?

        package init(
            reason: String, fault: Bool, key: KeyID, time: Timestamp, reset: Timestamp? = nil,
            resetBy: MemberID? = nil
        ) {
            (self.reason, self.fault, self.key, self.time) = (reason, fault, key, time)
            (self.reset, self.resetBy) = (reset, resetBy)
        }

        package var hasOpenFault: Bool { fault && reset == nil }
    }

    /// A party's wish to end the rent.
    package struct Termination: Codable, Hashable, Sendable {
        package var proposedBy: MemberID
        package var reason: String
        package var proposed: Timestamp
        /// The state to go back to where it is declined.
        package var from: State

        package init(proposedBy: MemberID, reason: String, proposed: Timestamp, from: State) {
            (self.proposedBy, self.reason, self.proposed, self.from) = (proposedBy, reason, proposed, from)
        }
    }

    package static let table = "machine"

    package var id: MachineID
    package var oem: MemberID
    package var customer: MemberID
    package var machineClass: MachineClass
    package var site: Site
    /// 1 to 8, in the order in which they were brought.
    package var devices: [Device]
    package var replacement: Replacement?
    /// How often the machine reports: 100 to 86 400 000 ms.
    package var reportingIntervalMilliseconds: Int64
    package var state: State
    package var registered: Timestamp
    package var accepted: Timestamp?
    /// The latest start.
    package var started: Timestamp?
    package var lastStop: Stop?
    package var termination: Termination?
    package var terminated: Timestamp?

    package init(
        id: MachineID, oem: MemberID, customer: MemberID, machineClass: MachineClass, site: Site,
        devices: [Device], reportingIntervalMilliseconds: Int64, registered: Timestamp
    ) {
        (self.id, self.oem, self.customer, self.machineClass) = (id, oem, customer, machineClass)
        (self.site, self.devices) = (site, devices)
        (self.reportingIntervalMilliseconds, self.registered) = (reportingIntervalMilliseconds, registered)
        state = .registered
    }
}

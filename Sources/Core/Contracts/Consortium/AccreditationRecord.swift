import Codec
import Ledger

/// An OEM's word that a maintainer may repair its machines of some classes, in some regions, until a date.
package struct AccreditationRecord: Record {
    /// The OEM and the maintainer: one accreditation a pair.
    package struct Pair: RecordKey, Hashable, Codable {
        package var oem: MemberID
        package var maintainer: MemberID

        package init(oem: MemberID, maintainer: MemberID) { (self.oem, self.maintainer) = (oem, maintainer) }

        /// Both names, each ended by a zero byte, which no name holds.
        package var keyBytes: [UInt8] { oem.keyBytes + [0] + maintainer.keyBytes + [0] }
    }

    package static let table = "accreditation"
    package static let indexes = [Index<AccreditationRecord>("oem") { $0.id.oem.keyBytes }]

    package var id: Pair
    /// Sorted, each once; empty means every class.
    package var classes: [MachineClass]
    /// Sorted, each once; empty means everywhere.
    package var regions: [Region]
    /// The first moment at which it no longer holds.
    package var until: Timestamp
    package var granted: Timestamp
    package var revoked: Timestamp?

    package init(
        id: Pair, classes: [MachineClass], regions: [Region], until: Timestamp, granted: Timestamp,
        revoked: Timestamp? = nil
    ) {
        (self.id, self.classes, self.regions) = (id, classes, regions)
        (self.until, self.granted, self.revoked) = (until, granted, revoked)
    }

    /// Whether it holds for machines of a class in a region at a time. Whether both members are still
    /// active is another question.
    package func covers(_ machineClass: MachineClass, in region: Region, at time: Timestamp) -> Bool {
        revoked == nil && time < until
            && (classes.isEmpty || classes.contains(machineClass))
            && (regions.isEmpty || regions.contains(region))
    }
}

extension Context {
    /// Whether a maintainer may work on a machine now: it is active, and the machine's OEM has accredited it.
    package func isAccredited(_ maintainer: MemberID, for machine: MachineRecord) throws(Rejection) -> Bool {
        guard let member = try get(MemberRecord.self, maintainer), member.status == .active,
            member.roles.contains(.maintainer),
            let accreditation = try get(
                AccreditationRecord.self, .init(oem: machine.oem, maintainer: maintainer))
        else { return false }
        return accreditation.covers(machine.machineClass, in: machine.site.region, at: time)
    }
}

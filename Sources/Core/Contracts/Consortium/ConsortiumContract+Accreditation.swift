import Codec
import Ledger

extension ConsortiumContract {
    /// Grants an accreditation, or replaces the one that the OEM has given this maintainer.
    static func accredit(_ body: Accredit, _ context: Context) throws(Rejection) {
        let oem = try context.requireRole(.oem)
        try context.requireRole(.maintainer, of: try context.activeMember(body.maintainer))
        try context.requireList(body.classes, "classes", count: 0...64)
        try context.requireList(body.regions, "regions", count: 0...64)
        try context.require(
            context.time < body.until, else: "consortium.expiry_out_of_range", "the end is past")
        try context.put(
            AccreditationRecord(
                id: .init(oem: oem.id, maintainer: body.maintainer),
                classes: try sortedOnce(body.classes, "classes", context),
                regions: try sortedOnce(body.regions, "regions", context), until: body.until,
                granted: context.time))
        context.emit("accredited", body.maintainer)
    }

    static func revokeAccreditation(_ body: RevokeAccreditation, _ context: Context) throws(Rejection) {
        let oem = try context.requireRole(.oem)
        var accreditation = try context.existing(
            AccreditationRecord.self, .init(oem: oem.id, maintainer: body.maintainer))
        try context.require(
            accreditation.revoked == nil, else: "consortium.accreditation_revoked",
            "the accreditation is already revoked")
        accreditation.revoked = context.time
        try context.put(accreditation)
        context.emit("accreditationRevoked", body.maintainer)
    }
}

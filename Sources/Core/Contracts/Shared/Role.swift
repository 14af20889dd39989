/// What a member does in the consortium. A member can have several roles.
package enum Role: String, Codable, Hashable, Comparable, Sendable, CaseIterable {
    /// Decides on members, validators and parameters.
    case board
    /// Builds machines and rents them out.
    case oem
    /// Rents and uses machines.
    case customer
    /// Repairs machines.
    case maintainer
    /// Rules on disputed invoices.
    case arbiter
    /// Reads, and signs nothing that changes another's rights.
    case auditor

    package static func < (left: Role, right: Role) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}

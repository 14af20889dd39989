import Ledger

/// Who acts, and whether they may. The codes begin with the contract's name.
extension Context {
    /// The member that signed, with its own key or a delegated one; it is active.
    /// - Throws: `<contract>.not_a_member_key` for a device or an invitation, `member.unknown`,
    ///   `<contract>.member_not_active`.
    package func member() throws(Rejection) -> MemberRecord {
        let signer = try signer
        try require(
            signer.kind == .member || signer.kind == .delegate, else: code("not_a_member_key"),
            "a device or an invitation cannot sign this")
        return try activeMember(signer.member)
    }

    /// The member that signed, where it has the role.
    /// - Throws: `<contract>.role_required` and those of `member()`.
    @discardableResult
    package func requireRole(_ role: Role) throws(Rejection) -> MemberRecord {
        let member = try member()
        try requireRole(role, of: member)
        return member
    }

    /// - Throws: `<contract>.role_required`.
    package func requireRole(_ role: Role, of member: MemberRecord) throws(Rejection) {
        try require(
            member.roles.contains(role), else: code("role_required"),
            "\(member.id) does not have the role \(role.rawValue)")
    }

    /// The member that signed, where it is the one named: with its own key or a delegated one.
    /// - Throws: `<contract>.not_a_party` and those of `member()`.
    @discardableResult
    package func requireParty(_ party: MemberID) throws(Rejection) -> MemberRecord {
        try requireParty(oneOf: [party])
    }

    /// The member that signed, where it is one of those named.
    /// - Throws: `<contract>.not_a_party` and those of `member()`.
    @discardableResult
    package func requireParty(oneOf parties: [MemberID]) throws(Rejection) -> MemberRecord {
        let member = try member()
        try require(
            parties.contains(member.id), else: code("not_a_party"), "\(member.id) is not a party to this")
        return member
    }

    /// A member named in an action; it is active.
    /// - Throws: `member.unknown`, `<contract>.member_not_active`.
    package func activeMember(_ id: MemberID) throws(Rejection) -> MemberRecord {
        let member = try existing(MemberRecord.self, id)
        try require(
            member.status == .active, else: code("member_not_active"), "\(id) is \(member.status.rawValue)")
        return member
    }

    /// The machine's customer: signed by it, or by one of the machine's devices in its name.
    /// - Throws: `<contract>.wrong_device` for another machine's device, and those of `requireParty`.
    @discardableResult
    package func requireOperator(of machine: MachineRecord) throws(Rejection) -> MemberRecord {
        let signer = try signer
        guard signer.kind == .device else { return try requireParty(machine.customer) }
        try require(
            signer.subject == machine.id.text && signer.member == machine.customer,
            else: code("wrong_device"), "the device belongs to another machine")
        return try activeMember(machine.customer)
    }
}

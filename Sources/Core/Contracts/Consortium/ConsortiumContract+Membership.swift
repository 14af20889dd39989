import Codec
import Ledger

extension ConsortiumContract {
    // MARK: invite

    static func invite(_ body: Invite, _ context: Context) throws(Rejection) {
        let inviter = try context.requireRole(.board)
        try context.requireText(body.name, "name", bytes: 1...200)
        let roles = try sortedRoles(body.roles, context)
        try context.require(
            try context.get(MemberRecord.self, body.member) == nil, else: "consortium.member_exists",
            "\(body.member) is already a member or invited")
        try context.require(
            try context.get(InvitationRecord.self, body.invitation) == nil,
            else: "consortium.invitation_exists", "that invitation's name is taken")
        let key = try context.freshKey(body.key.publicKey, orOne: \.isKeptForDevice)
        // Without a proof a board member could take a company's own key before it has joined.
        try requirePossession(body.key, sealing: [], of: body.member, context)
        let expires = context.time + .days(try parameters(context).invitationDays)
        try context.put(
            MemberRecord(
                id: body.member, name: body.name, roles: roles, status: .invited, invited: context.time))
        try context.put(
            InvitationRecord(
                id: body.invitation, member: body.member, roles: roles, key: key, invitedBy: inviter.id,
                invited: context.time, expires: expires))
        // The invitee has no account yet: its one transaction is on the inviter's quota.
        try context.put(
            KeyRecord(
                id: key, publicKey: body.key.publicKey, account: inviter.id, kind: .invitation,
                subject: body.invitation.text, scopes: ["consortium.join"], since: context.height,
                expires: expires))
        try context.schedule(invitationTimer, at: expires, subject: body.invitation.keyBytes)
        context.emit("invited", body.member)
    }

    /// - Throws: `consortium.list_too_short`, `.list_too_long`, `.duplicate_entry`.
    static func sortedRoles(_ roles: [Role], _ context: Context) throws(Rejection) -> [Role] {
        try context.requireList(roles, "roles", count: 1...Role.allCases.count)
        return try sortedOnce(roles, "roles", context)
    }

    /// The list in order.
    /// - Throws: `consortium.duplicate_entry` where an entry is listed twice.
    static func sortedOnce<T: Comparable & SendableMetatype>(
        _ list: [T], _ field: String, _ context: Context
    ) throws(Rejection) -> [T] {
        let sorted = list.sorted()
        try context.require(
            zip(sorted, sorted.dropFirst()).allSatisfy { $0 != $1 }, else: "consortium.duplicate_entry",
            "\(field) lists an entry twice")
        return sorted
    }

    // MARK: join

    static func join(_ body: Join, _ context: Context) throws(Rejection) {
        let signer = try context.signer
        guard signer.kind == .invitation, let id = InvitationID(signer.subject) else {
            throw Rejection("consortium.invitation_required", "only an invitation's key can join")
        }
        var invitation = try context.existing(InvitationRecord.self, id)
        try context.require(
            invitation.state == .open && context.time < invitation.expires && invitation.key == signer.key,
            else: "consortium.invitation_not_open", "the invitation is \(invitation.state.rawValue)")
        var member = try context.existing(MemberRecord.self, invitation.member)
        try requireProfile(body.profile, context)
        try requireEndpoint(body.endpoint, context)
        let keys = try provenKeys(
            body.signingKey, sealing: body.sealingPublicKey, of: member.id, context)
        member.keys = keys
        // Kept for it until the board decides: whoever brought the key meanwhile would end its admission.
        try context.put(memberKey(keys, of: member.id, since: .max))
        member.profile = body.profile
        member.endpoint = body.endpoint
        member.tlsPins = try firstPins(body.tlsPins, of: member, context)
        member.status = .applied
        member.joined = context.time
        try context.put(member)
        invitation.state = .used
        invitation.used = context.time
        try context.put(invitation)
        try context.revokeKey(signer.key)
        try context.cancel(invitationTimer, at: invitation.expires, subject: id.keyBytes)
        context.emit("joined", member.id)
    }

    /// An unused invitation ends: its key no longer signs, and the member's name is free again.
    static func expireInvitation(_ subject: [UInt8], _ context: Context) throws(Rejection) {
        guard let id = InvitationID(String(decoding: subject, as: UTF8.self)),
            let invitation = try context.get(InvitationRecord.self, id), invitation.state == .open
        else { return }
        try close(invitation, as: .expired, context)
        context.emit("invitationExpired", invitation.member)
    }

    static func close(
        _ invitation: InvitationRecord, as state: InvitationRecord.State, _ context: Context
    ) throws(Rejection) {
        var invitation = invitation
        invitation.state = state
        try context.put(invitation)
        try context.revokeKey(invitation.key)
        try context.delete(MemberRecord.self, invitation.member)
    }

    // MARK: updateProfile

    static func updateProfile(_ body: UpdateProfile, _ context: Context) throws(Rejection) {
        var member = try context.member()
        try context.requireText(body.name, "name", bytes: 1...200)
        try requireProfile(body.profile, context)
        try requireEndpoint(body.endpoint, context)
        (member.name, member.profile, member.endpoint) = (body.name, body.profile, body.endpoint)
        try context.put(member)
        context.emit("profileUpdated", member.id)
    }

    /// - Throws: `consortium.text_*`, `consortium.country_invalid`.
    static func requireProfile(_ profile: MemberProfile, _ context: Context) throws(Rejection) {
        try context.requireText(profile.registrationName, "registrationName", bytes: 1...200)
        try context.requireText(profile.addressLine, "addressLine", bytes: 0...200)
        try context.requireText(profile.city, "city", bytes: 0...100)
        try context.requireText(profile.postalCode, "postalCode", bytes: 0...20)
        try context.requireCountry(profile.country)
        try context.requireText(profile.vatID ?? "-", "vatID", bytes: 1...20)
        try context.requireText(profile.email, "email", bytes: 0...254)
    }

    /// - Throws: `consortium.text_too_long`, `consortium.endpoint_invalid`.
    static func requireEndpoint(_ endpoint: String, _ context: Context) throws(Rejection) {
        try context.requireText(endpoint, "endpoint", bytes: 0...256)
        let isURL =
            endpoint.utf8.allSatisfy { (0x21...0x7e).contains($0) }
            && ["https://", "http://"].contains { endpoint.utf8.starts(with: $0.utf8) }
        try context.require(
            endpoint.isEmpty || isURL, else: "consortium.endpoint_invalid",
            "an endpoint is an https: or http: URL, or empty")
    }
}

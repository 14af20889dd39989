import Codec
import Ledger

/// An invitation's name, chosen by whoever invites.
package struct InvitationID: TextIdentifier {
    package let text: String
    package init(unchecked text: String) { self.text = text }
}

/// A company's invitation and the one-use key that it joins with.
package struct InvitationRecord: Record {
    package enum State: String, Codable, Hashable, Sendable { case open, used, expired, revoked }

    package static let table = "invitation"

    package var id: InvitationID
    package var member: MemberID
    /// Sorted, each once.
    package var roles: [Role]
    /// Signs `consortium.join` once, on the inviter's quota.
    package var key: KeyID
    package var invitedBy: MemberID
    package var invited: Timestamp
    /// The first moment at which it can no longer be used.
    package var expires: Timestamp
    package var state: State
    package var used: Timestamp?

    package init(
        id: InvitationID, member: MemberID, roles: [Role], key: KeyID, invitedBy: MemberID,
        invited: Timestamp, expires: Timestamp, state: State = .open, used: Timestamp? = nil
    ) {
        (self.id, self.member, self.roles, self.key) = (id, member, roles, key)
        (self.invitedBy, self.invited, self.expires) = (invitedBy, invited, expires)
        (self.state, self.used) = (state, used)
    }
}

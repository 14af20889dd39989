import Codec
import Ledger

/// Whose node proves itself with a TLS key: one row a pin.
///
/// A pin is the SHA-256 of the certificate's SubjectPublicKeyInfo (RFC 7469 §2.4). Nobody proves to hold the
/// key: who pins another's gains nothing, since connections with it are then taken for its own.
package struct PinRecord: Record {
    package static let table = "pin"
    /// Pins that a member may have: the key in use, the one that follows, and both again on a second
    /// machine.
    package static let maximumCount = 4

    package var id: Digest
    package var member: MemberID

    package init(id: Digest, member: MemberID) { (self.id, self.member) = (id, member) }
}

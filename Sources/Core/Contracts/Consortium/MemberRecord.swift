import Codec
import Ledger

/// A company in the consortium: its roles, who it is in law, and its keys.
///
/// Status: invited → applied (it has joined) → active (the board has admitted it) ↔ suspended; any → removed.
package struct MemberRecord: Record {
    package enum Status: String, Codable, Hashable, Sendable {
        case invited, applied, active, suspended, removed
    }

    /// The keys that the member brought when it joined.
    package struct Keys: Codable, Hashable, Sendable {
        package var signing: KeyID
        /// Ed25519, 32 bytes.
        package var signingPublicKey: Bytes
        /// X25519, 32 bytes: documents in the vault are sealed to it.
        package var sealingPublicKey: Bytes

        package init(signing: KeyID, signingPublicKey: Bytes, sealingPublicKey: Bytes) {
            (self.signing, self.signingPublicKey) = (signing, signingPublicKey)
            self.sealingPublicKey = sealingPublicKey
        }
    }

    package static let table = "member"
    package static let indexes = [Index<MemberRecord>("board") { $0.isActiveBoard ? [1] : nil }]

    package var id: MemberID
    /// What people call it, 1 to 200 bytes.
    package var name: String
    /// Sorted, each once.
    package var roles: [Role]
    /// Nil until it joins.
    package var profile: MemberProfile?
    /// The node's address as an `https:` or `http:` URL; empty where the node is not reachable.
    package var endpoint: String
    /// Nil until it joins.
    package var keys: Keys?
    /// What its node proves itself with in TLS: SHA-256 of the certificate's SubjectPublicKeyInfo. 1 to 4,
    /// sorted, each once; nil for none. `PinRecord` finds the member of a pin.
    package var tlsPins: [Digest]?
    /// The Ed25519 voting key that the member has brought last, 32 bytes: what it votes with once the board
    /// makes it a validator. Nil where it has brought none since it was founded or joined.
    package var votingKey: Bytes?
    package var status: Status
    package var invited: Timestamp?
    package var joined: Timestamp?
    package var admitted: Timestamp?

    package init(
        id: MemberID, name: String, roles: [Role], profile: MemberProfile? = nil, endpoint: String = "",
        keys: Keys? = nil, tlsPins: [Digest]? = nil, votingKey: Bytes? = nil, status: Status,
        invited: Timestamp? = nil, joined: Timestamp? = nil, admitted: Timestamp? = nil
    ) {
        (self.id, self.name, self.roles, self.profile) = (id, name, roles, profile)
        (self.endpoint, self.keys, self.status) = (endpoint, keys, status)
        (self.tlsPins, self.votingKey) = (tlsPins, votingKey)
        (self.invited, self.joined, self.admitted) = (invited, joined, admitted)
    }

    package var isActiveBoard: Bool { status == .active && roles.contains(.board) }
}

/// Who a member is in law, as its invoices need it (EN 16931 BG-4, BG-7). A company's details, not a
/// person's.
package struct MemberProfile: Codable, Hashable, Sendable {
    /// As registered, 1 to 200 bytes.
    package var registrationName: String
    /// Street and number, at most 200 bytes.
    package var addressLine: String
    /// At most 100 bytes.
    package var city: String
    /// At most 20 bytes.
    package var postalCode: String
    /// ISO 3166-1 alpha-2, such as `DE`.
    package var country: String
    /// With its country prefix, such as `DE123456789`; nil where it has none. At most 20 bytes.
    package var vatID: String?
    /// The company's own mailbox, at most 254 bytes; may be empty.
    package var email: String

    package init(
        registrationName: String, addressLine: String = "", city: String = "", postalCode: String = "",
        country: String, vatID: String? = nil, email: String = ""
    ) {
        (self.registrationName, self.addressLine) = (registrationName, addressLine)
        (self.city, self.postalCode, self.country) = (city, postalCode, country)
        (self.vatID, self.email) = (vatID, email)
    }
}

import Codec

/// A signing key on the ledger and what it may sign.
package struct KeyRecord: Record {
    package enum Kind: String, Codable, Sendable, Hashable {
        /// A member's own key: signs anything.
        case member
        /// A user's or a system's key: signs what its scopes list, until its end.
        case delegate
        /// A machine's device: signs what its scopes list, on the customer's quota.
        case device
        /// A one-use key of an invitation: signs `consortium.join`.
        case invitation
    }

    package static let table = "key"
    package static let indexes = [Index<KeyRecord>("account") { $0.account.keyBytes }]

    package var id: KeyID
    /// Ed25519, 32 bytes.
    package var publicKey: Bytes
    /// The member that the key acts for and whose quota it uses.
    package var account: MemberID
    package var kind: Kind
    /// For a device the machine, for an invitation its name.
    package var subject: String
    /// `contract.action` or `contract.*`; empty means everything.
    package var scopes: [String]
    /// The block that brought the key; it signs from the next one. The greatest number keeps the key for a
    /// company that waits for its admission, or for the OEM of a device that no customer has accepted.
    package var since: Height
    /// The first moment at which it no longer signs; nil where it has no end.
    package var expires: Timestamp?
    package var revoked: Bool

    package init(
        id: KeyID, publicKey: Bytes, account: MemberID, kind: Kind, subject: String = "",
        scopes: [String] = [],
        since: Height, expires: Timestamp? = nil, revoked: Bool = false
    ) {
        (self.id, self.publicKey, self.account, self.kind) = (id, publicKey, account, kind)
        (self.subject, self.scopes, self.since) = (subject, scopes, since)
        (self.expires, self.revoked) = (expires, revoked)
    }

    /// Whether it may sign at a time, as far as the key itself goes.
    package func isInForce(at time: Timestamp) -> Bool { !revoked && (expires.map { time < $0 } ?? true) }

    /// Whether the scopes cover an action, compared as bytes.
    package func covers(contract: String, action: String) -> Bool {
        scopes.isEmpty || scopes.contains { KeyRecord.scope($0, covers: contract, action) }
    }

    /// Whether a scope is `contract.action` or `contract.*`.
    private static func scope(_ scope: String, covers contract: String, _ action: String) -> Bool {
        let (scope, contract) = (scope.utf8, contract.utf8)
        guard scope.count > contract.count, scope.starts(with: contract) else { return false }
        let rest = scope.dropFirst(contract.count)
        guard rest.first == 0x2e else { return false }
        let named = rest.dropFirst()
        return named.elementsEqual(action.utf8) || named.elementsEqual(CollectionOfOne(0x2a))
    }
}

/// A member as the ledger itself needs it: whether it may act.
package struct AccountRecord: Record {
    package enum Status: String, Codable, Sendable, Hashable { case active, suspended, removed }

    package static let table = "account"

    package var id: MemberID
    package var status: Status

    package init(id: MemberID, status: Status = .active) { (self.id, self.status) = (id, status) }
}

/// The consortium's parameters: one record under the key `current`.
package struct ParametersRecord: Record {
    package struct Key: RecordKey {
        package init() {}
        package var keyBytes: [UInt8] { Array("current".utf8) }
    }

    package static let table = "parameters"
    package var id: Key { Key() }

    /// Transactions a member may send in a second, on average; the burst is a minute's worth.
    package var transactionsPerSecond: Int64
    /// Bytes a member may send in a second, on average; the burst is a minute's worth.
    package var bytesPerSecond: Int64
    /// How long an invitation may be used.
    package var invitationDays: Int64
    /// Bids within this many seconds before an auction's end count as simultaneous.
    package var auctionGraceSeconds: Int64
    /// The version of the contract rules in force.
    package var contractsVersion: UInt64
    /// The next version, and the height from which it is in force.
    package var announced: Announcement?
    /// Ordering engines in order of preference (`EngineAddress`); `embedded:` is always the last resort.
    package var engines: [String]

    package struct Announcement: Codable, Sendable, Hashable {
        package var version: UInt64
        /// SHA-256 of the rules' source.
        package var digest: Digest
        package var activation: Height

        package init(version: UInt64, digest: Digest, activation: Height) {
            (self.version, self.digest, self.activation) = (version, digest, activation)
        }
    }

    enum CodingKeys: String, CodingKey {
        case transactionsPerSecond, bytesPerSecond, invitationDays, auctionGraceSeconds
        case contractsVersion, announced, engines
    }

    package init(
        transactionsPerSecond: Int64 = 2_000, bytesPerSecond: Int64 = 4_000_000, invitationDays: Int64 = 14,
        auctionGraceSeconds: Int64 = 5, contractsVersion: UInt64 = 1, announced: Announcement? = nil,
        engines: [String] = ["embedded:"]
    ) {
        (self.transactionsPerSecond, self.bytesPerSecond) = (transactionsPerSecond, bytesPerSecond)
        (self.invitationDays, self.auctionGraceSeconds) = (invitationDays, auctionGraceSeconds)
        (self.contractsVersion, self.announced, self.engines) = (contractsVersion, announced, engines)
    }
}

/// The validators in force: one record under the key `current`. A change takes effect in an epoch block.
package struct ValidatorsRecord: Record {
    package typealias ID = ParametersRecord.Key

    package struct Validator: Codable, Sendable, Hashable {
        package var member: MemberID
        /// Ed25519 voting key, 32 bytes.
        package var votingKey: Bytes

        package init(member: MemberID, votingKey: Bytes) {
            (self.member, self.votingKey) = (member, votingKey)
        }
    }

    package static let table = "validators"
    package var id: ParametersRecord.Key { ParametersRecord.Key() }

    /// In force, sorted by member.
    package var current: [Validator]
    /// Decided, to be in force from the next epoch block; nil where nothing changes.
    package var next: [Validator]?

    enum CodingKeys: String, CodingKey { case current, next }

    package init(current: [Validator], next: [Validator]? = nil) {
        (self.current, self.next) = (current, next)
    }
}

/// Whose a voting key is or was, for as long as there is a ledger: what a former validator signed still
/// speaks against it. Rows are there from the first decision about validators on.
package struct VotingKeyRecord: Record {
    package static let table = "votingKey"

    package var id: KeyID
    /// Ed25519, 32 bytes.
    package var publicKey: Bytes
    package var member: MemberID
    /// The block that decided on it, 0 for a founder's; it votes from an epoch block on.
    package var since: Height
    /// The block in which its member replaced it; it never comes back. Nil where it did not.
    package var replaced: Height?

    package init(id: KeyID, publicKey: Bytes, member: MemberID, since: Height, replaced: Height? = nil) {
        (self.id, self.publicKey, self.member) = (id, publicKey, member)
        (self.since, self.replaced) = (since, replaced)
    }
}

import Contracts
import Cryptography
import Ledger
import Node

/// The keys that a node acts with by itself: one that the member has delegated to it under the name `node`,
/// where there is one, and the one that NATS servers know it by.
struct NodeKeys: Sendable {
    /// What the ledger says of a key that the node holds.
    struct Held {
        let key: Ed25519.SigningKey
        let record: KeyRecord
    }

    /// What such a key is called in the member's key store.
    static let name = "node"

    let home: Home
    let member: MemberID

    private var keystore: Keystore { home.keystore(of: member) }

    /// The key delegated to the node; nil where there is none on the ledger.
    func delegated(_ view: StateView) throws -> Held? {
        guard keystore.hasHeldKey(NodeKeys.name) else { return nil }
        return try held(try keystore.heldKey(NodeKeys.name), view)
    }

    /// The NATS key; nil where the ledger does not know it.
    func nats(_ view: StateView) throws -> Held? { try held(try home.natsKey(), view) }

    private func held(_ key: Ed25519.SigningKey, _ view: StateView) throws -> Held? {
        let id = KeyID(publicKey: key.publicKey.bytes, hash: SHA256.hash)
        return try view.get(KeyRecord.self, id).map { Held(key: key, record: $0) }
    }

    /// The delegated key where it may sign an action of the consortium now, otherwise the member's own.
    /// - Throws: `keys.*` where the one is not here and the other is not either.
    func signer(for action: String, _ node: LedgerNode) throws -> MessageSigner {
        if let held = try delegated(try node.view()), held.record.isInForce(at: node.clock.now),
            held.record.covers(contract: ConsortiumContract.name, action: action)
        {
            return held.key.signer
        }
        return try keystore.signingKey().signer
    }

    /// When keys end that are not revoked, by name, in seconds since 1970-01-01 UTC.
    func ends(_ view: StateView) throws -> [(name: String, seconds: Int64)] {
        try [(NodeKeys.name, delegated(view)), ("nats", nats(view))].compactMap { name, held in
            guard let record = held?.record, !record.revoked, let end = record.expires else { return nil }
            return (name, end.nanoseconds / 1_000_000_000)
        }
    }
}

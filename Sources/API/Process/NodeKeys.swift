import Contracts
import Cryptography
import Foundation
import Ledger
import Node
import Synchronization

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

    /// The delegated key where it can be read and may sign an action of the consortium now, otherwise the
    /// member's own.
    /// - Throws: `keys.*` where that one is not here.
    func signer(for action: String, _ node: LedgerNode) throws -> MessageSigner {
        let view = try node.view()
        if let held = try? delegated(view), held.record.isInForce(at: node.clock.now),
            held.record.covers(contract: ConsortiumContract.name, action: action)
        {
            return held.key.signer
        }
        return try keystore.signingKey().signer
    }
}

/// When the keys end that a node acts with by itself, looked up often: a key file is read again only once it
/// has changed, since reading one with a passphrase is costly on purpose.
final class NodeKeyEnds: Sendable {
    private struct Known {
        let changed: Date
        /// Nil where the file could not be read.
        let id: KeyID?
    }

    private let home: Home
    private let member: MemberID
    private let known = Mutex<[URL: Known]>([:])

    init(home: Home, member: MemberID) { (self.home, self.member) = (home, member) }

    /// Of those that are on the ledger and not revoked, by name, in seconds since 1970-01-01 UTC.
    func current(_ view: StateView) throws -> [(name: String, seconds: Int64)] {
        let keystore = home.keystore(of: member)
        let ids = [
            (NodeKeys.name, id(keystore.heldKeyFile(NodeKeys.name)) { try keystore.heldKey(NodeKeys.name) }),
            ("nats", id(home.natsKeyFile) { try home.natsKey() }),
        ]
        return try ids.compactMap { name, id in
            guard let id, let record = try view.get(KeyRecord.self, id), !record.revoked,
                let end = record.expires
            else { return nil }
            return (name, end.nanoseconds / 1_000_000_000)
        }
    }

    private func id(_ file: URL, _ read: () throws -> Ed25519.SigningKey) -> KeyID? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        guard let changed = attributes?[.modificationDate] as? Date else { return nil }
        if let known = known.withLock({ $0[file] }), known.changed == changed { return known.id }
        let id = (try? read()).map { KeyID(publicKey: $0.publicKey.bytes, hash: SHA256.hash) }
        known.withLock { $0[file] = Known(changed: changed, id: id) }
        return id
    }
}

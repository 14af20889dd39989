import Contracts
import Cryptography
import Ledger
import Ordering

/// Who may use a consortium's NATS servers: the members' NATS keys as the ledger has them.
package enum NATSMembers {
    /// What marks a delegated key as one for NATS; no contract has that name, so it signs nothing else.
    package static let scope = "nats.connect"

    /// The keys that hold, of active members, sorted by member.
    /// - Throws: `node.*`.
    package static func all(
        _ view: StateView, at time: Timestamp
    ) throws(NodeError) -> [NATSServerConfiguration.Member] {
        var members: [NATSServerConfiguration.Member] = []
        for member in try view.all(MemberRecord.self) where member.status == .active {
            for key in try view.records(KeyRecord.self, where: "account", equals: member.id.keyBytes)
            where key.scopes == [scope] && key.isInForce(at: time) {
                guard let publicKey = Ed25519.PublicKey(key.publicKey.array) else { continue }
                members.append(.init(id: member.id, key: publicKey))
            }
        }
        return members
    }
}

import Contracts
import Cryptography
import Ledger

/// The member in whose name something is done here, with its keys and nobody else's.
package struct ActingMember: Sendable {
    package let id: MemberID
    /// Also holds the keys of users and devices.
    package let keystore: Keystore
    /// The member's own key, or one that it has delegated: the ledger holds that one to its scopes.
    package let signer: MessageSigner
    /// Opens what is sealed to the member.
    package let sealingKey: SealingKey

    /// - Parameter key: the name of a held key that signs instead of the member's own, which then need not
    ///   be here.
    /// - Throws: `keys.not_found`, `keys.bad_name`, `keys.damaged`, `keys.passphrase`.
    package init(_ id: MemberID, keystore: Keystore, key: String? = nil) throws(NodeError) {
        (self.id, self.keystore) = (id, keystore)
        signer =
            if let key { try keystore.heldKey(key).signer } else { try keystore.signingKey().signer }
        sealingKey = try keystore.sealingKey()
    }

    package init(_ id: MemberID, in home: Home, key: String? = nil) throws(NodeError) {
        try self.init(id, keystore: home.keystore(of: id), key: key)
    }

    /// What the member's keystore calls a machine's device key.
    package static func deviceKeyName(_ machine: MachineID) -> String { "device-\(machine)" }
}

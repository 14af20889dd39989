import Contracts
import Cryptography
import Ledger

/// The member in whose name something is done here, with its keys and nobody else's.
package struct ActingMember: Sendable {
    package let id: MemberID
    /// Also holds the keys of users and devices.
    package let keystore: Keystore
    package let signer: MessageSigner
    /// Opens what is sealed to the member.
    package let sealingKey: SealingKey

    /// - Throws: `keys.not_found`, `keys.damaged`, `keys.passphrase`.
    package init(_ id: MemberID, keystore: Keystore) throws(NodeError) {
        (self.id, self.keystore) = (id, keystore)
        signer = try keystore.signingKey().signer
        sealingKey = try keystore.sealingKey()
    }

    package init(_ id: MemberID, in home: Home) throws(NodeError) {
        try self.init(id, keystore: home.keystore(of: id))
    }

    /// What the member's keystore calls a machine's device key.
    package static func deviceKeyName(_ machine: MachineID) -> String { "device-\(machine)" }
}

extension LedgerNode {
    /// Signs an action and waits until it is final and accepted.
    /// - Throws: the contract's own code where it is rejected; `node.*` and those of `submit(_:)`.
    @discardableResult
    package func enact<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) async throws(NodeError) -> FinalTransaction {
        let final = try await perform(contract, action, as: signer)
        if case .rejected(let code) = final.outcome { throw NodeError(code, final.message) }
        return final
    }
}

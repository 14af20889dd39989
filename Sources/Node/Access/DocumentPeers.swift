import Codec
import Vault

/// Where documents are that are not in the vault at hand: with the own node, or with other members' nodes.
package protocol DocumentPeers: Sendable {
    /// Brings a document into a vault, or the keys of readers who were added elsewhere.
    /// - Parameter reader: the sealing public key of whoever wants to read. Who has the document is asked
    ///   until somebody has it sealed to this key.
    /// - Returns: whether the vault has it now, sealed to the reader.
    func fetch(_ cid: CID, for reader: [UInt8], into vault: DocumentVault) throws(NodeError) -> Bool

    /// Tells that a document was stored in a vault, or has got readers there.
    func announce(_ cid: CID, in vault: DocumentVault) throws(NodeError)
}

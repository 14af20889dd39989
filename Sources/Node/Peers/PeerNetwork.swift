import Ledger

/// The other nodes, as much of them as a running ledger needs. Nothing that they say is trusted.
package protocol PeerNetwork: Sendable {
    /// Sends a message to every validator and follower. Never blocks; what a peer does not take in time is
    /// dropped, and the replica sends what matters again.
    func publish(_ message: ReplicaMessage)

    /// A peer's chain above a height: encoded block records, rising, with the certificates that the peer has;
    /// empty where it is not ahead. Blocks for a few seconds at most.
    /// - Parameter member: whom to ask; any peer where it is nil or out of reach.
    func blocks(above height: Height, from member: MemberID?) throws(NodeError) -> [[UInt8]]
}

/// What peers ask of a running ledger.
package protocol PeerHandler: Sendable {
    /// Takes a message in. Never blocks for long; may drop it.
    func received(_ message: ReplicaMessage, from member: MemberID?)

    /// This node's chain above a height: encoded block records, rising, with its certificates, at least one
    /// where there is one, up to a number of bytes.
    func servedBlocks(above height: Height, limitBytes: Int) throws(NodeError) -> [[UInt8]]
}

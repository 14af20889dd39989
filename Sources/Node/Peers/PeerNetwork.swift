import Ledger

/// The other nodes, as much of them as a running ledger needs. Nothing that they say is trusted.
package protocol PeerNetwork: Sendable {
    /// Sends a message to every validator and follower. Never blocks; what a peer does not take in time is
    /// dropped, and the replica sends what matters again.
    func publish(_ message: ReplicaMessage)

    /// A peer's chain above a height: encoded block records, rising, with the certificates that the peer has;
    /// empty where none is ahead. Blocks for a few seconds at most.
    /// - Parameters:
    ///   - member: whom to ask first; any peer where it is nil or out of reach.
    ///   - isWanted: whether an answer is what is looked for; where it is not, another peer is asked.
    /// - Throws: `block.pruned` where a peer does not keep them any more and none serves them;
    ///   `node.no_peer`.
    func blocks(
        above height: Height, from member: MemberID?, where isWanted: ([[UInt8]]) -> Bool
    ) throws(NodeError) -> [[UInt8]]

    /// Hands transactions to a validator, to be ordered there: for a node that is none, and where the engine
    /// does not take this node's own. Never blocks; what is lost is handed over again.
    /// - Parameter member: nil means all of them.
    func submit(_ transactions: [[UInt8]], to member: MemberID?)

    /// How the peers are, for people.
    var peers: [PeerStatus] { get }
}

extension PeerNetwork {
    /// The first peer's answer, whatever it holds.
    package func blocks(above height: Height, from member: MemberID?) throws(NodeError) -> [[UInt8]] {
        try blocks(above: height, from: member) { _ in true }
    }

    package func submit(_ transactions: [[UInt8]], to member: MemberID?) {}
    package var peers: [PeerStatus] { [] }
}

/// How a peer is.
package struct PeerStatus: Hashable, Sendable {
    package let member: MemberID
    package let isConnected: Bool
    package let finalHeight: Height?

    package init(member: MemberID, isConnected: Bool, finalHeight: Height?) {
        (self.member, self.isConnected, self.finalHeight) = (member, isConnected, finalHeight)
    }
}

/// What peers ask of a running ledger.
package protocol PeerHandler: Sendable {
    /// Takes a message in. Never blocks for long; may drop it.
    func received(_ message: ReplicaMessage, from member: MemberID?)

    /// Takes transactions in that a peer hands over. Never blocks for long; may drop them.
    func received(transactions: [[UInt8]], from member: MemberID?)

    /// This node's chain above a height: encoded block records, rising, with its certificates, at least one
    /// where there is one, up to a number of bytes.
    func servedBlocks(above height: Height, limitBytes: Int) throws(NodeError) -> [[UInt8]]
}

import Codec
import Cryptography
import Ledger
import Node

/// How a node is, as `GET /v1/node/status` and `millwright node status` tell it.
package struct NodeReport: Codable, Sendable {
    package struct Engine: Codable, Sendable {
        package let address: String
        package let state: String
        package let summary: String
    }

    package struct Peer: Codable, Sendable {
        package let member: String
        package let isConnected: Bool
        package let finalHeight: UInt64?
        /// Why it is not connected.
        package let reason: String?
    }

    package let chain: String
    package let member: String
    package let isReady: Bool
    package let reasons: [String]
    package let epoch: UInt64
    package let engine: Engine
    package let validators: [String]
    package let isValidator: Bool
    package let finalHeight: UInt64
    /// The lowest block that the log has: 0, or a later one after a snapshot or where old blocks were
    /// removed.
    package let firstHeight: UInt64
    /// Milliseconds since 1970-01-01 UTC.
    package let finalTimeMilliseconds: Int64
    package let headHeight: UInt64
    package let pending: Int
    package let outbox: Int
    package let peers: [Peer]
    /// The TLS key in use.
    package let pin: String
    /// Whether the ledger knows that key as this member's.
    package let pinIsOnLedger: Bool
    package let certificateDaysLeft: [String: Int64]
    /// Of the keys that the node acts with by itself.
    package let keyDaysLeft: [String: Int64]
    package let startedMilliseconds: Int64

    init(
        _ status: NodeStatus, reasons: [String], member: MemberID, chain: ChainID, pins: [TLSPin],
        ownPin: TLSPin, firstHeight: UInt64, failures: [MemberID: String], certificates: [String: Int64],
        keys: [String: Int64], startedMilliseconds: Int64
    ) {
        (self.chain, self.member) = (chain.description, member.text)
        (isReady, self.reasons) = (reasons.isEmpty, reasons)
        self.firstHeight = firstHeight
        (epoch, finalHeight, headHeight) = (status.epoch, status.finalHeight, status.headHeight)
        engine = Engine(
            address: status.engine, state: status.engineHealth?.state.rawValue ?? "stopped",
            summary: status.engineHealth?.summary ?? "is being made")
        (validators, isValidator) = (status.validators.map(\.text), status.isValidator)
        finalTimeMilliseconds = status.finalTime.milliseconds
        (pending, outbox) = (status.pending, status.outbox)
        peers = status.peers.map {
            Peer(
                member: $0.member.text, isConnected: $0.isConnected, finalHeight: $0.finalHeight,
                reason: failures[$0.member])
        }
        (pin, pinIsOnLedger) = (ownPin.description, pins.contains(ownPin))
        (certificateDaysLeft, keyDaysLeft) = (certificates, keys)
        self.startedMilliseconds = startedMilliseconds
    }
}

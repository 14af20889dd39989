import Codec
import Foundation
import HTTP
import Ledger
import Node

/// What other nodes ask of this one, under `/v1/peer`.
///
/// | | for | |
/// |---|---|---|
/// | `GET messages` | guests on the ledger | an endless stream of frames, each a `ReplicaMessage` |
/// | `GET blocks?above=H` | guests | frames, each a block record; none where this node is not ahead |
/// | `POST transactions` | guests | frames, each a transaction; 202 says nothing of what becomes of them |
/// | `GET genesis` | guests | the genesis document |
/// | `GET status` | guests | JSON |
package struct PeerRoutes: Sendable {
    let node: LedgerNode
    let peers: HTTPPeers
    let genesis: [UInt8]

    package init(node: LedgerNode, peers: HTTPPeers, genesis: [UInt8]) {
        (self.node, self.peers, self.genesis) = (node, peers, genesis)
    }

    static let bytesType = "application/octet-stream"

    package var routes: [Route] {
        [
            Route(.get, "/v1/peer/messages", for: .guests) { try messages($0) },
            Route(.get, "/v1/peer/blocks", for: .guests) { try blocks($0) },
            Route(
                .post, "/v1/peer/transactions", for: .guests,
                maximumBodyBytes: UnverifiedTransaction.maximumSize + 2 * PeerLink.requestBytes
            ) { try transactions($0) },
            Route(.get, "/v1/peer/genesis", for: .guests) { _ in
                HTTPResponse(type: "application/cbor", genesis)
            },
            Route(.get, "/v1/peer/status", for: .guests) { _ in try status() },
        ]
    }

    private func messages(_ call: Call) throws -> HTTPResponse {
        // The node's own member may look as well, as a peer that nobody counts.
        let member = call.caller.other ?? peers.book.own
        guard peers.book.follows(member) else {
            throw Problem(.forbidden, "api.forbidden", "this is for those whom the ledger knows")
        }
        let status = node.status
        let hello = ReplicaMessage.status(
            .init(epoch: status.epoch, finalHeight: status.finalHeight, headHeight: status.headHeight))
        return HTTPResponse(
            .ok, ["Content-Type": PeerRoutes.bytesType], stream: try peers.follow(as: member, hello: hello))
    }

    private func blocks(_ call: Call) throws -> HTTPResponse {
        let above = try call.number("above")
        // What is not kept any more is the caller's news, and no failure here.
        let blocks = try Problem.translating {
            try node.servedBlocks(above: above, limitBytes: HTTPPeers.blockBytes)
        }
        return HTTPResponse(type: PeerRoutes.bytesType, PeerFrames.body(blocks))
    }

    private func transactions(_ call: Call) throws -> HTTPResponse {
        let transactions: [[UInt8]]
        do {
            transactions = try PeerFrames.messages(
                call.request.body, limit: UnverifiedTransaction.maximumSize)
        } catch { throw Problem(.badRequest, "peer.malformed", "\(error)") }
        node.received(transactions: transactions, from: call.caller.other)
        return HTTPResponse(.accepted)
    }

    private struct Status: Encodable {
        let chain, member, engine: String
        let epoch: Epoch
        let finalHeight, headHeight: Height
    }

    private func status() throws -> HTTPResponse {
        let status = node.status
        return try HTTPResponse(
            json: Status(
                chain: node.rules.chain.description, member: peers.book.own.text, engine: status.engine,
                epoch: status.epoch, finalHeight: status.finalHeight, headHeight: status.headHeight))
    }
}

extension HTTPResponse {
    /// A value as JSON with sorted keys.
    package init(_ status: HTTPStatus = .ok, json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.init(status, type: "application/json", [UInt8](try encoder.encode(value)))
    }
}

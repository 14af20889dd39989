import Codec
import Contracts
import Cryptography
import HTTP
import Ledger
import Node
import Synchronization
import Vault

/// What a node's vault answers other members: ciphertexts, which say nothing without a key, and who may read
/// them. Strangers get nothing.
package struct DocumentRoutes: Sendable {
    private let node: LedgerNode
    private let documents: DocumentReplication

    /// More than the longest list of sealed keys.
    static let maximumKeyBytes = 1 << 20

    package init(node: LedgerNode, documents: DocumentReplication) {
        (self.node, self.documents) = (node, documents)
    }

    package var routes: [Route] {
        [
            route(.get, "documents/:cid") { call in
                let cid = try DocumentRoutes.cid(call)
                guard documents.vault.contains(cid) else { throw VaultError(.notFound, "\(cid)") }
                return DocumentRoutes.ciphertext(of: cid, in: documents.vault)
            },
            route(.get, "documents/:cid/keys") { call in
                let keys = try documents.vault.keys(of: try DocumentRoutes.cid(call))
                return HTTPResponse(type: LocalAPI.contentType, keys.encoded)
            },
            route(.put, "documents/:cid/keys", maximumBodyBytes: DocumentRoutes.maximumKeyBytes) { call in
                let cid = try DocumentRoutes.cid(call)
                let keys = try SealedKeys(decoding: call.request.body)
                guard let known = try DocumentExchange.known(keys, try node.view()) else {
                    throw Problem(
                        .unprocessable, "vault.bad_reader", "the ledger knows none of these readers")
                }
                try documents.vault.merge(known, into: cid)
                return HTTPResponse(.noContent)
            },
        ]
    }

    private func route(
        _ method: HTTPMethod, _ path: String, maximumBodyBytes: Int = 64 << 10,
        answer: @escaping @Sendable (Call) throws -> HTTPResponse
    ) -> Route {
        Route(method, "/v1/\(path)", for: .members, maximumBodyBytes: maximumBodyBytes) { call in
            try Problem.translating { try answer(call) }
        }
    }

    static func cid(_ call: Call) throws -> CID {
        do { return try CID(parsing: call.parameter("cid")) } catch {
            throw Problem(.badRequest, "document.bad_cid", "this is no content identifier")
        }
    }

    private static func ciphertext(of cid: CID, in vault: DocumentVault) -> HTTPResponse {
        let offset = Mutex(0)
        let stream = HTTPStream(heartbeat: []) { _ in
            try offset.withLock { offset in
                let piece = try vault.ciphertext(of: cid, from: offset)
                offset += piece.count
                return piece.isEmpty ? .end : .bytes(piece)
            }
        }
        return HTTPResponse(.ok, ["Content-Type": "application/octet-stream"], stream: stream)
    }
}

import Codec
import Cryptography
import HTTP
import Node
import Vault

extension LocalRoutes {
    /// Documents from and for the own member's programs, whose vault may be on another machine.
    var documentRoutes: [Route] {
        [
            route(.post, "documents/:cid/fetch") { call in
                let cid = try DocumentRoutes.cid(call)
                let reader = try LocalRoutes.hex(call.request.query("reader") ?? "", "reader")
                let vault = documents.vault
                if vault.contains(cid), try vault.keys(of: cid).has(reader) {
                    return HTTPResponse(.noContent)
                }
                guard try documents.exchange.fetch(cid, for: reader, into: vault) else {
                    throw NodeError(
                        "vault.not_found", "no node that can be reached has the document for this reader")
                }
                return HTTPResponse(.noContent)
            },
            route(.put, "documents/:cid/keys", maximumBodyBytes: DocumentRoutes.maximumKeyBytes) { call in
                let cid = try DocumentRoutes.cid(call)
                try documents.vault.merge(try SealedKeys(decoding: call.request.body), into: cid)
                try documents.announced(cid)
                return HTTPResponse(.noContent)
            },
            route(.put, "documents/:cid", maximumBodyBytes: LocalAPI.maximumDocumentBytes) { call in
                let cid = try DocumentRoutes.cid(call)
                let (keys, start) = try LocalRoutes.keys(call.request.body)
                try documents.vault.receive(cid, keys: keys) { try $0(Array(call.request.body[start...])) }
                try documents.announced(cid)
                return HTTPResponse(.noContent)
            },
        ]
    }

    /// The keys at the beginning of a body, as one frame, and where the ciphertext begins.
    private static func keys(_ body: [UInt8]) throws -> (SealedKeys, Int) {
        var decoder = FrameDecoder(limit: DocumentRoutes.maximumKeyBytes)
        decoder.append(Array(body.prefix(DocumentRoutes.maximumKeyBytes + 4)))
        let frame: [UInt8]?
        do { frame = try decoder.next() } catch {
            throw Problem(.badRequest, "api.bad_body", "\(error)")
        }
        guard let frame else { throw Problem(.badRequest, "api.bad_body", "the body begins with no keys") }
        return (try SealedKeys(decoding: frame), 4 + frame.count)
    }
}

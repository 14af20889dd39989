import Codec
import HTTP
import Vault

/// One node's vault, asked over HTTPS. Nothing that it says is believed: the content has to be the one that
/// the CID names, and keys only add readers.
struct DocumentSource: Sendable {
    private let client: HTTPClient

    /// The largest ciphertext that is taken over, in bytes.
    static let maximumBytes = 1 << 30

    init(_ client: HTTPClient) { self.client = client }

    /// Brings a document into a vault, or its keys where the ciphertext is there.
    /// - Parameter accept: what is taken of the keys that came; nil refuses the document.
    /// - Throws: `vault.not_found` where the node has it not; `vault.damaged` where it is another one;
    ///   `node.unreachable`, and what the node says.
    func fetch(
        _ cid: CID, into vault: DocumentVault, accept: (SealedKeys) throws(NodeError) -> SealedKeys?
    ) throws(NodeError) {
        let path = ["v1", "documents", cid.description]
        do {
            let bytes = try client.request(
                .get, HTTPTarget(path + ["keys"]), maximumBodyBytes: 1 << 20
            ).successful().body
            guard let keys = try accept(try SealedKeys(decoding: bytes)) else {
                throw NodeError(
                    "vault.damaged", "nobody whom the ledger knows can read what \(client.endpoint) has")
            }
            if vault.contains(cid) {
                try vault.merge(keys, into: cid)
                return
            }
            var left = DocumentSource.maximumBytes
            try vault.receive(cid, keys: keys) { write in
                try client.stream(.get, HTTPTarget(path)) { bytes in
                    left -= bytes.count
                    guard left >= 0 else { throw HTTPError(.tooLarge, "\(cid) is larger than allowed") }
                    try write(bytes)
                }
            }
        } catch let error as NodeError { throw error } catch let error as HTTPError {
            throw NodeLink.failure(error, client.endpoint)
        } catch let error as VaultError {
            if let cause = error.cause as? HTTPError { throw NodeLink.failure(cause, client.endpoint) }
            throw NodeError(error)
        } catch { throw NodeError("vault.io", "the document could not be fetched", cause: error) }
    }

    /// Hands a node the keys of readers that it may not have yet.
    /// - Throws: `vault.not_found` where it has no such document; `node.unreachable`.
    func push(_ keys: SealedKeys, of cid: CID) throws(NodeError) {
        do {
            try client.request(
                .put, HTTPTarget(["v1", "documents", cid.description, "keys"]), body: keys.encoded
            ).successful()
        } catch { throw NodeLink.failure(error, client.endpoint) }
    }
}

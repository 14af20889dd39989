import Codec
import HTTP
import Vault

/// The own node as the place where documents are: it has them, or fetches them from other members' nodes.
struct RemoteDocuments: DocumentPeers {
    private let link: NodeLink

    init(_ link: NodeLink) { self.link = link }

    /// Has the node fetch the document; where its vault is not this one, brings it here.
    func fetch(_ cid: CID, for reader: [UInt8], into vault: DocumentVault) throws(NodeError) -> Bool {
        do {
            try link.call(
                .post, ["documents", cid.description, "fetch"],
                query: [HTTPTarget.Item("reader", Hex.encode(reader))], totalMilliseconds: 120_000)
        } catch {
            guard error.code == "vault.not_found" else { throw error }
            return false
        }
        do throws(VaultError) {
            if vault.contains(cid), try vault.keys(of: cid).has(reader) { return true }
        } catch { throw NodeError(error) }
        let source = DocumentSource(link.client)
        try source.fetch(cid, into: vault) { $0 }
        do { return try vault.keys(of: cid).has(reader) } catch { throw NodeError(error) }
    }

    /// Hands the node the keys and, where it has no such document, the ciphertext.
    func announce(_ cid: CID, in vault: DocumentVault) throws(NodeError) {
        let path = ["documents", cid.description]
        do {
            let keys = try vault.keys(of: cid).encoded
            do {
                try link.call(.put, path + ["keys"], body: keys)
            } catch {
                guard error.code == "vault.not_found" else { throw error }
                var body = Frame.encode(keys)
                try vault.ciphertext(of: cid) { body += $0 }
                try link.call(.put, path, body: body, totalMilliseconds: 120_000)
            }
        } catch let error as NodeError { throw error } catch let error as VaultError {
            throw NodeError(error)
        } catch { throw NodeError("vault.io", "the document could not be read", cause: error) }
    }
}

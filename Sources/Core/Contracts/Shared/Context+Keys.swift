import Codec
import Ledger

/// Signing keys, for the contracts that bring and end them.
extension Context {
    /// The name of an Ed25519 key that the ledger has never seen. A revoked key never comes back.
    /// - Throws: `<contract>.key_malformed`, `<contract>.key_taken`.
    func freshKey(_ publicKey: Bytes) throws(Rejection) -> KeyID {
        try require(publicKey.count == Digest.count, else: code("key_malformed"), "a key is 32 bytes")
        let key = KeyID(publicKey: publicKey.array, hash: hash)
        try require(
            try get(KeyRecord.self, key) == nil, else: code("key_taken"),
            "the key is, or was, in use on this ledger")
        return key
    }

    /// Ends a key; nothing happens where there is none or it has ended.
    func revokeKey(_ id: KeyID) throws(Rejection) {
        guard var key = try get(KeyRecord.self, id), !key.revoked else { return }
        key.revoked = true
        try put(key)
    }
}

import Codec
import Ledger

/// Signing keys, for the contracts that bring and end them.
extension Context {
    /// The name of an Ed25519 key that the ledger has never seen. A revoked key never comes back.
    /// - Parameter mayTake: Whether its bringer may take over a key that is there.
    /// - Throws: `<contract>.key_malformed`, `<contract>.key_taken`.
    func freshKey(
        _ publicKey: Bytes, orOne mayTake: (KeyRecord) -> Bool = { _ in false }
    ) throws(Rejection) -> KeyID {
        try require(publicKey.count == Digest.count, else: code("key_malformed"), "a key is 32 bytes")
        let key = KeyID(publicKey: publicKey.array, hash: hash)
        if let known = try get(KeyRecord.self, key) {
            try require(
                mayTake(known), else: code("key_taken"), "the key is, or was, in use on this ledger")
        }
        return key
    }

    /// Ends a key; nothing happens where there is none or it has ended.
    func revokeKey(_ id: KeyID) throws(Rejection) {
        guard var key = try get(KeyRecord.self, id), !key.revoked else { return }
        key.revoked = true
        try put(key)
    }
}

extension KeyRecord {
    /// Whether it is kept for the OEM that has named it as a machine's device, and no customer has accepted
    /// it. Nobody has proven to hold it: who does may take it.
    var isKeptForDevice: Bool { kind == .device && since == .max && !revoked }
}

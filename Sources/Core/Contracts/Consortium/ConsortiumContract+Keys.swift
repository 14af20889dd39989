import Codec
import Ledger

extension ConsortiumContract {
    /// What a new signing key signs to prove that whoever brings it holds it: deterministic CBOR
    /// `["millwright-possession", chain, member, signing public key, sealing public key]`, the sealing key
    /// empty for a delegated key. It names chain and member, so that the proof is good nowhere else.
    package static func possessionMessage(
        chain: ChainID, member: MemberID, signingPublicKey: [UInt8], sealingPublicKey: [UInt8]
    ) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: 200)
        writer.array(5)
        writer.text("millwright-possession")
        writer.digest(chain)
        writer.text(member.text)
        writer.byteString(signingPublicKey)
        writer.byteString(sealingPublicKey)
        return writer.bytes
    }

    // MARK: rotateKeys

    static func rotateKeys(_ body: RotateKeys, _ context: Context) throws(Rejection) {
        var member = try ownKeyMember(context)
        guard var keys = member.keys, body.signingKey != nil || body.sealingPublicKey != nil else {
            throw Rejection("consortium.nothing_to_rotate", "neither a signing nor a sealing key is given")
        }
        if let sealing = body.sealingPublicKey {
            try requireSealingKey(sealing, context)
            keys.sealingPublicKey = sealing
        }
        if let new = body.signingKey {
            let old = keys.signing
            keys = try provenKeys(new, sealing: keys.sealingPublicKey, of: member.id, context)
            try context.revokeKey(old)
            try context.put(memberKey(keys, of: member.id, since: context.height))
        }
        member.keys = keys
        try context.put(member)
        context.emit("keysRotated", member.id)
    }

    /// The signer, where it signed with its own key: a delegated one must not make or end keys.
    /// - Throws: `consortium.own_key_required` and those of `Context.member()`.
    static func ownKeyMember(_ context: Context) throws(Rejection) -> MemberRecord {
        let member = try context.member()
        try context.require(
            try context.signer.kind == .member, else: "consortium.own_key_required",
            "a delegated key cannot sign this")
        return member
    }

    /// The keys that a member brings, once their possession is proven.
    /// - Throws: `consortium.key_malformed`, `.key_taken`, `.possession_not_proven`.
    static func provenKeys(
        _ new: NewKey, sealing: Bytes, of member: MemberID, _ context: Context
    ) throws(Rejection) -> MemberRecord.Keys {
        try requireSealingKey(sealing, context)
        let signing = try context.freshKey(new.publicKey, orOne: \.isKeptForDevice)
        try requirePossession(new, sealing: sealing.array, of: member, context)
        return MemberRecord.Keys(
            signing: signing, signingPublicKey: new.publicKey, sealingPublicKey: sealing)
    }

    static func memberKey(_ keys: MemberRecord.Keys, of member: MemberID, since: Height) -> KeyRecord {
        KeyRecord(
            id: keys.signing, publicKey: keys.signingPublicKey, account: member, kind: .member, since: since)
    }

    static func requirePossession(
        _ new: NewKey, sealing: [UInt8], of member: MemberID, _ context: Context
    ) throws(Rejection) {
        let message = possessionMessage(
            chain: context.chain, member: member, signingPublicKey: new.publicKey.array,
            sealingPublicKey: sealing)
        try context.require(
            new.possession.count == 64
                && context.verifies(
                    signature: new.possession.array, message: message, publicKey: new.publicKey.array),
            else: "consortium.possession_not_proven", "the new key's signature does not verify")
    }

    /// An X25519 public key: 32 bytes. All zero is the one low-order point that a careless client sends.
    static func requireSealingKey(_ key: Bytes, _ context: Context) throws(Rejection) {
        try context.require(
            key.count == Digest.count && key.array.contains { $0 != 0 }, else: "consortium.key_malformed",
            "a sealing key is 32 bytes")
    }

    // MARK: delegateKey

    /// A key that holds already is given a later end where everything else stays as it was.
    static func delegateKey(_ body: DelegateKey, _ context: Context) throws(Rejection) {
        let member = try ownKeyMember(context)
        try context.requireList(body.scopes, "scopes", count: 1...32)
        for scope in body.scopes { try requireScope(scope, context) }
        let scopes = try sortedOnce(body.scopes, "scopes", context)
        try context.require(
            context.time < body.expires && body.expires <= context.time + longestDelegation,
            else: "consortium.expiry_out_of_range", "a delegated key ends within five years")
        let known = KeyID(publicKey: body.key.publicKey.array, hash: context.hash)
        if var record = try context.get(KeyRecord.self, known), record.kind == .delegate, !record.revoked,
            record.account == member.id, record.scopes == scopes, let end = record.expires, end < body.expires
        {
            try requirePossession(body.key, sealing: [], of: member.id, context)
            record.expires = body.expires
            try context.put(record)
            return context.emit("keyDelegated", known)
        }
        let key = try context.freshKey(body.key.publicKey, orOne: \.isKeptForDevice)
        try requirePossession(body.key, sealing: [], of: member.id, context)
        try context.put(
            KeyRecord(
                id: key, publicKey: body.key.publicKey, account: member.id, kind: .delegate, scopes: scopes,
                since: context.height, expires: body.expires))
        context.emit("keyDelegated", key)
    }

    /// `contract.action` or `contract.*`, ASCII letters.
    private static func requireScope(_ scope: String, _ context: Context) throws(Rejection) {
        let parts = scope.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
        func isWord(_ part: Substring.UTF8View) -> Bool {
            (1...32).contains(part.count)
                && part.allSatisfy { (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) }
        }
        let isScope =
            parts.count == 2 && isWord(parts[0]) && (isWord(parts[1]) || Array(parts[1]) == [0x2a])
        try context.require(
            isScope, else: "consortium.scope_invalid", "a scope is contract.action or contract.*")
    }

    // MARK: revokeKey

    /// By the key's own member, and for an invitation's by any board member, as each may invite. The board
    /// ends another member's key by a decision. A device's key is its customer's: an OEM that could end it
    /// would end the proof of downtime whenever that suits it, so it brings a replacement instead, which ends
    /// the old key when the customer accepts it.
    static func revokeKey(_ body: RevokeKey, _ context: Context) throws(Rejection) {
        let member = try ownKeyMember(context)
        let key = try context.existing(KeyRecord.self, body.key)
        let isOwn = key.account == member.id
        let mayRevoke =
            switch key.kind {
            case .member, .delegate, .device: isOwn
            case .invitation: isOwn || member.roles.contains(.board)
            }
        try context.require(mayRevoke, else: "consortium.not_a_party", "the key is another member's")
        try requireRevocable(key, context)
        if key.kind == .invitation, let id = InvitationID(key.subject) {
            let invitation = try context.existing(InvitationRecord.self, id)
            try close(invitation, as: .revoked, context)
            try context.cancel(invitationTimer, at: invitation.expires, subject: id.keyBytes)
        } else {
            try context.revokeKey(body.key)
        }
        context.emit("keyRevoked", body.key)
    }

    /// - Throws: `consortium.key_in_use`, `.key_revoked`.
    static func requireRevocable(_ key: KeyRecord, _ context: Context) throws(Rejection) {
        // A member without a key could not even rotate; the board's means against it is suspension.
        try context.require(
            key.kind != .member, else: "consortium.key_in_use",
            "a member's own key is replaced by rotateKeys")
        try context.require(!key.revoked, else: "consortium.key_revoked", "the key is already revoked")
    }

    /// What the board may end by decision: a key that a member has delegated, or a machine's device.
    /// - Throws: `key.unknown`, `consortium.key_in_use`, `.key_revoked`, `.not_decided`.
    static func requireRevocableByBoard(_ id: KeyID, _ context: Context) throws(Rejection) {
        let key = try context.existing(KeyRecord.self, id)
        try requireRevocable(key, context)
        try context.require(
            key.kind != .invitation, else: "consortium.not_decided",
            "any board member ends an invitation with revokeKey")
    }
}

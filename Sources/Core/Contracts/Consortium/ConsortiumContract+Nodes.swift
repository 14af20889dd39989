import Codec
import Ledger

/// A member's node: where it is, how it proves itself in TLS, and the key that it votes with.
extension ConsortiumContract {
    // MARK: setNode

    /// Endpoint and pins may be set with a delegated key, so that a node renews its TLS key by itself. The
    /// voting key decides what becomes final, so only the member's own key offers one.
    static func setNode(_ body: SetNode, _ context: Context) throws(Rejection) {
        var member = try body.votingKey == nil ? context.member() : ownKeyMember(context)
        try requireNodeEndpoint(body.endpoint, context)
        try context.requireList(body.tlsPins, "tlsPins", count: 0...PinRecord.maximumCount)
        member.endpoint = body.endpoint
        member.tlsPins = try takePins(body.tlsPins, of: member, context)
        if let offered = body.votingKey {
            try requireFreshVotingKey(offered, of: member.id, context)
            member.votingKey = offered.publicKey
        }
        try context.put(member)
        context.emit("nodeSet", member.id)
    }

    /// `https://HOST[:PORT]`, or empty.
    /// - Throws: `consortium.text_too_long`, `consortium.endpoint_invalid`.
    private static func requireNodeEndpoint(_ endpoint: String, _ context: Context) throws(Rejection) {
        try requireEndpoint(endpoint, context)
        guard !endpoint.isEmpty else { return }
        let scheme = "https://".utf8
        let rest = endpoint.utf8.dropFirst(scheme.count)
        let isNode =
            endpoint.utf8.starts(with: scheme)
            && (EngineAddress.Server.isHost(rest) || EngineAddress.Server(rest) != nil)
        try context.require(
            isNode, else: "consortium.endpoint_invalid", "a node's endpoint is https://HOST[:PORT], or empty")
    }

    // MARK: Pins

    /// The pins in order, each in the table of pins; those that the member no longer has leave it. Nil for
    /// none.
    /// - Throws: `consortium.duplicate_entry`, `consortium.pin_taken`.
    static func takePins(
        _ pins: [Digest], of member: MemberRecord, _ context: Context
    ) throws(Rejection) -> [Digest]? {
        let sorted = try sortedOnce(pins, "tlsPins", context)
        for pin in member.tlsPins ?? [] where !sorted.contains(pin) {
            try context.delete(PinRecord.self, pin)
        }
        for pin in sorted {
            let known = try context.get(PinRecord.self, pin)
            try context.require(
                known == nil || known?.member == member.id, else: "consortium.pin_taken",
                "the TLS key is another member's")
            if known == nil { try context.put(PinRecord(id: pin, member: member.id)) }
        }
        return sorted.isEmpty ? nil : sorted
    }

    /// The pins that a founder or a joining company brings.
    /// - Throws: `consortium.list_*` and those of `takePins`.
    static func firstPins(
        _ pins: [Digest]?, of member: MemberRecord, _ context: Context
    ) throws(Rejection) -> [Digest]? {
        guard let pins else { return nil }
        try context.requireList(pins, "tlsPins", count: 1...PinRecord.maximumCount)
        return try takePins(pins, of: member, context)
    }

    // MARK: Voting keys

    /// A validator gives itself another voting key, in force from the next epoch block: so a node that was
    /// restored, and must never vote with its old key again, comes back.
    static func rotateVotingKey(_ body: RotateVotingKey, _ context: Context) throws(Rejection) {
        var member = try ownKeyMember(context)
        var record = try context.existing(ValidatorsRecord.self, ParametersRecord.Key())
        var validators = record.next ?? record.current
        guard let place = validators.firstIndex(where: { $0.member == member.id }) else {
            throw Rejection("consortium.not_a_validator", "\(member.id) is not to validate")
        }
        // Tells of keys that the table does not hold yet, so before anything is compared with it.
        try keepVotingKeys(of: record, context)
        try requireFreshVotingKey(body.votingKey, of: member.id, context)
        let old = KeyID(publicKey: validators[place].votingKey.array, hash: context.hash)
        var replaced = try context.existing(VotingKeyRecord.self, old)
        replaced.replaced = context.height
        try context.put(replaced)
        validators[place].votingKey = body.votingKey.publicKey
        record.next = validators
        try keepVotingKeys(of: record, context)
        try context.put(record)
        member.votingKey = body.votingKey.publicKey
        try context.put(member)
        context.emit("votingKeyRotated", member.id)
    }

    /// A voting key that signs nothing else, that nobody has or had as a voting key, and that whoever brings
    /// it holds.
    /// - Throws: `consortium.key_malformed`, `.key_taken`, `.possession_not_proven`.
    private static func requireFreshVotingKey(
        _ key: NewKey, of member: MemberID, _ context: Context
    ) throws(Rejection) {
        let id = try context.freshKey(key.publicKey)
        try context.require(
            try context.votingKey(id) == nil, else: context.code("key_taken"),
            "the voting key is, or was, a validator's")
        try requirePossession(key, sealing: [], of: member, context)
    }

    /// Refuses voting keys of other members and those that their member has replaced: a node that was
    /// restored has forgotten what it signed with the latter.
    /// - Throws: `consortium.key_taken`.
    static func requireUsableVotingKeys(
        _ validators: [ValidatorsRecord.Validator], _ context: Context
    ) throws(Rejection) {
        let current = try context.existing(ValidatorsRecord.self, ParametersRecord.Key()).current
        for validator in validators {
            let id = KeyID(publicKey: validator.votingKey.array, hash: context.hash)
            let known = try context.get(VotingKeyRecord.self, id)
            let holder = known?.member ?? current.first { $0.votingKey == validator.votingKey }?.member
            try context.require(
                (holder ?? validator.member) == validator.member && known?.replaced == nil,
                else: context.code("key_taken"),
                "the voting key of \(validator.member) was replaced, or is another's")
        }
    }

    /// Keeps who has which voting key, before a decision makes the validators in force forget it.
    ///
    /// The founders' keys enter with the first decision, so that founding writes nothing twice; until then
    /// the validators in force are those of block 0.
    static func keepVotingKeys(of record: ValidatorsRecord, _ context: Context) throws(Rejection) {
        try keepVotingKeys(record.current, since: 0, context)
        try keepVotingKeys(record.next ?? [], since: context.height, context)
    }

    private static func keepVotingKeys(
        _ validators: [ValidatorsRecord.Validator], since height: Height, _ context: Context
    ) throws(Rejection) {
        for validator in validators {
            let id = KeyID(publicKey: validator.votingKey.array, hash: context.hash)
            if try context.get(VotingKeyRecord.self, id) == nil {
                try context.put(
                    VotingKeyRecord(
                        id: id, publicKey: validator.votingKey, member: validator.member, since: height))
            }
        }
    }
}

extension Context {
    /// The voting key of this name, where it is or was a validator's.
    package func votingKey(_ id: KeyID) throws(Rejection) -> VotingKeyRecord? {
        if let known = try get(VotingKeyRecord.self, id) { return known }
        let validators = try existing(ValidatorsRecord.self, ParametersRecord.Key()).current
        for validator in validators where KeyID(publicKey: validator.votingKey.array, hash: hash) == id {
            return VotingKeyRecord(
                id: id, publicKey: validator.votingKey, member: validator.member, since: 0)
        }
        return nil
    }
}

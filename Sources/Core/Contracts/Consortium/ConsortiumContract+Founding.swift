import Codec
import Ledger

/// A member from the first block on, as the genesis document names it.
package struct Founder: Codable, Hashable, Sendable {
    package var id: MemberID
    /// 1 to 200 bytes.
    package var name: String
    /// 1 to 6, each once.
    package var roles: [Role]
    package var profile: MemberProfile
    /// Ed25519, 32 bytes.
    package var signingPublicKey: Bytes
    /// X25519, 32 bytes.
    package var sealingPublicKey: Bytes
    /// As in `MemberRecord`.
    package var endpoint: String
    /// As in `MemberRecord`.
    package var tlsPins: [Digest]?

    package init(
        id: MemberID, name: String, roles: [Role], profile: MemberProfile, signingPublicKey: Bytes,
        sealingPublicKey: Bytes, endpoint: String = "", tlsPins: [Digest]? = nil
    ) {
        (self.id, self.name, self.roles, self.profile) = (id, name, roles, profile)
        (self.signingPublicKey, self.sealingPublicKey) = (signingPublicKey, sealingPublicKey)
        (self.endpoint, self.tlsPins) = (endpoint, tlsPins)
    }
}

extension ConsortiumContract {
    /// Writes the consortium as the genesis document has it: members, keys, accounts, parameters and
    /// validators.
    ///
    /// The founders prove nothing here: whoever runs a node with the genesis document has agreed to it.
    /// - Throws: `consortium.no_board`, `.member_exists`, `.key_taken`, `.key_malformed`, and the codes of
    ///   bounds: the genesis document is refused.
    package static func found(
        _ founders: [Founder], parameters: ParametersRecord, validators: [ValidatorsRecord.Validator],
        in context: Context
    ) throws(Rejection) {
        try context.requireList(founders, "founders", count: 1...1000)
        try requireParameters(
            ParametersChange(
                transactionsPerSecond: parameters.transactionsPerSecond,
                bytesPerSecond: parameters.bytesPerSecond, invitationDays: parameters.invitationDays,
                auctionGraceSeconds: parameters.auctionGraceSeconds, engines: parameters.engines), context)
        try context.put(parameters)
        for founder in founders { try found(founder, context) }
        let board = try activeBoard(context).count
        try context.require(board > 0, else: "consortium.no_board", "no founder is on the board")
        try context.require(
            board <= largestBoard, else: "consortium.board_full", "the board has \(largestBoard) members")
        try context.put(ValidatorsRecord(current: try checkedValidators(validators, context)))
    }

    private static func found(_ founder: Founder, _ context: Context) throws(Rejection) {
        try context.requireText(founder.name, "name", bytes: 1...200)
        try requireProfile(founder.profile, context)
        try requireEndpoint(founder.endpoint, context)
        try requireSealingKey(founder.sealingPublicKey, context)
        try context.require(
            try context.get(MemberRecord.self, founder.id) == nil, else: "consortium.member_exists",
            "\(founder.id) is listed twice")
        let keys = MemberRecord.Keys(
            signing: try context.freshKey(founder.signingPublicKey),
            signingPublicKey: founder.signingPublicKey, sealingPublicKey: founder.sealingPublicKey)
        try context.put(memberKey(keys, of: founder.id, since: context.height))
        try context.put(AccountRecord(id: founder.id))
        var member = MemberRecord(
            id: founder.id, name: founder.name, roles: try sortedRoles(founder.roles, context),
            profile: founder.profile, endpoint: founder.endpoint, keys: keys, status: .active,
            joined: context.time, admitted: context.time)
        member.tlsPins = try firstPins(founder.tlsPins, of: member, context)
        try context.put(member)
        context.emit("founded", founder.id)
    }
}

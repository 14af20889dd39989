import Codec
import Ledger

/// What the board's decisions may say, and what they do. They are checked when proposed and again when
/// carried out, since the consortium may have changed in between.
extension ConsortiumContract {
    /// The subject in its one form (lists sorted), where it could be carried out now.
    static func checked(_ subject: ProposalSubject, _ context: Context) throws(Rejection) -> ProposalSubject {
        switch subject {
        case .admit(let id):
            try requireStatus(id, [.applied], context)
        case .suspend(let id):
            try requireStatus(id, [.active], context)
            try requireAnotherBoardMember(than: id, context)
        case .reinstate(let id):
            try requireStatus(id, [.suspended], context)
        case .remove(let id):
            try requireStatus(id, [.applied, .active, .suspended], context)
            try requireAnotherBoardMember(than: id, context)
            try requireNotValidator(id, context)
        case .setValidators(let validators):
            let checked = try checkedValidators(validators, context)
            try requireUsableVotingKeys(checked, context)
            return .setValidators(validators: checked)
        case .setParameters(let change):
            try requireParameters(change, context)
        case .announceContracts(let announcement):
            try requireAnnouncement(announcement, context)
        case .revokeKey(let key):
            try requireRevocableByBoard(key, context)
        }
        return subject
    }

    static func carryOut(_ subject: ProposalSubject, _ context: Context) throws(Rejection) {
        switch try checked(subject, context) {
        case .admit(let id): try admit(id, context)
        case .suspend(let id): try setStatus(id, .suspended, .suspended, "memberSuspended", context)
        case .reinstate(let id):
            try requireRoomOnBoard(try context.existing(MemberRecord.self, id), context)
            try setStatus(id, .active, .active, "memberReinstated", context)
        case .remove(let id): try setStatus(id, .removed, .removed, "memberRemoved", context)
        case .setValidators(let validators):
            var record = try context.existing(ValidatorsRecord.self, ParametersRecord.Key())
            try keepVotingKeys(of: record, context)
            record.next = validators == record.current ? nil : validators
            try keepVotingKeys(of: record, context)
            try context.put(record)
            context.emit("validatorsDecided", validators.count)
        case .setParameters(let change):
            var record = try parameters(context)
            record.transactionsPerSecond = change.transactionsPerSecond
            record.bytesPerSecond = change.bytesPerSecond
            record.invitationDays = change.invitationDays
            record.auctionGraceSeconds = change.auctionGraceSeconds
            record.engines = change.engines
            try context.put(record)
            context.emit("parametersSet", "current")
        case .announceContracts(let announcement):
            var record = try parameters(context)
            record.announced = announcement
            try context.put(record)
            context.emit("contractsAnnounced", announcement.version)
        case .revokeKey(let key):
            try context.revokeKey(key)
            context.emit("keyRevoked", key)
        }
    }

    // MARK: Members

    private static func requireStatus(
        _ id: MemberID, _ allowed: [MemberRecord.Status], _ context: Context
    ) throws(Rejection) {
        let member = try context.existing(MemberRecord.self, id)
        try context.require(
            allowed.contains(member.status), else: "consortium.wrong_status",
            "\(id) is \(member.status.rawValue)")
    }

    private static func requireAnotherBoardMember(than id: MemberID, _ context: Context) throws(Rejection) {
        try context.require(
            try activeBoard(context).contains { $0.id != id }, else: "consortium.last_board_member",
            "without \(id) nobody could decide any more")
    }

    /// A member that still signs blocks cannot leave: first the board sets other validators.
    private static func requireNotValidator(_ id: MemberID, _ context: Context) throws(Rejection) {
        let record = try context.existing(ValidatorsRecord.self, ParametersRecord.Key())
        let validators = record.current + (record.next ?? [])
        try context.require(
            !validators.contains { $0.member == id }, else: "consortium.still_validator",
            "\(id) is a validator")
    }

    private static func requireRoomOnBoard(_ member: MemberRecord, _ context: Context) throws(Rejection) {
        guard member.roles.contains(.board) else { return }
        try context.require(
            try activeBoard(context).count < largestBoard, else: "consortium.board_full",
            "the board has \(largestBoard) members")
    }

    private static func admit(_ id: MemberID, _ context: Context) throws(Rejection) {
        var member = try context.existing(MemberRecord.self, id)
        guard let keys = member.keys else {
            throw Rejection("consortium.wrong_status", "\(id) has not joined")
        }
        try requireRoomOnBoard(member, context)
        try context.put(memberKey(keys, of: id, since: context.height))
        try context.put(AccountRecord(id: id))
        member.status = .active
        member.admitted = context.time
        try context.put(member)
        context.emit("admitted", id)
    }

    private static func setStatus(
        _ id: MemberID, _ status: MemberRecord.Status, _ account: AccountRecord.Status, _ event: String,
        _ context: Context
    ) throws(Rejection) {
        var member = try context.existing(MemberRecord.self, id)
        // The key that was kept for one that applied is anybody's again.
        if member.status == .applied, status == .removed, let keys = member.keys {
            try context.delete(KeyRecord.self, keys.signing)
        }
        member.status = status
        try context.put(member)
        // One that applied and was never admitted has no account.
        if var record = try context.get(AccountRecord.self, id) {
            record.status = account
            try context.put(record)
        }
        context.emit(event, id)
    }

    // MARK: Validators, parameters, rules

    /// 1 to 100 active members, each once, with distinct voting keys; sorted by member.
    static func checkedValidators(
        _ validators: [ValidatorsRecord.Validator], _ context: Context
    ) throws(Rejection) -> [ValidatorsRecord.Validator] {
        try context.requireList(validators, "validators", count: 1...100)
        let sorted = validators.sorted { $0.member < $1.member }
        _ = try sortedOnce(sorted.map(\.member), "validators", context)
        for validator in sorted {
            _ = try context.activeMember(validator.member)
            try context.require(
                validator.votingKey.count == Digest.count, else: "consortium.key_malformed",
                "a voting key is 32 bytes")
        }
        _ = try sortedOnce(sorted.compactMap { Digest($0.votingKey.array) }, "voting keys", context)
        return sorted
    }

    /// - Throws: `consortium.number_out_of_range`, `.list_*`, `.engines_invalid`.
    static func requireParameters(_ change: ParametersChange, _ context: Context) throws(Rejection) {
        try context.requireNumber(
            change.transactionsPerSecond, "transactionsPerSecond", in: 10...1_000_000)
        try context.requireNumber(change.bytesPerSecond, "bytesPerSecond", in: 65_536...1_000_000_000)
        try context.requireNumber(change.invitationDays, "invitationDays", in: 1...365)
        try context.requireNumber(change.auctionGraceSeconds, "auctionGraceSeconds", in: 0...3600)
        try requireEngines(change.engines, context)
    }

    /// 1 to 16 engines that there are, each once. Whether one can be reached, and whether a hosting member
    /// validates, may change at any time: an epoch passes over an engine that it cannot use.
    private static func requireEngines(_ engines: [String], _ context: Context) throws(Rejection) {
        try context.requireList(engines, "engines", count: 1...16)
        for engine in engines {
            try context.requireText(engine, "engines", bytes: 1...EngineAddress.maximumCount)
            try context.require(
                EngineAddress(engine) != nil, else: "consortium.engines_invalid",
                "an engine is embedded:, embedded:MEMBER, nats://HOST:PORT or nats-tls://HOST:PORT")
        }
        _ = try sortedOnce(engines, "engines", context)
        try context.require(
            engines.last == "embedded:", else: "consortium.engines_invalid",
            "the last engine is embedded:, which needs no server")
    }

    private static func requireAnnouncement(
        _ announcement: ParametersRecord.Announcement, _ context: Context
    ) throws(Rejection) {
        let (next, overflow) = try parameters(context).contractsVersion.addingReportingOverflow(1)
        try context.require(
            !overflow && announcement.version == next, else: "consortium.wrong_version",
            "the next version is \(next)")
        try context.require(
            announcement.activation > context.height, else: "consortium.activation_past",
            "the height \(announcement.activation) is not ahead")
    }
}

import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Members' nodes on the ledger: addresses, TLS keys, voting keys, and who validates.
enum ValidatorVerbs {
    static let all: [Verb] = [set, show]

    static let node = Verb(
        "member node", "set your own node's address, TLS keys and voting key",
        detail: """
            What is not given stays as it is. A pin is the SHA-256 of a TLS certificate's \
            SubjectPublicKeyInfo; the pins that are given replace all. To change a key, first give the old \
            pin and the new one, then switch, then give the new one alone.
            """,
        options: [
            .value("endpoint", "URL", "where other nodes reach it: https://HOST[:PORT]"),
            .value("pin", "HEX", "a TLS key's pin, at most four", repeated: true),
            .flag("no-pins", "take all pins out"),
            .flag("offer-vote", "offer this node's voting key, so that the board can make it a validator"),
        ] + Option.signing,
        examples: [
            "millwright member node --as press-works --endpoint https://node.example:8443 --pin ID",
            "millwright member node --as press-works --offer-vote",
        ]
    ) { invocation in
        let pins = try invocation.strings("pin").map { text in
            guard let pin = Hex.decode(text).flatMap({ Digest($0) }) else {
                throw UsageError("cli.bad_value", "--pin takes 64 hexadecimal digits")
            }
            return pin
        }
        guard pins.isEmpty || !invocation.has("no-pins") else {
            throw UsageError("cli.bad_value", "--pin and --no-pins contradict each other")
        }
        try await Session.with(invocation) { session in
            let record = try session.node.view().existing(MemberRecord.self, try session.member())
            let keepsPins = pins.isEmpty && !invocation.has("no-pins")
            var body = ConsortiumContract.SetNode(
                endpoint: try invocation.endpoint() ?? record.endpoint,
                tlsPins: keepsPins ? record.tlsPins ?? [] : pins)
            if invocation.has("offer-vote") {
                body.votingKey = try session.newKey(session.home.votingKey(), of: record.id, sealing: [])
            }
            try await session.perform(
                ConsortiumContract.self, .setNode(body), saying: "the node of \(record.id) is set")
        }
    }

    // MARK: validators

    static let set = Verb(
        "validators set", "propose the validators from the next epoch on (board)",
        detail: """
            All of them by name: who is left out validates no longer. Each one's voting key is the one that \
            it has brought last. The node of a company that has just been admitted brings its first one by \
            itself, and the verb waits for that.
            """,
        options: [
            .positional("member", "a validator's short name", repeated: true),
            .value(
                "wait", "TIME",
                "how long to wait for new members' voting keys (default: \(patienceSeconds)s), or 0s"),
            .value("reason", "TEXT", "for the record"),
        ] + Option.signing,
        examples: ["millwright validators set chamber press-works stamper --as chamber"]
    ) { invocation in
        let members: [MemberID] = try invocation.strings("member").map {
            try Invocation.identifier($0, "member")
        }
        let wait = try invocation.span("wait") ?? .seconds(patienceSeconds)
        try await Session.with(invocation) { session in
            let deadline = ContinuousClock.now + .nanoseconds(wait.nanoseconds)
            // Nobody waits for one member only to hear that another is none.
            let view = try session.node.view()
            for member in members { _ = try view.existing(MemberRecord.self, member) }
            var proposed: [ValidatorsRecord.Validator] = []
            for member in members.sorted() {
                proposed.append(
                    .init(member: member, votingKey: try await votingKey(of: member, session, deadline)))
            }
            try await ProposalVerbs.propose(
                session, .setValidators(validators: proposed),
                saying: "proposed \(Output.count(proposed.count, "validator")), in force from the next epoch")
        }
    }

    /// A node whose first try fails makes its next one a minute later.
    private static let patienceSeconds: Int64 = 90

    /// The voting key that a member has brought last. Where it was admitted and has brought none yet, its
    /// node is about to.
    /// - Throws: `member.unknown`, `validators.no_key`.
    private static func votingKey(
        of id: MemberID, _ session: Session, _ deadline: ContinuousClock.Instant
    ) async throws -> Bytes {
        var isToldOfWaiting = session.invocation.wantsJSON
        while true {
            let view = try session.node.view()
            let member = try view.existing(MemberRecord.self, id)
            let validators = try view.existing(ValidatorsRecord.self, ParametersRecord.Key())
            if let key = member.latestVotingKey(validators) { return key }
            guard member.status == .active else {
                throw noKey(
                    of: id, "it is \(member.status.rawValue), and only an admitted member's node brings one")
            }
            guard session.node is RemoteLedger, !session.isSimulated else {
                throw noKey(
                    of: id,
                    "with its keys millwright member node --as \(id) --offer-vote brings one; its node does "
                        + "so by itself, on a ledger in real time, while it and the node here run")
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                throw noKey(
                    of: id,
                    "give the command again when its node runs and has the block of its admission (there: "
                        + "millwright node status); it brings one by itself then, within two minutes")
            }
            if !isToldOfWaiting {
                isToldOfWaiting = true
                Terminal.print("waiting up to \(left.components.seconds + 1) s for the voting key of \(id)")
            }
            try await Task.sleep(for: min(left, .milliseconds(200)))
        }
    }

    private static func noKey(of member: MemberID, _ advice: String) -> NegativeAnswer {
        NegativeAnswer("validators.no_key", "\(member) has brought no voting key yet: \(advice)")
    }

    private struct Report: Encodable {
        let quorum: Int
        let validators: [Validator]

        struct Validator: Encodable {
            let member: MemberID
            let status: String
            let endpoint: String
            /// The voting key in force, decided for the next epoch, and brought last.
            let current: KeyID?
            let next: KeyID?
            let latest: KeyID?
        }
    }

    static let show = Verb(
        "validators show", "show who signs blocks, who will, and who offers to",
        examples: ["millwright validators show", "millwright validators show --json"]
    ) { invocation in
        try await Session.with(invocation) { session in
            let view = try session.node.view()
            let record = try view.existing(ValidatorsRecord.self, ParametersRecord.Key())
            let next = record.next ?? record.current
            func key(_ bytes: Bytes?) -> KeyID? {
                bytes.map { KeyID(publicKey: $0.array, hash: SHA256.hash) }
            }
            func key(of member: MemberID, _ set: [ValidatorsRecord.Validator]) -> KeyID? {
                key(set.first { $0.member == member }?.votingKey)
            }
            let validators = try view.all(MemberRecord.self).compactMap { member -> Report.Validator? in
                guard let latest = key(member.latestVotingKey(record)) else { return nil }
                return Report.Validator(
                    member: member.id, status: member.status.rawValue, endpoint: member.endpoint,
                    current: key(of: member.id, record.current), next: key(of: member.id, next),
                    latest: latest)
            }
            let quorum = ValidatorSet(record.current, hash: SHA256.hash).quorum
            if invocation.wantsJSON {
                return try session.json(Report(quorum: quorum, validators: validators))
            }
            func short(_ key: KeyID?) -> String { key.map { String($0.description.prefix(12)) } ?? "-" }
            Terminal.print("\(quorum) of \(record.current.count) signatures make a block final")
            Terminal.print(
                Terminal.table(
                    ["MEMBER", "STATUS", "VOTES WITH", "NEXT EPOCH", "OFFERS", "ENDPOINT"],
                    validators.map {
                        [
                            $0.member.text, $0.status, short($0.current), short($0.next),
                            $0.latest == $0.next ? "-" : short($0.latest), $0.endpoint,
                        ]
                    }))
        }
    }
}

extension MemberRecord {
    /// The voting key that it has brought last; where it has brought none since it was founded, the one in
    /// the set of validators.
    fileprivate func latestVotingKey(_ validators: ValidatorsRecord) -> Bytes? {
        votingKey ?? (validators.next ?? validators.current).first { $0.member == id }?.votingKey
            ?? validators.current.first { $0.member == id }?.votingKey
    }
}

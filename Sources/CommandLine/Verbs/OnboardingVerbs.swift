import API
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// How a company with a node of its own comes in: an invitation file, one command on its machine, the board's
/// word.
enum OnboardingVerbs {
    static let all: [Verb] = [invite, join, admit]

    /// As `Option.signing`, for verbs of a company's own node.
    static let signing: [Option] = [
        .value("as", "MEMBER", "the member that signs (default: the node's own)"), .key, .at,
    ]

    // MARK: invite

    static let invite = Verb(
        "invite", "invite a company with a node of its own; writes an invitation file",
        detail: """
            The file holds a one-use key: send it as you would send a password. It names the ledger and \
            where to find it, so it is all that the company needs for millwright join.
            """,
        options: [
            .positional("member", "the company's short name"),
            .value("name", "TEXT", "what people call it (default: the short name)"),
            .value(
                "role", "ROLE", "board, oem, customer, maintainer, arbiter or auditor", required: true,
                repeated: true),
            .value("out", "FILE", "where to write the invitation", required: true),
        ] + signing,
        examples: ["millwright invite press-works --role oem --out press-works.invitation"]
    ) { invocation in
        let member: MemberID = try invocation.identifier("member")
        let roles: [Role] = try invocation.strings("role").map { try Invocation.choice($0, "role") }
        let file = URL(fileURLWithPath: try invocation.required("out"))
        try await Session.with(invocation) { session in
            let name = invocation.string("name") ?? member.text
            let key = Ed25519.SigningKey.generate()
            let invitation = try invitation(
                session, member: member, name: name, roles: roles.sorted { $0.rawValue < $1.rawValue },
                key: key)
            // The file first: a key that only the ledger knows is of no use.
            try write(try invitation.text(note: note(invitation)), to: file)
            do {
                try await session.perform(
                    ConsortiumContract.self,
                    .invite(
                        .init(
                            invitation: identifier(key), member: member, name: name,
                            roles: invitation.roles, key: try session.newKey(key, of: member, sealing: []))),
                    saying: "\(member) is invited until \(Output.time(invitation.expires))")
            } catch let refusal as NegativeAnswer {
                unlink(file.path)
                throw refusal
            }
            guard !invocation.wantsJSON else { return }
            Terminal.print("next:   send \(file.path) to \(name), secretly; there:")
            Terminal.print("        millwright join \(file.lastPathComponent) --home \(member)")
        }
    }

    /// A name that no other invitation has: a company may be invited again after its invitation expired.
    private static func identifier(_ key: Ed25519.SigningKey) -> InvitationID {
        InvitationID(unchecked: "invite-" + Hex.encode(Array(key.publicKey.bytes.prefix(12))))
    }

    private static func note(_ invitation: Invitation) -> String {
        """
        \(invitation.name) is invited to join «\(invitation.ledger)» as \
        \(invitation.roles.map(\.rawValue).joined(separator: ", ")), until \(Output.time(invitation.expires)).
        Keep this file secret: whoever has it can join in your name, once. Then:

            millwright join FILE --home DIR
            millwright node --home DIR

        """
    }

    private static func invitation(
        _ session: Session, member: MemberID, name: String, roles: [Role], key: Ed25519.SigningKey
    ) throws -> Invitation {
        let view = try session.node.view()
        let inviter = try session.actingMember()
        let validators = try view.existing(ValidatorsRecord.self, ParametersRecord.Key())
        var peers: [Invitation.Peer] = []
        for id in [inviter] + validators.current.map(\.member).filter({ $0 != inviter }) {
            guard let record = try view.get(MemberRecord.self, id), record.endpoint.hasPrefix("https://"),
                let pins = record.tlsPins
            else { continue }
            peers.append(.init(member: id, endpoint: record.endpoint, pins: pins))
        }
        guard !peers.isEmpty else {
            throw NegativeAnswer(
                "invitation.no_endpoint",
                "nobody could be reached: set \"endpoint\" in node.json and run millwright node")
        }
        let parameters = try view.existing(ParametersRecord.self, ParametersRecord.Key())
        return Invitation(
            chain: session.node.rules.chain, ledger: session.node.genesis.name, member: member, name: name,
            roles: roles, expires: try session.node.head().time + .days(parameters.invitationDays), key: key,
            peers: peers)
    }

    private static func write(_ text: String, to file: URL) throws {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw UsageError("cli.bad_file", "\(file.path) is there already, or cannot be written")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.synchronize()
    }

    // MARK: join

    static let join = Verb(
        "join", "join a ledger with an invitation file: keys, genesis, and a request to the board",
        detail: """
            Makes this company's keys in a new data directory, takes the genesis document from whoever \
            invited, over TLS with the key that the invitation names, and asks for admission. Where it \
            could not end, the same command goes on.
            """,
        options: [
            .positional("file", "the invitation"),
            .flag("snapshot", "begin with a snapshot of the state instead of every block since genesis"),
        ] + ConsortiumVerbs.profileOptions(isNew: true) + [.at],
        examples: [
            "millwright join press-works.invitation --home press-works --country DE "
                + "--endpoint https://node.press-works.example:7443"
        ]
    ) { invocation in
        let path = try invocation.required("file")
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw UsageError(
                "cli.bad_file", "\(path) cannot be read as an invitation: \(ErrorText.of(error))")
        }
        let invitation = try Invitation(parsing: text)
        let home = Session.home(invocation)
        var joining = Joining(
            invitation, into: home,
            profile: try ConsortiumVerbs.profile(invocation, name: invitation.name),
            endpoint: try invocation.endpoint() ?? "",
            now: try invocation.time("at")
                ?? Ledger.Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        joining.wantsSnapshot = invocation.has("snapshot")
        let isQuiet = invocation.wantsJSON
        try joining.run { progress in if !isQuiet { tell(progress, invitation) } }
        if isQuiet {
            return try Output.json([
                "chain": invitation.chain.description, "member": invitation.member.text,
                "home": home.folder.path,
            ])
        }
        let directory = invocation.string("home").map { " --home \($0)" } ?? ""
        Terminal.print("next:   millwright node\(directory)")
        Terminal.print("        The board admits you with: millwright admit \(invitation.member)")
    }

    private static func tell(_ progress: Joining.Progress, _ invitation: Invitation) {
        let text =
            switch progress {
            case .keysMade: "keys of \(invitation.member) are made"
            case .genesisTaken(let member):
                "genesis of «\(invitation.ledger)» from \(member)\n        ledger \(invitation.chain)"
            case .joined(let final?):
                "\(invitation.member) has joined in block \(final.height), not admitted yet"
            case .joined(nil): "\(invitation.member) had joined before"
            case .snapshotTaken(let height): "state at block \(height) is taken and proven"
            case .snapshotMissing: "there is no snapshot yet: the node takes every block"
            }
        Terminal.print("\(Terminal.green("done")) \(text)")
    }

    // MARK: admit

    static let admit = Verb(
        "admit", "vote to admit a company that has joined (board)",
        options: [
            .positional("member", "the company's short name"), .value("reason", "TEXT", "for the record"),
        ] + signing,
        examples: ["millwright admit press-works"]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member: MemberID = try invocation.identifier("member")
            try await session.perform(
                ConsortiumContract.self,
                .admit(.init(member: member, reason: invocation.string("reason") ?? "")),
                saying: "vote to admit \(member)")
            try await session.report(member)
        }
    }
}

extension Session {
    /// The member named by `--as`, or else the one whose node this is.
    /// - Throws: `cli.missing_option` where neither says.
    func actingMember() throws -> MemberID {
        if let named: MemberID = try invocation.optionalIdentifier("as") {
            let held = home.membersWithKeys()
            guard held.isEmpty || held.contains(named) else {
                throw NodeError(
                    "keys.not_found",
                    "there are no keys of \(named) in \(home.folder.path), which has those of "
                        + held.map(\.text).joined(separator: ", "))
            }
            return named
        }
        if let configuration = try? NodeConfiguration.read(home.configurationFile) {
            return configuration.memberID
        }
        let members = home.membersWithKeys()
        guard members.count == 1 else {
            throw UsageError("cli.missing_option", "\(invocation.verb.title) needs --as")
        }
        return members[0]
    }
}

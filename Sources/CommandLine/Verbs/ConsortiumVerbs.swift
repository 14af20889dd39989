import API
import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Founding a consortium, and who belongs to it.
enum ConsortiumVerbs {
    static let members: [Verb] = [
        decide("suspend", "stop a member from acting"),
        decide("reinstate", "let a suspended member act again"), decide("remove", "end a membership"),
        updateProfile, ValidatorVerbs.node, accredit, revokeAccreditation,
    ]

    /// Where the members' keys lie side by side; a company with a node of its own takes `OnboardingVerbs`.
    static let shared: [Verb] = [invite, join]

    /// - Parameter isNew: a new profile; an invoice wants its country (EN 16931).
    static func profileOptions(isNew: Bool) -> [Option] {
        [
            .value("registered-name", "TEXT", "name as registered (default: the name)"),
            .value("address", "TEXT", "street and number"),
            .value("city", "TEXT", "city"),
            .value("postal-code", "TEXT", "postal code"),
            .value("country", "CC", "ISO 3166-1 country code, such as DE", required: isNew),
            .value("vat-id", "ID", "VAT identifier, such as DE123456789"),
            .value("email", "TEXT", "the company's mailbox"),
            .value("endpoint", "URL", "where the member's node can be reached"),
        ]
    }

    static func profile(_ invocation: Invocation, name: String) throws -> MemberProfile {
        MemberProfile(
            registrationName: invocation.string("registered-name") ?? name,
            addressLine: invocation.string("address") ?? "", city: invocation.string("city") ?? "",
            postalCode: invocation.string("postal-code") ?? "",
            country: try invocation.country() ?? invocation.required("country"),
            vatID: invocation.string("vat-id"), email: invocation.string("email") ?? "")
    }

    static let found = Verb(
        "found", "found a consortium: keys, genesis document, first block",
        detail: """
            The founding member is on the board and runs this node. Others are invited later. The genesis \
            document (genesis.cbor) names the ledger: give it to everyone who is to verify receipts. Where \
            it fails, and on Ctrl-C, it removes what it made.
            """,
        options: [
            .positional("name", "the consortium's name"),
            .value("board", "MEMBER", "the founding board member's short name", required: true),
            .flag("simulated", "time comes from --at instead of the system's clock (demonstrations only)"),
            .value("at", "TIME", "with --simulated: when the ledger begins"),
        ] + profileOptions(isNew: true),
        examples: [
            "millwright found \"Machine ring south\" --board chamber --country DE",
            "millwright found Ring --board chamber --country DE --home chamber "
                + "--endpoint https://node.chamber.example:7443",
            "millwright found Trial --board chamber --country DE --simulated --at 2026-03-01",
        ]
    ) { invocation in
        let board: MemberID = try invocation.identifier("board")
        let name = try invocation.required("name")
        let simulated = invocation.has("simulated")
        guard simulated || !invocation.has("at") else {
            throw UsageError("cli.bad_value", "--at needs --simulated: real time cannot be set")
        }
        let now = Ledger.Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let founding = Founding(
            name: name,
            members: [
                .init(
                    id: board, name: invocation.string("registered-name") ?? board.text, roles: [.board],
                    profile: try profile(invocation, name: board.text),
                    endpoint: try invocation.endpoint() ?? "")
            ],
            validator: board, created: try invocation.time("at") ?? now, simulated: simulated)
        let home = Session.home(invocation)
        let unfinished = try UnfinishedHome(home)
        let chain: ChainID
        do { chain = try await Signals.interrupting { try found(founding, in: unfinished) } } catch {
            throw unfinished.cleared("found", [home.configurationFile.lastPathComponent], after: error)
        }
        if invocation.wantsJSON {
            return try Output.json(["chain": chain.description, "home": home.folder.path])
        }
        Terminal.print("\(Terminal.green("founded")) \(name)\(simulated ? " (simulated time)" : "")")
        Terminal.print("        ledger \(chain)")
        Terminal.print("        genesis document \(home.genesisFile.path)")
        let directory = invocation.string("home").map { " --home \($0)" } ?? ""
        guard !simulated else {
            return Terminal.print(
                "next:   millwright member invite press-works --as \(board) --role oem --name \"Press works\""
            )
        }
        Terminal.print("next:   millwright node\(directory)")
        Terminal.print(
            "        millwright invite press-works\(directory) --role oem --out press-works.invitation")
    }

    private static func found(_ founding: Founding, in unfinished: UnfinishedHome) throws -> ChainID {
        let chain = try founding.found(in: unfinished)
        if !founding.simulated {
            try NodeConfiguration.defaults(
                member: founding.validator, endpoint: founding.members[0].endpoint
            ).write(to: unfinished.home)
        }
        try Task.checkCancellation()
        return chain
    }

    static let invite = Verb(
        "member invite", "invite a company whose keys are to lie here too",
        detail: "A company with a node of its own is invited with millwright invite.",
        options: [
            .positional("member", "the company's short name"),
            .value("name", "TEXT", "what people call it", required: true),
            .value(
                "role", "ROLE", "board, oem, customer, maintainer, arbiter or auditor", required: true,
                repeated: true),
        ] + Option.signing,
        examples: ["millwright member invite press-works --as chamber --role oem --name \"Press works\""]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member: MemberID = try invocation.identifier("member")
            let roles: [Role] = try invocation.strings("role").map { try Invocation.choice($0, "role") }
            let invitation = InvitationID(unchecked: "invite-" + member.text.prefix(50))
            let store = session.home.keystore(of: member)
            let key =
                store.hasHeldKey("invitation")
                ? try store.heldKey("invitation") : try store.createHeldKey("invitation")
            try await session.perform(
                ConsortiumContract.self,
                .invite(
                    .init(
                        invitation: invitation, member: member, name: try invocation.required("name"),
                        roles: roles.sorted { $0.rawValue < $1.rawValue },
                        key: try session.newKey(key, of: member, sealing: []))),
                saying: "\(member) is invited as \(roles.map(\.rawValue).joined(separator: ", "))")
        }
    }

    static let join = Verb(
        "member join", "make an invited company's keys and ask for its admission",
        detail: "A company with a node of its own joins with millwright join.",
        options: [.positional("member", "the company's short name")] + profileOptions(isNew: true) + [.at],
        examples: [
            "millwright member join press-works --country DE --city Ulm --vat-id DE811111111"
        ]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member: MemberID = try invocation.identifier("member")
            let store = session.home.keystore(of: member)
            if !store.exists { try store.create() }
            let signing = try store.signingKey()
            let sealing = try store.sealingKey().publicKey
            let name = try session.node.view().existing(MemberRecord.self, member).name
            let endpoint = try invocation.endpoint() ?? ""
            let pins = try nodeKeys(session, of: member, endpoint: endpoint)
            let action = ConsortiumContract.Action.join(
                .init(
                    profile: try profile(invocation, name: name), endpoint: endpoint,
                    signingKey: try session.newKey(signing, of: member, sealing: sealing),
                    sealingPublicKey: Bytes(sealing), tlsPins: pins))
            let final = try await session.node.perform(
                ConsortiumContract.self, action, as: try store.heldKey("invitation").signer)
            if case .rejected(let code) = final.outcome { throw NegativeAnswer(code, final.message) }
            if invocation.wantsJSON { return try session.json(TransactionReport(final)) }
            Terminal.print("\(Terminal.green("final")) \(member) has joined and waits for the board")
        }
    }

    /// Makes the TLS key and the configuration of the company's own node. Where the data directory is
    /// another member's, or that of many, there is no node of its own here: nil.
    private static func nodeKeys(
        _ session: Session, of member: MemberID, endpoint: String
    ) throws -> [Digest]? {
        let home = session.home
        guard home.membersWithKeys() == [member], !session.node.genesis.simulated else { return nil }
        let now = Ledger.Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let key = try TLSFiles(home).current(of: member, endpoint: endpoint, now: now)
        if !FileManager.default.fileExists(atPath: home.configurationFile.path) {
            try NodeConfiguration.defaults(member: member, endpoint: endpoint).write(to: home)
        }
        return [key.identity.pin.digest]
    }

    private static func decide(_ word: String, _ summary: String) -> Verb {
        Verb(
            "member \(word)", "vote to \(summary) (board)",
            options: [
                .positional("member", "the company's short name"), .value("reason", "TEXT", "for the record"),
            ] + Option.signing,
            examples: ["millwright member \(word) press-works --as chamber --reason \"as decided\""]
        ) { invocation in
            try await Session.with(invocation) { session in
                let decision = ConsortiumContract.Decision(
                    member: try invocation.identifier("member"), reason: invocation.string("reason") ?? "")
                let action: ConsortiumContract.Action =
                    switch word {
                    case "suspend": .suspend(decision)
                    case "reinstate": .reinstate(decision)
                    default: .remove(decision)
                    }
                try await session.perform(
                    ConsortiumContract.self, action, saying: "vote to \(word) \(decision.member)")
                try await session.report(decision.member)
            }
        }
    }

    static let updateProfile = Verb(
        "member update", "change your own name, profile or endpoint",
        detail: "What is not given stays as it is.",
        options: [.value("name", "TEXT", "what people call the company")] + profileOptions(isNew: false)
            + Option.signing,
        examples: ["millwright member update --as press-works --city Neu-Ulm --postal-code 89231"]
    ) { invocation in
        let fields = ["name"] + profileOptions(isNew: false).map(\.name)
        guard fields.contains(where: invocation.has) else {
            throw UsageError(
                "cli.missing_option",
                "member update needs what is to change: --\(fields.joined(separator: ", --"))")
        }
        try await Session.with(invocation) { session in
            let record = try session.node.view().existing(MemberRecord.self, try session.member())
            guard let old = record.profile else {
                throw NegativeAnswer("member.not_joined", "\(record.id) has not joined yet")
            }
            func text(_ option: String, _ current: String) -> String { invocation.string(option) ?? current }
            let profile = MemberProfile(
                registrationName: text("registered-name", old.registrationName),
                addressLine: text("address", old.addressLine), city: text("city", old.city),
                postalCode: text("postal-code", old.postalCode),
                country: try invocation.country() ?? old.country,
                vatID: invocation.string("vat-id") ?? old.vatID, email: text("email", old.email))
            try await session.perform(
                ConsortiumContract.self,
                .updateProfile(
                    .init(
                        name: text("name", record.name), profile: profile,
                        endpoint: try invocation.endpoint() ?? record.endpoint)),
                saying: "\(record.id) is updated")
        }
    }

    static let accredit = Verb(
        "maintainer accredit", "accredit a maintainer for machine classes and regions (OEM)",
        options: [
            .positional("maintainer", "the maintainer's short name"),
            .value("class", "CLASS", "machine class, such as press", required: true, repeated: true),
            .value("region", "REGION", "region, such as de-south", required: true, repeated: true),
            .value("until", "TIME", "when it ends", required: true),
        ] + Option.signing,
        examples: [
            "millwright maintainer accredit fixit --as press-works --class press --region de "
                + "--until 2027-01-01"
        ]
    ) { invocation in
        try await Session.with(invocation) { session in
            let maintainer: MemberID = try invocation.identifier("maintainer")
            let classes: [MachineClass] = try invocation.strings("class").map {
                try Invocation.identifier($0, "machine class")
            }
            let regions: [Region] = try invocation.strings("region").map {
                try Invocation.identifier($0, "region")
            }
            try await session.perform(
                ConsortiumContract.self,
                .accredit(
                    .init(
                        maintainer: maintainer, classes: classes.sorted(), regions: regions.sorted(),
                        until: try invocation.requiredTime("until"))),
                saying: "\(maintainer) is accredited")
        }
    }

    static let revokeAccreditation = Verb(
        "maintainer revoke", "take an accreditation back (OEM)",
        options: [.positional("maintainer", "the maintainer's short name")] + Option.signing,
        examples: ["millwright maintainer revoke fixit --as press-works"]
    ) { invocation in
        try await Session.with(invocation) { session in
            let maintainer: MemberID = try invocation.identifier("maintainer")
            try await session.perform(
                ConsortiumContract.self, .revokeAccreditation(.init(maintainer: maintainer)),
                saying: "\(maintainer) is no longer accredited")
        }
    }
}

extension Session {
    /// A new key with its proof of possession; a delegated key's has no sealing key beside it.
    func newKey(
        _ key: Ed25519.SigningKey, of member: MemberID, sealing: [UInt8]
    ) throws -> ConsortiumContract.NewKey {
        let message = ConsortiumContract.possessionMessage(
            chain: node.rules.chain, member: member, signingPublicKey: key.publicKey.bytes,
            sealingPublicKey: sealing)
        return .init(publicKey: Bytes(key.publicKey.bytes), possession: Bytes(key.sign(message)))
    }

    /// Says what a member's status is now.
    func report(_ member: MemberID) async throws {
        guard !invocation.wantsJSON, let record = try node.view().get(MemberRecord.self, member) else {
            return
        }
        Terminal.print("      \(member) is \(record.status.rawValue)")
    }
}

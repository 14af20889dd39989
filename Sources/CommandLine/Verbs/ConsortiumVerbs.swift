import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Founding a consortium, and who belongs to it.
enum ConsortiumVerbs {
    static let all: [Verb] = [
        found, invite, join, admit, decide("suspend", "stop a member from acting"),
        decide("reinstate", "let a suspended member act again"), decide("remove", "end a membership"),
        vote, rotateKeys, delegateKey, revokeKey, accredit, revokeAccreditation,
    ]

    private static let profileOptions: [Option] = [
        .value("registered-name", "TEXT", "name as registered (default: the name)"),
        .value("address", "TEXT", "street and number"),
        .value("city", "TEXT", "city"),
        .value("postal-code", "TEXT", "postal code"),
        .value("country", "CC", "ISO 3166-1 country code, such as DE"),
        .value("vat-id", "ID", "VAT identifier, such as DE123456789"),
        .value("email", "TEXT", "the company's mailbox"),
        .value("endpoint", "URL", "where the member's node can be reached"),
    ]

    private static func profile(_ invocation: Invocation, name: String) -> MemberProfile {
        MemberProfile(
            registrationName: invocation.string("registered-name") ?? name,
            addressLine: invocation.string("address") ?? "", city: invocation.string("city") ?? "",
            postalCode: invocation.string("postal-code") ?? "", country: invocation.string("country") ?? "",
            vatID: invocation.string("vat-id"), email: invocation.string("email") ?? "")
    }

    static let found = Verb(
        "found", "found a consortium: keys, genesis document, first block",
        detail: """
            The founding member is on the board and runs this node. Others are invited later. The genesis \
            document (genesis.cbor) names the ledger: give it to everyone who is to verify receipts.
            """,
        options: [
            .positional("name", "the consortium's name"),
            .value("board", "MEMBER", "the founding board member's short name", required: true),
            .flag("simulated", "time comes from --at instead of the system's clock (demonstrations only)"),
            .value("at", "TIME", "with --simulated: when the ledger begins"),
        ] + profileOptions,
        examples: [
            "millwright found \"Machine ring south\" --board chamber --country DE",
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
                    profile: profile(invocation, name: board.text),
                    endpoint: invocation.string("endpoint") ?? "")
            ],
            validator: board, created: try invocation.time("at") ?? now, simulated: simulated)
        let home = Session.home(invocation)
        let chain = try founding.found(in: home)
        if invocation.wantsJSON {
            return try Output.json(["chain": chain.description, "home": home.folder.path])
        }
        Terminal.print("\(Terminal.green("founded")) \(name)\(simulated ? " (simulated time)" : "")")
        Terminal.print("        ledger \(chain)")
        Terminal.print("        genesis document \(home.genesisFile.path)")
        Terminal.print("next:   millwright member invite oem --as \(board) --role oem --name \"Press works\"")
    }

    static let invite = Verb(
        "member invite", "invite a company; writes its one-use invitation key",
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
                        publicKey: Bytes(key.publicKey.bytes))),
                saying: "\(member) is invited as \(roles.map(\.rawValue).joined(separator: ", "))")
        }
    }

    static let join = Verb(
        "member join", "accept an invitation: makes keys and asks for admission",
        options: [.positional("member", "the company's short name")] + profileOptions + [.at],
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
            let action = ConsortiumContract.Action.join(
                .init(
                    profile: profile(invocation, name: name), endpoint: invocation.string("endpoint") ?? "",
                    signingKey: try session.newKey(signing, of: member, sealing: sealing),
                    sealingPublicKey: Bytes(sealing)))
            let final = try await session.node.perform(
                ConsortiumContract.self, action, as: try store.heldKey("invitation").signer)
            if case .rejected(let code) = final.outcome { throw NegativeAnswer(code, final.message) }
            if invocation.wantsJSON { return try Output.json(TransactionReport(final)) }
            Terminal.print("\(Terminal.green("final")) \(member) has joined and waits for the board")
        }
    }

    static let admit = Verb(
        "member admit", "vote for a company's admission (board)",
        options: [
            .positional("member", "the company's short name"), .value("reason", "TEXT", "for the record"),
        ]
            + Option.signing,
        examples: ["millwright member admit press-works --as chamber"]
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

    static let vote = Verb(
        "proposal vote", "vote on an open proposal (board)",
        options: [
            .positional("proposal", "the proposal's id: the transaction that opened it"),
            .flag("against", "vote against it"),
        ] + Option.signing,
        examples: ["millwright list proposals", "millwright proposal vote ID --as chamber"]
    ) { invocation in
        try await Session.with(invocation) { session in
            try await session.perform(
                ConsortiumContract.self,
                .vote(
                    .init(proposal: try invocation.digest("proposal"), approve: !invocation.has("against"))),
                saying: "voted \(invocation.has("against") ? "against" : "for") the proposal")
        }
    }

    static let rotateKeys = Verb(
        "key rotate", "replace a member's signing key; the old one stops at once",
        options: Option.signing, examples: ["millwright key rotate --as press-works"]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member = try session.member()
            let store = session.home.keystore(of: member)
            let key = store.hasHeldKey("next") ? try store.heldKey("next") : try store.createHeldKey("next")
            let action = ConsortiumContract.Action.rotateKeys(
                .init(
                    signingKey: try session.newKey(key, of: member, sealing: store.sealingKey().publicKey),
                    sealingPublicKey: nil))
            try await session.perform(
                ConsortiumContract.self, action, saying: "\(member) has a new signing key")
            try store.promoteNextKey()
        }
    }

    static let delegateKey = Verb(
        "key delegate", "let a user or a system sign certain actions until a date",
        options: [
            .positional("name", "what to call the key, such as erp"),
            .value(
                "scope", "CONTRACT.ACTION", "what it may sign; CONTRACT.* for all of a contract",
                required: true, repeated: true),
            .value("until", "TIME", "when it stops", required: true),
        ] + Option.signing,
        examples: [
            "millwright key delegate erp --as press-works --scope agreement.issueInvoice --until 2027-01-01"
        ]
    ) { invocation in
        try await Session.with(invocation) { session in
            let member = try session.member()
            let store = session.home.keystore(of: member)
            let name = try invocation.required("name")
            let key = store.hasHeldKey(name) ? try store.heldKey(name) : try store.createHeldKey(name)
            try await session.perform(
                ConsortiumContract.self,
                .delegateKey(
                    .init(
                        key: try session.newKey(key, of: member, sealing: store.sealingKey().publicKey),
                        scopes: invocation.strings("scope").sorted(),
                        expires: try invocation.requiredTime("until"))),
                saying: "key «\(name)» may sign \(invocation.strings("scope").joined(separator: ", "))")
        }
    }

    static let revokeKey = Verb(
        "key revoke", "stop a delegated or device key at once",
        options: [.positional("id", "the key's id (see millwright list keys)")] + Option.signing,
        examples: ["millwright list keys", "millwright key revoke ID --as press-works"]
    ) { invocation in
        try await Session.with(invocation) { session in
            try await session.perform(
                ConsortiumContract.self, .revokeKey(.init(key: KeyID(try invocation.digest("id")))),
                saying: "the key is revoked")
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
    /// A new key with its proof of possession.
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

import Codec
import Contracts
import Foundation
import Ledger
import Node

/// What the board decides on, beside members: validators, parameters, new rules, keys of others.
enum ProposalVerbs {
    static let all: [Verb] = [parameters, validators, announce, revokeKey, vote]

    private static let reason = Option.value("reason", "TEXT", "for the record")

    static func propose(_ session: Session, _ subject: ProposalSubject, saying text: String)
        async throws
    {
        let final = try await session.perform(
            ConsortiumContract.self,
            .propose(.init(subject: subject, reason: session.invocation.string("reason") ?? "")), saying: text
        )
        guard !session.invocation.wantsJSON,
            let proposal = try session.node.view().get(ProposalRecord.self, final.id)
        else { return }
        Terminal.print("      the proposal is \(proposal.state.rawValue)")
    }

    static let parameters = Verb(
        "proposal parameters", "propose other parameters (board); what is not given stays as it is",
        options: [
            .value("transactions-per-second", "N", "a member's quota, 10 to 1000000"),
            .value("bytes-per-second", "N", "a member's quota, 65536 to 1000000000"),
            .value("invitation-days", "N", "how long an invitation holds, 1 to 365"),
            .value("auction-grace", "SECONDS", "bids this close count as simultaneous, 0 to 3600"),
            .value(
                "engine", "URL", "ordering engines in order of preference, the last is embedded:",
                repeated: true),
            reason,
        ] + Option.signing,
        examples: ["millwright proposal parameters --as chamber --invitation-days 30"]
    ) { invocation in
        let engines = try invocation.engines()
        let names = invocation.verb.options.prefix { $0.name != reason.name }.map(\.name)
        guard names.contains(where: invocation.has) else {
            throw UsageError(
                "cli.missing_option",
                "proposal parameters needs what is to change: --\(names.joined(separator: ", --"))")
        }
        try await Session.with(invocation) { session in
            let now = try session.node.view().existing(ParametersRecord.self, ParametersRecord.Key())
            let change = ParametersChange(
                transactionsPerSecond: try invocation.integer("transactions-per-second")
                    ?? now.transactionsPerSecond,
                bytesPerSecond: try invocation.integer("bytes-per-second") ?? now.bytesPerSecond,
                invitationDays: try invocation.integer("invitation-days") ?? now.invitationDays,
                auctionGraceSeconds: try invocation.integer("auction-grace") ?? now.auctionGraceSeconds,
                engines: engines.isEmpty ? now.engines : engines)
            try await propose(session, .setParameters(change), saying: "proposed other parameters")
        }
    }

    static let validators = Verb(
        "proposal validators", "propose validators by voting keys that the ledger does not have (board)",
        options: [
            .value(
                "validator", "MEMBER=KEY", "a validator and its voting key, hexadecimal", required: true,
                repeated: true),
            reason,
        ] + Option.signing,
        examples: [
            "millwright proposal validators --as chamber --validator chamber=PUBLICKEY"
        ]
    ) { invocation in
        var validators: [ValidatorsRecord.Validator] = []
        for text in invocation.strings("validator") {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let key = Hex.decode(parts[1]), key.count == 32 else {
                throw UsageError("cli.bad_value", "--validator takes MEMBER=KEY with 64 hexadecimal digits")
            }
            validators.append(
                .init(member: try Invocation.identifier(parts[0], "member"), votingKey: Bytes(key)))
        }
        validators.sort { $0.member < $1.member }
        try await Session.with(invocation) { [validators] session in
            try await propose(
                session, .setValidators(validators: validators),
                saying:
                    "proposed \(Output.count(validators.count, "validator")), in force from the next epoch")
        }
    }

    static let announce = Verb(
        "proposal announce-rules", "announce a new version of the contract rules (board)",
        options: [
            .value("version", "N", "the next version", required: true),
            .value("digest", "HEX", "SHA-256 of the rules' source", required: true),
            .value("height", "N", "the block from which they are in force", required: true), reason,
        ] + Option.signing,
        examples: [
            "millwright proposal announce-rules --as chamber --version 2 --height 5000 "
                + "--digest ID"
        ]
    ) { invocation in
        guard let version = UInt64(try invocation.required("version")),
            let height = Height(try invocation.required("height"))
        else { throw UsageError("cli.bad_value", "--version and --height take whole numbers") }
        let digest = try invocation.digest("digest")
        try await Session.with(invocation) { session in
            try await propose(
                session,
                .announceContracts(.init(version: version, digest: digest, activation: height)),
                saying: "announced rules of version \(version) from block \(height)")
        }
    }

    static let revokeKey = Verb(
        "proposal revoke-key", "propose to stop another member's delegated or device key (board)",
        detail: """
            A member ends its own keys with millwright key revoke, and a customer those of its machines' \
            devices. For anybody else's it takes more than half of the board.
            """,
        options: [.positional("id", "the key's id (see millwright list keys)"), reason] + Option.signing,
        examples: ["millwright list keys", "millwright proposal revoke-key ID --as chamber"]
    ) { invocation in
        try await Session.with(invocation) { session in
            try await propose(
                session, .revokeKey(key: KeyID(try invocation.digest("id"))),
                saying: "proposed to stop the key")
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
}

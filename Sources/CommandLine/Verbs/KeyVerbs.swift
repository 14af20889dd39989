import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// A member's own keys, and those that it lets others sign with.
enum KeyVerbs {
    static let all: [Verb] = [rotateKeys, delegateKey, revokeKey]

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
        detail: """
            Every verb that signs takes the key with --key NAME. The ledger refuses what the scopes do not \
            name, with key.out_of_scope. The contracts are \
            \(ActionNames.all.map(\.contract).joined(separator: ", ")); their actions are in docs/contracts, \
            and a scope that there is not is answered with those that there are.
            """,
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
        let (scopes, expires) = (try invocation.scopes(), try invocation.requiredTime("until"))
        try await Session.with(invocation) { session in
            let member = try session.member()
            let store = session.home.keystore(of: member)
            let name = try invocation.required("name")
            let key = store.hasHeldKey(name) ? try store.heldKey(name) : try store.createHeldKey(name)
            try await session.perform(
                ConsortiumContract.self,
                .delegateKey(
                    .init(
                        key: try session.newKey(key, of: member, sealing: []), scopes: scopes,
                        expires: expires)),
                saying: "key «\(name)» may sign \(scopes.joined(separator: ", "))")
        }
    }

    static let revokeKey = Verb(
        "key revoke", "stop a delegated or device key at once (its member; the customer a device's)",
        detail: "Another member's keys are the board's to stop: millwright proposal revoke-key.",
        options: [.positional("id", "the key's id (see millwright list keys)")] + Option.signing,
        examples: ["millwright list keys", "millwright key revoke ID --as press-works"]
    ) { invocation in
        try await Session.with(invocation) { session in
            try await session.perform(
                ConsortiumContract.self, .revokeKey(.init(key: KeyID(try invocation.digest("id")))),
                saying: "the key is revoked")
        }
    }
}

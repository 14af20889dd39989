import Codec
import Contracts
import Ledger

/// Proofs that a validator contradicted itself.
enum EvidenceVerbs {
    static let all: [Verb] = [list, show, report]

    static let list = Verb(
        "evidence list", "list validators' faults that are proven on the ledger",
        examples: ["millwright evidence list"]
    ) { invocation in try await QueryVerbs.list(.evidence, invocation) }

    static let show = Verb(
        "evidence show", "show one proven fault",
        options: [.positional("id", "VALIDATOR/KIND/EPOCH/HEIGHT, as evidence list prints it")],
        examples: ["millwright evidence show stamper/conflictingVotes/2/418"]
    ) { invocation in try await QueryVerbs.show(.evidence, invocation) }

    static let report = Verb(
        "evidence report", "put a validator's fault on the ledger: two messages that contradict each other",
        detail: """
            The messages are those of one voting key, as files of COSE_Sign1: two votes or two commits for \
            one epoch and height, two stops for one epoch, or (staleLock) a stop and then a commit of an \
            epoch before it that is above the stop's lock. A commit comes with the log root that it signs.
            """,
        options: [
            .value(
                "kind", "KIND", "conflictingVotes, conflictingCommits, conflictingStops or staleLock",
                required: true),
            .value("first", "FILE", "a signed message", required: true),
            .value("second", "FILE", "the one that contradicts it", required: true),
            .value("first-root", "HEX", "the first commit's log root"),
            .value("second-root", "HEX", "the second commit's log root"),
        ] + Option.signing,
        examples: [
            "millwright evidence report --as press-works --kind conflictingVotes --first a.cose "
                + "--second b.cose"
        ]
    ) { invocation in
        guard let kind: EvidenceRecord.Kind = try invocation.choice("kind") else {
            throw UsageError("cli.missing_option", "evidence report needs --kind")
        }
        func message(_ name: String) throws -> ConsortiumContract.SignedMessage {
            let bytes = try invocation.file(try invocation.required(name), limit: 1 << 16)
            let root = invocation.has("\(name)-root") ? try invocation.digest("\(name)-root") : nil
            return .init(message: Bytes(bytes), payload: root)
        }
        let body = ConsortiumContract.ReportEvidence(
            kind: kind, first: try message("first"), second: try message("second"))
        try await Session.with(invocation) { session in
            try await session.perform(
                ConsortiumContract.self, .reportEvidence(body), saying: "the fault is on the ledger")
        }
    }
}

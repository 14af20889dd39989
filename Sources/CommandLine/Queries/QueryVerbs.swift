import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Node

/// Looking at the ledger, proving what is on it, and checking it from the ground up.
enum QueryVerbs {
    static let all: [Verb] = [
        list, show, history, status, block, setClock, receiptWrite, receiptVerify, stateProve,
        stateVerify, verify, export,
    ]

    private static let kinds = "members, machines, agreements, invoices, tickets, anchors, keys, …"

    static let list = Verb(
        "list", "list records of one kind",
        detail: "Kinds: " + TableView.all.map(\.plural).joined(separator: ", ") + ".",
        options: [.positional("kind", kinds)],
        examples: ["millwright list machines", "millwright list invoices --json"]
    ) { invocation in
        try await list(try TableView.named(try invocation.required("kind")), invocation)
    }

    static func list(_ table: TableView, _ invocation: Invocation) async throws {
        try await Session.with(invocation, for: .reading) { session in
            let (rows, json) = try table.list(try session.node.view())
            if invocation.wantsJSON { return try Output.json(json) }
            if rows.isEmpty { return Terminal.print("there are no \(table.plural)") }
            Terminal.print(Terminal.table(table.header, rows))
        }
    }

    static let show = Verb(
        "show", "show one record with all its fields",
        options: [
            .positional("kind", "machine, invoice, …"), .positional("id", "its name, as list prints it"),
        ],
        examples: ["millwright show machine press-7", "millwright show invoice press-works/2026-0001 --json"]
    ) { invocation in
        try await show(try TableView.named(try invocation.required("kind")), invocation)
    }

    static func show(_ table: TableView, _ invocation: Invocation) async throws {
        let id = try invocation.required("id")
        try await Session.with(invocation, for: .reading) { session in
            guard let (record, json) = try table.show(try session.node.view(), id) else {
                throw NegativeAnswer("\(table.singular).unknown", "there is no \(table.singular) «\(id)»")
            }
            if invocation.wantsJSON { return try Output.json(json) }
            Terminal.print(Output.fields(record))
        }
    }

    private struct HistoryReport: Encodable {
        let height: Height
        let time: String
        let signer: String?
        let contract: String?
        let action: String?
        let transaction: Digest?
    }

    static let history = Verb(
        "history", "show what changed a record, by whom and when",
        options: [
            .positional("kind", "machine, invoice, …"), .positional("id", "its name, as list prints it"),
        ],
        examples: ["millwright history machine press-7"]
    ) { invocation in
        let table = try TableView.named(try invocation.required("kind"))
        let id = try invocation.required("id")
        try await Session.with(invocation, for: .reading) { session in
            guard let key = try table.rowKey(try session.node.view(), id) else {
                throw NegativeAnswer("\(table.singular).unknown", "there is no \(table.singular) «\(id)»")
            }
            let steps = try session.node.history(of: key).map { step in
                HistoryReport(
                    height: step.change.height, time: Output.time(step.time), signer: step.signer?.text,
                    contract: step.transaction?.payload.contract, action: step.transaction?.payload.action,
                    transaction: step.transaction?.id)
            }
            if invocation.wantsJSON { return try Output.json(steps) }
            let rows = steps.map { step in
                let action = step.contract.flatMap { contract in step.action.map { "\(contract).\($0)" } }
                return [
                    "\(step.height)", step.time, step.signer ?? "",
                    action ?? (step.height == 0 ? "founding" : "deadline"),
                ]
            }
            Terminal.print(Terminal.table(["BLOCK", "TIME", "BY", "ACTION"], rows))
        }
    }

    private struct StatusReport: Encodable {
        let consortium: String
        let chain: Digest
        let simulated: Bool
        let height: Height
        let time: String
        let transactions: UInt64
        let logRoot: Digest
        let stateRoot: Digest
        let keys: [String]
    }

    static let status = Verb(
        "status", "show the ledger's name, height, time and roots", examples: ["millwright status"]
    ) { invocation in
        try await Session.with(invocation, for: .reading) { session in
            let header = try session.node.head()
            let report = StatusReport(
                consortium: session.node.genesis.name, chain: session.node.rules.chain,
                simulated: session.node.genesis.simulated, height: header.height,
                time: Output.time(header.time), transactions: header.logSize, logRoot: header.logRoot,
                stateRoot: header.stateRoot, keys: session.home.membersWithKeys().map(\.text))
            if invocation.wantsJSON { return try Output.json(report) }
            Terminal.print(Output.fields(report))
        }
    }

    private struct BlockReport: Encodable {
        let height: Height
        let hash: Digest
        let time: String
        let logSize: UInt64
        let logRoot: Digest
        let stateRoot: Digest
        let transactions: [String]
    }

    static let block = Verb(
        "block", "show one block",
        options: [.positional("height", "the block's number")], examples: ["millwright block 1"]
    ) { invocation in
        guard let height = Height(try invocation.required("height")) else {
            throw UsageError("cli.bad_value", "a height is a whole number")
        }
        try await Session.with(invocation, for: .reading) { session in
            let record = try session.node.block(height)
            let leaves = try record.leaves().map { leaf in
                let transaction = try UnverifiedTransaction(decoding: leaf.transaction, hash: SHA256.hash)
                let name = "\(transaction.payload.contract).\(transaction.payload.action)"
                switch leaf.outcome {
                case .accepted: return "\(transaction.id) \(name)"
                case .rejected(let code): return "\(transaction.id) \(name) rejected: \(code)"
                }
            }
            let header = record.header
            let report = BlockReport(
                height: height, hash: header.hashed(SHA256.hash), time: Output.time(header.time),
                logSize: header.logSize, logRoot: header.logRoot, stateRoot: header.stateRoot,
                transactions: leaves)
            if invocation.wantsJSON { return try Output.json(report) }
            Terminal.print(Output.fields(report))
        }
    }

    static let setClock = Verb(
        "clock", "move a demonstration's clock, so that deadlines fall due",
        detail: """
            Verbs that sign can be given their time, too. There the clock moves with what reaches the \
            ledger, also with a transaction that it rejects: that is on the ledger with its time. A call \
            that is refused before leaves the clock where it was.
            """,
        options: [.positional("time", "the new time, ISO 8601")],
        examples: ["millwright clock 2026-04-01T00:00:00Z"]
    ) { invocation in
        guard let milliseconds = ISO8601.milliseconds(try invocation.required("time")) else {
            throw UsageError("cli.bad_value", "a time looks like 2026-04-01T00:00:00Z")
        }
        try await Session.with(invocation) { session in
            try session.node.clock.set(Timestamp(milliseconds: milliseconds))
            try await session.node.tick()
            Terminal.print("it is \(ISO8601.text(milliseconds: milliseconds))")
        }
    }

    static let verify = Verb(
        "verify", "derive the whole ledger again from its genesis and compare everything",
        detail: """
            Checks every signature, outcome, row, both roots, every vote and commit. Names the first block \
            and transaction that fails. Where older blocks were removed, or the node began with a snapshot, \
            it checks those that are there against what a quorum signed.
            """,
        options: [.flag("roots", "print height, state root and log root of every block")],
        examples: ["millwright verify", "millwright verify --json"]
    ) { invocation in
        try await Session.with(invocation, for: .reading) { session in
            let summary: LedgerVerification.Summary
            do {
                var bar = ProgressBar("verify", total: try session.node.head().height)
                summary = try session.node.verify(width: ProcessInfo.processInfo.activeProcessorCount) {
                    header in
                    bar.show(header.height)
                    if invocation.has("roots") {
                        Terminal.print("\(header.height) \(header.stateRoot) \(header.logRoot)")
                    }
                }
                bar.end()
            } catch let failure as LedgerVerification.Failure {
                throw NegativeAnswer(failure.code, failure.place + failure.detail)
            }
            if invocation.wantsJSON { return try Output.json(VerifyReport(summary)) }
            Terminal.print(
                """
                \(Terminal.green("verified")) \(summary.blocks) blocks, \(summary.transactions) transactions \
                (\(summary.rejected) rejected)
                         state root \(summary.stateRoot)
                """)
            guard summary.first > 0 else { return }
            Terminal.print(
                Help.wrap(
                    """
                             blocks below \(summary.first) are not here: the rules were not run again. What \
                    is here is what a quorum has signed, and follows from the genesis by the epochs' chain; \
                    millwright fetch-history brings the rest
                    """, indent: "         "))
        }
    }

    private struct VerifyReport: Encodable {
        let firstBlock: UInt64
        let blocks: UInt64
        let transactions: UInt64
        let rejected: UInt64
        let head: Digest
        let stateRoot: Digest

        init(_ summary: LedgerVerification.Summary) {
            firstBlock = summary.first
            (blocks, transactions, rejected) = (summary.blocks, summary.transactions, summary.rejected)
            (head, stateRoot) = (summary.head, summary.stateRoot)
        }
    }

    static let export = Verb(
        "export", "write all final transactions as JSON lines",
        options: [.value("from", "HEIGHT", "first block (default 1)")],
        examples: ["millwright export > ledger.jsonl"]
    ) { invocation in
        let from = try invocation.integer("from", in: 0...Int64.max) ?? 1
        try await Session.with(invocation, for: .reading) { session in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let head = try session.node.head()
            if head.logSize == 0 { Terminal.note("There are no transactions yet: the founding is block 0.") }
            for height in stride(from: Height(max(1, from)), through: head.height, by: 1) {
                let record = try session.node.block(height)
                for leaf in try record.leaves() {
                    let line = try ExportedTransaction(leaf, hash: SHA256.hash)
                    Terminal.print(String(decoding: try encoder.encode(line), as: UTF8.self))
                }
            }
        }
    }

    private struct ExportedTransaction: Encodable {
        let height: Height
        let time: String
        let transaction: Digest
        let key: KeyID
        let contract: String
        let action: String
        let outcome: String
        /// The signed message, hexadecimal.
        let message: Bytes

        init(_ leaf: Leaf, hash: HashFunction) throws {
            let parsed = try UnverifiedTransaction(decoding: leaf.transaction, hash: hash)
            (height, time, transaction) = (leaf.height, Output.time(leaf.time), parsed.id)
            (key, contract, action) = (parsed.key, parsed.payload.contract, parsed.payload.action)
            outcome = leaf.outcome.code
            message = Bytes(leaf.transaction)
        }
    }
}

import Codec
import Contracts
import Cryptography
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
            if invocation.wantsJSON { return try session.json(try json()) }
            session.tellWhetherSimulated()
            if rows.isEmpty { return Terminal.print(table.none) }
            Terminal.print(Terminal.table(table.header, rows))
        }
    }

    static let show = Verb(
        "show", "show one record with all its fields",
        options: [
            .positional("kind", "machine, invoice, …"), .record,
        ],
        examples: ["millwright show machine press-7", "millwright show invoice press-works/2026-0001 --json"]
    ) { invocation in
        try await show(try TableView.named(try invocation.required("kind")), invocation)
    }

    static func show(_ table: TableView, _ invocation: Invocation) async throws {
        let id = try invocation.required("id")
        try await Session.with(invocation, for: .reading) { session in
            let view = try session.node.view()
            guard let record = try table.show(view, id) else { throw try table.unknown(id, view) }
            if invocation.wantsJSON { return try session.json(record) }
            // A credit note is in its invoice's currency.
            let currency = try (record as? CreditNoteRecord).flatMap {
                try view.get(InvoiceRecord.self, $0.invoice)?.currency
            }
            session.tellWhetherSimulated()
            Terminal.print(Output.fields(record, currency: currency))
        }
    }

    private struct HistoryReport: Encodable {
        let height: Height
        let time: Timestamp
        let signer: String?
        let contract: String?
        let action: String?
        let transaction: Digest?
    }

    static let history = Verb(
        "history", "show what changed a record, by whom and when",
        options: [
            .positional("kind", "machine, invoice, …"), .record,
        ],
        examples: ["millwright history machine press-7"]
    ) { invocation in
        let table = try TableView.named(try invocation.required("kind"))
        let id = try invocation.required("id")
        try await Session.with(invocation, for: .reading) { session in
            let view = try session.node.view()
            guard let key = try table.rowKey(view, id) else { throw try table.unknown(id, view) }
            let steps = try session.node.history(of: key).map { step in
                HistoryReport(
                    height: step.change.height, time: step.time, signer: step.signer?.text,
                    contract: step.transaction?.payload.contract, action: step.transaction?.payload.action,
                    transaction: step.transaction?.id)
            }
            if invocation.wantsJSON { return try session.json(steps) }
            session.tellWhetherSimulated()
            let rows = steps.map { step in
                let action = step.contract.flatMap { contract in step.action.map { "\(contract).\($0)" } }
                return [
                    "\(step.height)", Output.time(step.time), step.signer ?? "",
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
        let time: Timestamp
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
                time: header.time, transactions: header.logSize, logRoot: header.logRoot,
                stateRoot: header.stateRoot, keys: session.home.membersWithKeys().map(\.text))
            if invocation.wantsJSON { return try session.json(report) }
            Terminal.print(Output.fields(report))
        }
    }

    private struct BlockReport: Encodable {
        let height: Height
        let hash: Digest
        let time: Timestamp
        let logSize: UInt64
        let logRoot: Digest
        let stateRoot: Digest
        let transactions: [BlockTransaction]
    }

    private struct BlockTransaction: Encodable {
        let transaction: Digest
        let contract: String
        let action: String
        let outcome: String
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
                return BlockTransaction(
                    transaction: transaction.id, contract: transaction.payload.contract,
                    action: transaction.payload.action, outcome: leaf.outcome.code)
            }
            let header = record.header
            let report = BlockReport(
                height: height, hash: header.hashed(SHA256.hash), time: header.time,
                logSize: header.logSize, logRoot: header.logRoot, stateRoot: header.stateRoot,
                transactions: leaves)
            if invocation.wantsJSON { return try session.json(report) }
            session.tellWhetherSimulated()
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
            if invocation.wantsJSON {
                return try session.json(["time": Timestamp(milliseconds: milliseconds)])
            }
            Terminal.print("it is \(ISO8601.text(milliseconds: milliseconds))")
        }
    }

    static let export = Verb(
        "export", "write all final transactions as JSON lines",
        options: [.value("from", "HEIGHT", "first block (default 1)")],
        examples: ["millwright export > ledger.jsonl"]
    ) { invocation in
        let from = try invocation.integer("from", in: 0...Int64.max) ?? 1
        try await Session.with(invocation, for: .reading) { session in
            let head = try session.node.head()
            if head.logSize == 0 { Terminal.note("There are no transactions yet: the founding is block 0.") }
            for height in stride(from: Height(max(1, from)), through: head.height, by: 1) {
                let record = try session.node.block(height)
                for leaf in try record.leaves() {
                    try session.json(try ExportedTransaction(leaf, hash: SHA256.hash), isPretty: false)
                }
            }
        }
    }

    private struct ExportedTransaction: Encodable {
        let height: Height
        let time: Timestamp
        let transaction: Digest
        let key: KeyID
        let contract: String
        let action: String
        let outcome: String
        /// The signed message, hexadecimal.
        let message: Bytes

        init(_ leaf: Leaf, hash: HashFunction) throws {
            let parsed = try UnverifiedTransaction(decoding: leaf.transaction, hash: hash)
            (height, time, transaction) = (leaf.height, leaf.time, parsed.id)
            (key, contract, action) = (parsed.key, parsed.payload.contract, parsed.payload.action)
            outcome = leaf.outcome.code
            message = Bytes(leaf.transaction)
        }
    }
}

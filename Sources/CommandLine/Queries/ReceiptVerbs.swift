import Codec
import Cryptography
import Foundation
import Ledger
import Node

extension QueryVerbs {
    static let receiptWrite = Verb(
        "receipt write", "write a receipt: proof that a transaction is on the ledger",
        detail: """
            The bundle (.receipt) verifies against the genesis document alone. With --statement the \
            transaction is also written as a transparent statement (COSE_Sign1 with RFC 9942 receipts \
            under header 394), and with --leaf the log entry, for other COSE tools.
            """,
        options: [
            .positional("transaction", "the transaction's id, 64 hexadecimal digits"),
            .value("out", "FILE", "where to write the bundle", required: true),
            .value("statement", "FILE", "also write the transparent statement"),
            .value("leaf", "FILE", "also write the log entry that the receipts prove"),
        ],
        examples: ["millwright receipt write ID --out invoice.receipt"]
    ) { invocation in
        let id = try invocation.digest("transaction")
        try await Session.with(invocation, for: .reading) { session in
            let bundle = try session.node.receipt(for: id)
            try write(bundle.encoded, to: try invocation.required("out"))
            if let file = invocation.string("statement") {
                try write(try bundle.transparentStatement(), to: file)
            }
            if let file = invocation.string("leaf") { try write(bundle.leaf, to: file) }
            if invocation.wantsJSON {
                return try Output.json([
                    "receipt": try invocation.required("out"), "transaction": id.description,
                ])
            }
            let file = try invocation.required("out")
            Terminal.print("\(Terminal.green("written")) \(file) (\(bundle.encoded.count) bytes)")
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        do { try Data(bytes).write(to: URL(fileURLWithPath: path)) } catch {
            throw UsageError("cli.cannot_write", "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    private struct ProofReport: Encodable {
        let ledger: Digest
        let consortium: String
        let simulated: Bool
        let transaction: Digest
        let contract: String
        let action: String
        let outcome: String
        let time: String
        let height: Height
        let leaf: UInt64
        let provenAtHeight: Height
        let logSize: UInt64
        let validators: [String]
    }

    static let receiptVerify = Verb(
        "receipt verify", "check a receipt offline, against the genesis document alone",
        options: [
            .positional("receipt", "the bundle's file"),
            .value("genesis", "FILE", "the ledger's genesis.cbor", required: true),
        ],
        examples: ["millwright receipt verify invoice.receipt --genesis genesis.cbor"]
    ) { invocation in
        let bundle: ReceiptBundle
        let bytes = try invocation.file(try invocation.required("receipt"), limit: ReceiptBundle.maximumSize)
        do { bundle = try ReceiptBundle(decoding: bytes) } catch {
            throw UsageError("receipt.malformed", "this is not a receipt bundle (\(error))")
        }
        let (genesis, rules) = try readGenesis(invocation)
        let proven: ReceiptBundle.Proven
        do throws(ReceiptBundle.Failure) {
            proven = try bundle.verify(
                genesis: genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
        } catch { throw NegativeAnswer(error.rawValue, "this receipt proves nothing on this ledger") }
        let transaction = try UnverifiedTransaction(decoding: proven.leaf.transaction, hash: rules.hash)
        let outcome =
            switch proven.leaf.outcome {
            case .accepted: "accepted"
            case .rejected(let code): "rejected: \(code)"
            }
        let report = ProofReport(
            ledger: rules.chain, consortium: genesis.name, simulated: genesis.simulated,
            transaction: transaction.id, contract: transaction.payload.contract,
            action: transaction.payload.action, outcome: outcome, time: Output.time(proven.leaf.time),
            height: proven.leaf.height, leaf: proven.index, provenAtHeight: proven.height,
            logSize: proven.logSize, validators: proven.validators.map(\.text))
        if invocation.wantsJSON { return try Output.json(report) }
        Terminal.print("\(Terminal.green("proven"))\n" + Output.fields(report, indent: "  "))
    }

    // MARK: State proofs

    static let stateProve = Verb(
        "state prove", "write a proof of what a record holds now, or that there is none",
        options: [
            .positional("kind", "machine, invoice, …"), .positional("id", "its name, as list prints it"),
            .value("out", "FILE", "where to write the proof", required: true),
        ],
        examples: ["millwright state prove machine press-7 --out press-7.proof"]
    ) { invocation in
        let table = try TableView.named(try invocation.required("kind"))
        let id = try invocation.required("id")
        try await Session.with(invocation, for: .reading) { session in
            let found = try table.rowKey(try session.node.view(), id)
            guard let key = found ?? table.absentKey(id) else {
                throw NegativeAnswer("\(table.singular).unknown", "there is no \(table.singular) «\(id)»")
            }
            let bundle = try session.node.stateProof(of: key)
            let file = try invocation.required("out")
            try write(bundle.encoded, to: file)
            if invocation.wantsJSON {
                return try Output.json(["proof": file, "present": bundle.value == nil ? "no" : "yes"])
            }
            let what =
                bundle.value == nil ? "proves that there is no such \(table.singular)" : "proves its value"
            Terminal.print("\(Terminal.green("written")) \(file) (\(bundle.encoded.count) bytes): \(what)")
        }
    }

    private struct StateReport: Encodable {
        let ledger: Digest
        let consortium: String
        let simulated: Bool
        let table: String
        let present: Bool
        /// Deterministic CBOR of the stored row; people are told its length only.
        var value: Bytes?
        let bytes: Int
        let height: Height
        let time: String
        let stateRoot: Digest
    }

    static let stateVerify = Verb(
        "state verify", "check a proof of a record offline, against the genesis document alone",
        options: [
            .positional("proof", "the proof's file"),
            .value("genesis", "FILE", "the ledger's genesis.cbor", required: true),
        ],
        examples: ["millwright state verify press-7.proof --genesis genesis.cbor"]
    ) { invocation in
        let bytes = try invocation.file(try invocation.required("proof"), limit: StateBundle.maximumSize)
        let bundle: StateBundle
        do { bundle = try StateBundle(decoding: bytes) } catch {
            throw UsageError("state.malformed", "this is not a state proof (\(error))")
        }
        let (genesis, rules) = try readGenesis(invocation)
        do throws(StateBundle.Failure) {
            try bundle.verify(
                genesis: genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
        } catch { throw NegativeAnswer(error.code, "this proves nothing on this ledger") }
        var report = StateReport(
            ledger: rules.chain, consortium: genesis.name, simulated: genesis.simulated,
            table: bundle.key.table, present: bundle.value != nil, value: bundle.value.map { Bytes($0) },
            bytes: bundle.value?.count ?? 0,
            height: bundle.header.height, time: Output.time(bundle.header.time),
            stateRoot: bundle.header.stateRoot)
        if invocation.wantsJSON { return try Output.json(report) }
        report.value = nil
        Terminal.print("\(Terminal.green("proven"))\n" + Output.fields(report, indent: "  "))
    }

    private static func readGenesis(_ invocation: Invocation) throws -> (Genesis, Rules) {
        let bytes = try invocation.file(try invocation.required("genesis"))
        do throws(NodeError) {
            let genesis = try Home.genesis(bytes)
            return (genesis.genesis, LedgerNode.rules(chain: genesis.chain))
        } catch { throw UsageError(error.code, error.message) }
    }
}

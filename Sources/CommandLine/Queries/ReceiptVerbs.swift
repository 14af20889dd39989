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
        try await Session.with(invocation) { session in
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
            Terminal.print(
                "\(Terminal.green("written")) \(try invocation.required("out")) (\(bundle.encoded.count) bytes)"
            )
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
        let genesis: (genesis: Genesis, bytes: [UInt8], chain: ChainID)
        do { genesis = try Home.genesis(try invocation.file(try invocation.required("genesis"))) } catch let
            error as NodeError
        {
            throw UsageError(error.code, error.message)
        }
        let rules = LedgerNode.rules(chain: genesis.chain)
        let proven: ReceiptBundle.Proven
        do throws(ReceiptBundle.Failure) {
            proven = try bundle.verify(
                genesis: genesis.genesis, chain: genesis.chain, hash: rules.hash, verifier: rules.verify)
        } catch { throw NegativeAnswer(error.rawValue, "this receipt proves nothing on this ledger") }
        let transaction = try UnverifiedTransaction(decoding: proven.leaf.transaction, hash: rules.hash)
        let outcome =
            switch proven.leaf.outcome {
            case .accepted: "accepted"
            case .rejected(let code): "rejected: \(code)"
            }
        let report = ProofReport(
            ledger: genesis.chain, consortium: genesis.genesis.name, simulated: genesis.genesis.simulated,
            transaction: transaction.id, contract: transaction.payload.contract,
            action: transaction.payload.action, outcome: outcome, time: Output.time(proven.leaf.time),
            height: proven.leaf.height, leaf: proven.index, provenAtHeight: proven.height,
            logSize: proven.logSize, validators: proven.validators.map(\.text))
        if invocation.wantsJSON { return try Output.json(report) }
        Terminal.print("\(Terminal.green("proven"))\n" + Output.fields(report, indent: "  "))
    }
}

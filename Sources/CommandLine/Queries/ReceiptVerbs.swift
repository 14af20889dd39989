import Codec
import Contracts
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
                return try session.json([
                    "receipt": try invocation.required("out"), "transaction": id.description,
                ])
            }
            let file = try invocation.required("out")
            Terminal.print("\(Terminal.green("written")) \(file) (\(bundle.encoded.count) bytes)")
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        do { try Data(bytes).write(to: URL(fileURLWithPath: path)) } catch {
            throw UsageError("cli.cannot_write", "\(path) cannot be written: \(ErrorText.of(error))")
        }
    }

    private struct ProofReport: Encodable {
        let ledger: Digest
        let consortium: String
        let simulated: Bool
        let transaction: Digest
        /// The founder whose key signed; nil for a later key, which only the ledger names.
        let signer: MemberID?
        let key: KeyID
        let contract: String
        let action: String
        let outcome: String
        let time: Timestamp
        let height: Height
        let leaf: UInt64
        let provenAtHeight: Height
        let logSize: UInt64
        let validators: [String]
        /// What the signer said.
        var says: Say?
    }

    static let receiptVerify = Verb(
        "receipt verify", "check a receipt offline, against the genesis document alone",
        detail: """
            Prints what is proven: who signed what, with all that the action says (an invoice's number, \
            amounts and the SHA-256 of its document, for instance), its outcome, and who vouches for it. A \
            key that came after the founding is named by its id alone: the genesis document knows founders \
            only.
            """,
        options: [
            .positional("receipt", "the bundle's file"),
            .value("genesis", "FILE", "the ledger's genesis.cbor", required: true),
        ],
        examples: ["millwright receipt verify invoice.receipt --genesis genesis.cbor"], isOffline: true
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
        let said = try Say(transaction.payload)
        var report = ProofReport(
            ledger: rules.chain, consortium: genesis.name, simulated: genesis.simulated,
            transaction: transaction.id, signer: try founder(transaction.key, genesis, rules),
            key: transaction.key, contract: transaction.payload.contract,
            action: transaction.payload.action, outcome: outcome, time: proven.leaf.time,
            height: proven.leaf.height, leaf: proven.index, provenAtHeight: proven.height,
            logSize: proven.logSize, validators: proven.validators.map(\.text), says: said)
        if invocation.wantsJSON { return try Output.json(report) }
        report.says = nil
        Terminal.print("\(Terminal.green("proven"))\n" + Output.fields(report, indent: "  "))
        guard let said else { return }
        Terminal.print("which says\n" + Output.fields(said.body, indent: "  "))
    }

    /// The member that founded with a key.
    private static func founder(_ key: KeyID, _ genesis: Genesis, _ rules: Rules) throws -> MemberID? {
        try CBOR.decode([Founder].self, from: genesis.founders.array).first {
            KeyID(publicKey: $0.signingPublicKey.array, hash: rules.hash) == key
        }?.id
    }

    static func readGenesis(_ invocation: Invocation) throws -> (Genesis, Rules) {
        let bytes = try invocation.file(try invocation.required("genesis"))
        do throws(NodeError) {
            let genesis = try Home.genesis(bytes)
            return (genesis.genesis, LedgerNode.rules(chain: genesis.chain))
        } catch { throw UsageError(error.code, error.message) }
    }
}

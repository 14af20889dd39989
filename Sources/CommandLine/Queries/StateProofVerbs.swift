import Codec
import Foundation
import Ledger
import Node

/// Proofs of what a record holds, or that there is none.
extension QueryVerbs {
    static let stateProve = Verb(
        "state prove", "write a proof of what a record holds now, or that there is none",
        detail: """
            A proof is of one row. A machine's nameplate and documents, which show machine prints with it, \
            are a row of their own: nameplate.
            """,
        options: [
            .positional("kind", "machine, invoice, …"), .record,
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
                return try session.json(StateWritten(proof: file, present: bundle.value != nil))
            }
            let what =
                bundle.value == nil ? "proves that there is no such \(table.singular)" : "proves its value"
            Terminal.print("\(Terminal.green("written")) \(file) (\(bundle.encoded.count) bytes): \(what)")
        }
    }

    private struct StateWritten: Encodable {
        let proof: String
        let present: Bool
    }

    private struct StateReport: Encodable {
        let ledger: Digest
        let consortium: String
        let simulated: Bool
        /// Of the record: the table as `list` and `show` call it, and its name there.
        let kind: String
        let id: String
        let present: Bool
        let height: Height
        let time: Timestamp
        let stateRoot: Digest
        /// The block that changed it last.
        let changedAtHeight: Height?
        /// The row's key and, where it is present, its deterministic CBOR, as the state tree has them.
        var key: Bytes?
        var value: Bytes?
        /// The record, as its row holds it; nil for rows of the ledger's own and where there is none.
        var record: ShownRecord?
    }

    /// What the key of a row names: `machine`, `press-7`.
    private static func name(of key: RowKey) -> (kind: String, id: String) {
        let id = key.bytes.dropFirst(key.table.utf8.count + 1)
        let isText = id.allSatisfy { 0x21...0x7e ~= $0 }
        let kind = TableView.all.first { $0.table == key.table }?.singular ?? key.table
        return (kind, isText ? String(decoding: id, as: UTF8.self) : Hex.encode(Array(id)))
    }

    static let stateVerify = Verb(
        "state verify", "check a proof of a record offline, against the genesis document alone",
        options: [
            .positional("proof", "the proof's file"),
            .value("genesis", "FILE", "the ledger's genesis.cbor", required: true),
        ],
        examples: ["millwright state verify press-7.proof --genesis genesis.cbor"], isOffline: true
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
        let shown = try bundle.value.flatMap { row in
            try TableView.all.first { $0.table == bundle.key.table }?.read(row)
        }
        let (kind, id) = name(of: bundle.key)
        var report = StateReport(
            ledger: rules.chain, consortium: genesis.name, simulated: genesis.simulated,
            kind: kind, id: shown?.name ?? id, present: bundle.value != nil, height: bundle.header.height,
            time: bundle.header.time, stateRoot: bundle.header.stateRoot,
            changedAtHeight: try bundle.value.map { try StoredRow(decoding: $0).change.height })
        guard !invocation.wantsJSON else {
            (report.key, report.value) = (Bytes(bundle.key.bytes), bundle.value.map { Bytes($0) })
            report.record = shown.map { ShownRecord(record: $0.record) }
            return try Output.json(report)
        }
        let verdict =
            bundle.value == nil
            ? "there is no \(kind) «\(report.id)» at that height" : "what \(kind) «\(report.id)» holds"
        Terminal.print("\(Terminal.green("proven")) \(verdict)\n" + Output.fields(report, indent: "  "))
        if let shown { Terminal.print("which holds\n" + Output.fields(shown.record, indent: "  ")) }
    }
}

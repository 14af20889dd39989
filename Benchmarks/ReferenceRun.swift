import Codec
import Contracts
import Cryptography
import Ledger
import Node

/// The same transactions in the same blocks at the same time on every machine: its root shows whether the
/// rules or the state have changed, so that figures of two versions are known to be of the same work.
enum ReferenceRun {
    static let machines = 500
    static let mixed = 2_000
    static let blockSize = 250

    /// The state root after `machines` have been registered and accepted and `mixed` transactions have
    /// followed.
    static func root() throws -> Digest {
        let (consortium, genesis, bytes, voter) = try Consortium.fixed()
        let rules = LedgerNode.rules(chain: consortium.chain)
        var (executor, founded) = try Executor.found(genesis, bytes: bytes, rules: rules)
        let rows = Rows()
        rows.apply(founded)
        let epochBlock = founded.hash
        var position: UInt64 = 0
        func execute(_ transactions: [[UInt8]]) throws {
            for start in stride(from: 0, to: transactions.count, by: blockSize) {
                let part = Array(transactions[start..<min(start + blockSize, transactions.count)])
                let batch = try Batch(
                    decoding: Batch.signed(
                        chain: rules.chain, epochBlock: epochBlock, clock: genesis.created,
                        transactions: part, signer: voter, hash: rules.hash), chain: rules.chain)
                let candidates = try part.map {
                    Candidate.unknownKey(try UnverifiedTransaction(decoding: $0, hash: rules.hash))
                }
                let block = try executor.execute(
                    OrderedBatch(batch: batch, position: position, candidates: candidates),
                    sender: genesis.validators[0].member, reader: rows)
                guard block.included.count == part.count,
                    block.included.allSatisfy({ $0.outcome == .accepted })
                else { throw Load.NotAccepted(description: "the reference run has a rejection") }
                rows.apply(block)
                position += 1
            }
        }
        var workload = Workload(consortium, seed: 1)
        try execute(try workload.preparations(at: genesis.created))
        try execute(try workload.machines(machines, at: genesis.created))
        try execute(
            try workload.mix(mixed, at: genesis.created) { machine in
                try rows.value(for: TelemetryHead.rowKey(machine)).map {
                    try CBOR.decode(TelemetryHead.self, from: StoredRow(decoding: $0).record)
                }
            })
        return executor.tree.root
    }

    /// Rows in memory.
    private final class Rows: StateReader {
        private var rows: [RowKey: [UInt8]] = [:]

        func apply(_ block: ExecutedBlock) {
            for change in block.changes { rows[change.key] = change.value }
        }

        func value(for key: RowKey) throws -> [UInt8]? { rows[key] }

        func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [RowKey] {
            let first = RowKey(bytes: start)
            let found = rows.keys.filter { $0 >= first && $0.bytes.starts(with: prefix) }
            return Array(found.sorted().prefix(limit))
        }
    }
}

import Codec
import Foundation
import Ledger
import Merkle
import Storage

/// One step of a record's history.
package struct HistoryStep: Sendable {
    package let change: ChangeReference
    package let time: Timestamp
    /// Nil where a deadline changed the record.
    package let transaction: UnverifiedTransaction?
    /// The member that the transaction's key acts for; nil for a deadline.
    package let signer: MemberID?
}

extension LedgerNode {
    /// The final state now.
    package func view() throws(NodeError) -> StateView {
        StateView(try snapshot())
    }

    func snapshot() throws(NodeError) -> LayeredReader {
        do { return try store.snapshot() } catch let error as NodeError { throw error } catch {
            throw NodeError("node.storage", "the state could not be read", cause: error)
        }
    }

    /// A final block, with the signatures that this node has of it. An earlier block's may be those of a
    /// later one, which makes it final too.
    /// - Throws: `block.unknown`, `block.pruned`, `node.damaged`.
    package func block(_ height: Height) throws(NodeError) -> BlockRecord {
        try read(height) { try store.block(height) }
    }

    /// A final block's header, without decoding the rest of its record.
    /// - Throws: `block.unknown`, `block.pruned`, `node.damaged`.
    package func header(_ height: Height) throws(NodeError) -> BlockHeader {
        try read(height) { try store.store.log.read(height).map { try BlockRecord.header(of: $0) } }
    }

    private func read<T>(_ height: Height, _ read: () throws -> T?) throws(NodeError) -> T {
        do {
            if height <= self.height, let found = try read() { return found }
        } catch {
            throw NodeError("node.damaged", "block \(height) could not be read", cause: error)
        }
        if let first = store.store.log.firstHeight, height < first {
            throw NodeError("block.pruned", "block \(height) is not kept here any more")
        }
        throw NodeError("block.unknown", "there is no block \(height)")
    }

    /// The last final block's height.
    package var height: Height { store.finalHeight }

    /// Everything that ever changed a record, the latest first.
    package func history(of key: Ledger.RowKey) throws(NodeError) -> [HistoryStep] {
        let reader = try snapshot()
        let view = StateView(reader)
        guard let stored = try view.row(key) else { return [] }
        var steps: [HistoryStep] = []
        do {
            var next: ChangeReference? = try StoredRow(decoding: stored).change
            while let change = next {
                steps.append(try step(change, view))
                let entry = StoreTable.historyKey(
                    height: change.height, position: change.position, row: key.bytes)
                let previous = try reader.value(forKey: entry, in: .history) ?? []
                next = ChangeReference(keyBytes: previous)
                if let next, !(next < change) { throw LedgerFault("the history does not go back in time") }
            }
        } catch let error as NodeError { throw error } catch {
            throw NodeError("node.damaged", "the history could not be read", cause: error)
        }
        return steps
    }

    private func step(_ change: ChangeReference, _ view: StateView) throws -> HistoryStep {
        let record = try block(change.height)
        guard change.position > 0, record.header.kind == .batch else {
            return HistoryStep(change: change, time: record.header.time, transaction: nil, signer: nil)
        }
        let batch = try Batch(decoding: record.content, chain: rules.chain)
        let index = Int(change.position) - 1
        guard batch.transactions.indices.contains(index) else {
            throw LedgerFault("block \(change.height) has no transaction \(index)")
        }
        let transaction = try UnverifiedTransaction(
            decoding: batch.transactions[index], hash: rules.hash)
        let key = try view.get(KeyRecord.self, transaction.key)
        return HistoryStep(
            change: change, time: record.header.time, transaction: transaction, signer: key?.account)
    }

    /// Where a transaction stands and what became of it; nil where the ledger has never seen it.
    package func find(_ id: TransactionID) throws(NodeError) -> FinalTransaction? {
        guard let leaf = try leafIndex(of: id) else { return nil }
        let record = try block(containing: leaf)
        do {
            return FinalTransaction(
                id: id, height: record.header.height, leaf: leaf, time: record.header.time,
                outcome: try self.leaf(leaf, of: id, in: record).outcome, message: "")
        } catch { throw NodeError("node.damaged", "the block could not be read", cause: error) }
    }

    /// A transaction's leaf from the block that holds it.
    /// - Parameter index: in the log tree, as a derived row says, which no root covers.
    func leaf(_ index: UInt64, of id: TransactionID, in record: BlockRecord) throws -> Leaf {
        let leaves = try record.leaves()
        let (first, isShort) = record.header.logSize.subtractingReportingOverflow(UInt64(leaves.count))
        guard !isShort, first <= index, index < record.header.logSize else {
            throw LedgerFault("the log has no leaf \(index) in block \(record.header.height)")
        }
        let leaf = leaves[Int(index - first)]
        guard try UnverifiedTransaction(decoding: leaf.transaction, hash: rules.hash).id == id else {
            throw LedgerFault("leaf \(index) is not that of transaction \(id)")
        }
        return leaf
    }

    func leafIndex(of id: TransactionID) throws(NodeError) -> UInt64? {
        try store.leaf(of: id, try view().row)
    }

    /// The block that holds a leaf, by binary search over log sizes.
    func block(containing leaf: UInt64) throws(NodeError) -> BlockRecord {
        let first = max(1, store.store.log.firstHeight ?? 1)
        let place = try (first..<max(first, height)).end { height throws(NodeError) in
            try header(height).logSize <= leaf
        }
        let record = try block(place)
        if place == first, leaf < record.header.logSize &- UInt64(record.outcomes.count) {
            throw NodeError("block.pruned", "the block of leaf \(leaf) is not kept here any more")
        }
        return record
    }
}

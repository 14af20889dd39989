import Codec
import Ledger
import Merkle
import Storage

extension LedgerNode {
    /// A receipt for a transaction, under the latest final block.
    /// - Throws: `transaction.unknown`.
    package func receipt(for id: TransactionID) throws(NodeError) -> ReceiptBundle {
        guard let index = try leafIndex(of: id) else {
            throw NodeError("transaction.unknown", "the ledger has no transaction \(id)")
        }
        let holder = try block(containing: index)
        let head = try block(height)
        do {
            let leaf = try LedgerNode.leaf(index, in: holder)
            let proof = try LogProof.inclusion(index: index, size: head.header.logSize, hash: rules.hash) {
                position throws -> Digest in
                guard let digest = try store.store.nodes.digest(at: Int(position)) else {
                    throw LedgerFault("the node file ends before position \(position)")
                }
                return digest
            }
            guard let proof else { throw LedgerFault("the log has no leaf \(index)") }
            return ReceiptBundle(
                chain: rules.chain, leaf: leaf, proof: proof, commits: head.commits,
                history: validatorHistory(through: head.header.height))
        } catch { throw NodeError("node.damaged", "the proof could not be made", cause: error) }
    }

    /// Proof of what a row holds at the last final block, or that there is none. It builds the state tree
    /// anew, about a microsecond a row.
    /// - Throws: `state.derived_row` for an index, which is not in the tree; `node.damaged`.
    package func stateProof(of key: Ledger.RowKey) throws(NodeError) -> StateBundle {
        guard !key.isDerived else {
            throw NodeError("state.derived_row", "an index is not in the state tree")
        }
        let reader = try snapshot()
        let view = StateView(reader)
        let head = try block(view.height)
        do {
            let tree = try Restoration.stateTree(reader, hash: rules.hash)
            return StateBundle(
                header: head.header, commits: head.commits, key: key, value: try view.row(key),
                proof: tree.proof(for: Executor.treeKey(key, hash: rules.hash)),
                history: validatorHistory(through: head.header.height))
        } catch { throw NodeError("node.damaged", "the proof could not be made", cause: error) }
    }

    /// The epoch blocks up to a height that changed the validators.
    private func validatorHistory(through height: Height) -> ValidatorHistory {
        var current = ValidatorSet(genesis.validators, hash: rules.hash)
        var changes: [ValidatorHistory.Change] = []
        for record in epochChain where record.header.height <= height {
            guard let proposal = try? EpochProposal(decoding: record.content) else { continue }
            let next = ValidatorSet(proposal.validators, hash: rules.hash)
            guard next != current else { continue }
            current = next
            changes.append(.init(header: record.header, content: record.content, commits: record.commits))
        }
        return ValidatorHistory(changes)
    }
}

import Codec
import Ledger
import Merkle
import Storage

extension LedgerNode {
    /// A receipt for a transaction, under the latest final block.
    /// - Throws: `transaction.unknown`; `receipt.incomplete` where this node lacks commits that it needs.
    package func receipt(for id: TransactionID) throws(NodeError) -> ReceiptBundle {
        guard let index = try leafIndex(of: id) else {
            throw NodeError("transaction.unknown", "the ledger has no transaction \(id)")
        }
        let holder = try block(containing: index)
        let head = try block(height)
        do {
            let leaf = try leaf(index, of: id, in: holder)
            let proof = try LogProof.inclusion(index: index, size: head.header.logSize, hash: rules.hash) {
                position throws -> Digest in
                guard let digest = try store.store.nodes.digest(at: Int(position)) else {
                    throw LedgerFault("the node file ends before position \(position)")
                }
                return digest
            }
            guard let proof else { throw LedgerFault("the log has no leaf \(index)") }
            let bundle = ReceiptBundle(
                chain: rules.chain, leaf: leaf, proof: proof, commits: head.commits,
                history: try validatorHistory(through: head.header.height))
            return try proven(bundle)
        } catch let error as NodeError { throw error } catch {
            throw NodeError("node.damaged", "the proof could not be made", cause: error)
        }
    }

    /// Proof of what a row holds at the last final block, or that there is none. It builds the state tree
    /// anew, about a microsecond a row.
    /// - Throws: `state.derived_row` for an index, which is not in the tree; `receipt.incomplete`;
    ///   `node.damaged`.
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
                history: try validatorHistory(through: head.header.height))
        } catch let error as NodeError { throw error } catch {
            throw NodeError("node.damaged", "the proof could not be made", cause: error)
        }
    }

    /// Nothing is handed out that whoever gets it would find wanting.
    private func proven(_ bundle: ReceiptBundle) throws(NodeError) -> ReceiptBundle {
        do throws(ReceiptBundle.Failure) {
            _ = try bundle.verify(
                genesis: genesis, chain: rules.chain, hash: rules.hash, verifier: rules.verify)
            return bundle
        } catch {
            throw NodeError(
                "receipt.incomplete", "the receipt would not verify (\(error.rawValue)): ask another node",
                cause: error)
        }
    }

    /// The epoch blocks up to a height that changed the validators.
    /// - Throws: `receipt.incomplete`.
    private func validatorHistory(through height: Height) throws(NodeError) -> ValidatorHistory {
        try EpochRecord.history(
            epochChain.filter { $0.header.height <= height }, genesis: genesis, rules: rules)
    }
}

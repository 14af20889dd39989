import Codec

/// One version of the rules: the contracts that every node runs, and how a consortium is founded under them.
package struct ContractSet: Sendable {
    /// The version that blocks name.
    package let version: UInt64
    /// The contracts in the order in which the version lists them; few, so that comparing their names is
    /// quicker than hashing one.
    private let entries: [Entry]
    let found: @Sendable (_ genesis: Genesis, _ context: Context) throws(Rejection) -> Void

    private final class Entry: Sendable {
        let name: String
        let apply: @Sendable (_ action: [UInt8], _ context: Context) throws(Rejection) -> Void
        let due: @Sendable (_ timer: Timer, _ context: Context) throws(Rejection) -> Void
        let epochBegan: @Sendable (_ last: Timestamp, _ context: Context) throws(Rejection) -> Void

        init<C: Contract>(_ type: C.Type) {
            name = C.name
            apply = { (encoded: [UInt8], context: Context) throws(Rejection) in
                let action: C.Action
                do throws(CodecError) { action = try C.action(decoding: encoded) } catch {
                    throw Rejection("transaction.malformed_action", error.description)
                }
                try C.apply(action, in: context)
            }
            due = { (timer: Timer, context: Context) throws(Rejection) in try C.due(timer, in: context) }
            epochBegan = { (last: Timestamp, context: Context) throws(Rejection) in
                try C.epochBegan(after: last, in: context)
            }
        }
    }

    package init(
        version: UInt64, contracts: [any Contract.Type],
        found: @escaping @Sendable (_ genesis: Genesis, _ context: Context) throws(Rejection) -> Void
    ) {
        self.version = version
        self.found = found
        entries = contracts.map { contract in Entry(contract) }
        precondition(Set(entries.map(\.name)).count == entries.count, "contracts have different names")
    }

    private func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

    func apply(_ payload: TransactionPayload, in context: Context) throws(Rejection) {
        guard let entry = entry(payload.contract) else {
            throw Rejection("transaction.unknown_contract", "there is no contract \(payload.contract)")
        }
        try entry.apply(payload.encodedAction, context)
    }

    func due(_ timer: Timer, in context: Context) throws(Rejection) {
        guard let entry = entry(timer.contract) else { return }
        try entry.due(timer, context)
    }

    /// Tells the contracts, in the version's order, that an epoch begins. What one of them refuses undoes
    /// that contract's part only.
    ///
    /// Call it in the epoch block before any deadline that has come is carried out, with nothing unkept on
    /// the state.
    /// - Parameters:
    ///   - last: the time of the block before.
    ///   - context: without a signer; each contract gets it in its own name.
    /// - Throws: a read error: the node halts.
    func epochBegan(after last: Timestamp, in context: Context) throws {
        for entry in entries {
            do { try entry.epochBegan(last, context.named(entry.name)) } catch { context.state.undo() }
            context.state.keep()
            if let fault = context.state.fault { throw fault }
        }
    }
}

/// Everything that execution needs from outside and that never changes while a node runs.
package struct Rules: Sendable {
    package let chain: ChainID
    package let hash: HashFunction
    package let verify: SignatureVerifier
    /// Known versions of the contract rules, by version.
    package let contracts: [UInt64: ContractSet]

    package init(
        chain: ChainID, hash: HashFunction, verify: SignatureVerifier, contracts: [ContractSet]
    ) {
        (self.chain, self.hash, self.verify) = (chain, hash, verify)
        self.contracts = Dictionary(contracts.map { ($0.version, $0) }) { first, _ in first }
    }
}

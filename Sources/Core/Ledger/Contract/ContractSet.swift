import Codec

/// One version of the rules: the contracts that every node runs, and how a consortium is founded under them.
package struct ContractSet: Sendable {
    /// The version that blocks name.
    package let version: UInt64
    private let entries: [String: Entry]
    /// The contracts' names in the order in which the version lists them.
    private let names: [String]
    let found: @Sendable (_ genesis: Genesis, _ context: Context) throws(Rejection) -> Void

    private struct Entry: Sendable {
        let apply: @Sendable (_ action: [UInt8], _ context: Context) throws(Rejection) -> Void
        let due: @Sendable (_ timer: Timer, _ context: Context) throws(Rejection) -> Void
        let epochBegan: @Sendable (_ last: Timestamp, _ context: Context) throws(Rejection) -> Void
    }

    package init(
        version: UInt64, contracts: [any Contract.Type],
        found: @escaping @Sendable (_ genesis: Genesis, _ context: Context) throws(Rejection) -> Void
    ) {
        self.version = version
        self.found = found
        var entries: [String: Entry] = [:]
        for contract in contracts { entries[contract.name] = ContractSet.entry(contract) }
        self.entries = entries
        names = contracts.map { $0.name }
    }

    private static func entry<C: Contract>(_ type: C.Type) -> Entry {
        Entry(
            apply: { (encoded: [UInt8], context: Context) throws(Rejection) in
                let action: C.Action
                do throws(CodecError) { action = try C.action(decoding: encoded) } catch {
                    throw Rejection("transaction.malformed_action", error.description)
                }
                try C.apply(action, in: context)
            },
            due: { (timer: Timer, context: Context) throws(Rejection) in try C.due(timer, in: context) },
            epochBegan: { (last: Timestamp, context: Context) throws(Rejection) in
                try C.epochBegan(after: last, in: context)
            })
    }

    func apply(_ payload: TransactionPayload, in context: Context) throws(Rejection) {
        guard let entry = entries[payload.contract] else {
            throw Rejection("transaction.unknown_contract", "there is no contract \(payload.contract)")
        }
        try entry.apply(payload.encodedAction, context)
    }

    func due(_ timer: Timer, in context: Context) throws(Rejection) {
        guard let entry = entries[timer.contract] else { return }
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
        for name in names {
            guard let entry = entries[name] else { continue }
            do { try entry.epochBegan(last, context.named(name)) } catch { context.state.undo() }
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

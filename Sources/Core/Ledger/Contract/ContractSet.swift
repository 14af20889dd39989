import Codec

/// One version of the rules: the contracts that every node runs, and how a consortium is founded under them.
package struct ContractSet: Sendable {
    /// The version that blocks name.
    package let version: UInt64
    private let entries: [String: Entry]
    let found: @Sendable (_ genesis: Genesis, _ context: Context) throws(Rejection) -> Void

    private struct Entry: Sendable {
        let apply: @Sendable (_ action: [UInt8], _ context: Context) throws(Rejection) -> Void
        let due: @Sendable (_ timer: Timer, _ context: Context) throws(Rejection) -> Void
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
            due: { (timer: Timer, context: Context) throws(Rejection) in try C.due(timer, in: context) })
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

import Codec
import Contracts
import Cryptography
import Ledger
import Merkle

/// Where a ledger's time is told, and a demonstration's is set.
package protocol LedgerClock: Sendable {
    /// Whether the genesis is marked `simulated`: the clock stands still until it is set.
    var isSimulated: Bool { get }
    var now: Timestamp { get }
    /// Moves a demonstration's clock forward, and keeps it there.
    /// - Throws: `clock.not_simulated`, `clock.backward`, `clock.io`.
    func set(_ time: Timestamp) throws(NodeError)
    /// Moves a demonstration's clock forward for what is signed and submitted from now on: it moves for
    /// others once a block has taken the time to the ledger, or after `keep()`.
    /// - Throws: `clock.not_simulated`, `clock.backward`.
    func move(to time: Timestamp) throws(NodeError)
    /// Keeps a demonstration's clock where it stands; real time needs no keeping.
    /// - Throws: `clock.io`.
    func keep() throws(NodeError)
}

extension NodeClock: LedgerClock {}

/// A ledger as verbs and services need it: the store that this process has opened (`LedgerNode`), or the
/// node that runs and holds it (`RemoteLedger`). Keys stay with the caller: it signs, and hands bytes over.
package protocol LedgerAccess: Sendable {
    associatedtype Clock: LedgerClock

    var genesis: Genesis { get }
    var rules: Rules { get }
    var clock: Clock { get }
    /// Other members' vaults; nil where this process knows no other node.
    var documentPeers: (any DocumentPeers)? { get }

    /// The last final block's header.
    func head() throws(NodeError) -> BlockHeader
    /// The final state now.
    func view() throws(NodeError) -> StateView
    /// - Throws: `block.unknown`, `block.pruned`, `node.damaged`.
    func block(_ height: Height) throws(NodeError) -> BlockRecord
    /// - Throws: `block.unknown`, `block.pruned`, `node.damaged`.
    func header(_ height: Height) throws(NodeError) -> BlockHeader
    /// Where a transaction stands and what became of it; nil where the ledger has never seen it.
    func find(_ id: TransactionID) throws(NodeError) -> FinalTransaction?
    /// Everything that ever changed a record, the latest first.
    func history(of key: RowKey) throws(NodeError) -> [HistoryStep]
    /// - Throws: `transaction.unknown`, `block.pruned`.
    func receipt(for id: TransactionID) throws(NodeError) -> ReceiptBundle
    /// - Throws: `state.derived_row`.
    func stateProof(of key: RowKey) throws(NodeError) -> StateBundle

    /// Takes a signed transaction in and waits until it has come as far as wanted, or further.
    /// - Throws: the reason's own code where it has no place on the ledger; `node.*`.
    func submit(_ bytes: [UInt8], until level: SubmissionLevel) async throws(NodeError) -> SubmissionState
    /// Brings the node's clock to the ledger, so that what is due happens.
    func tick() async throws(NodeError)

    /// Checks the whole ledger, and that the served state, history and log nodes follow from it.
    /// - Throws: `LedgerVerification.Failure`, `NodeError`, and what `progress` throws.
    func verify(
        width: Int, progress: (BlockHeader) throws -> Void
    ) throws -> LedgerVerification.Summary

    /// Lets go of what this process holds; a node that runs elsewhere goes on.
    func close() throws(NodeError)
}

extension LedgerAccess {
    /// Takes a signed transaction in and waits until it is final, accepted or rejected.
    /// - Throws: the reason's own code where it has no place on the ledger; `node.*` where the node failed.
    package func submit(_ bytes: [UInt8]) async throws(NodeError) -> FinalTransaction {
        guard case .final(let transaction) = try await submit(bytes, until: .final) else {
            throw NodeError("node.halted", "a transaction was told to be final before it was")
        }
        return transaction
    }

    /// Signs an action and waits until it is final.
    ///
    /// The identical bytes are found again by `submit(_:)`, should the node stop meanwhile.
    package func perform<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) async throws(NodeError) -> FinalTransaction {
        try await submit(try sign(contract, action, as: signer))
    }

    /// Signs an action and waits until it is final and accepted.
    /// - Throws: the contract's own code where it is rejected; `node.*` and those of `submit(_:)`.
    @discardableResult
    package func enact<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) async throws(NodeError) -> FinalTransaction {
        try await perform(contract, action, as: signer).accepted()
    }

    /// A signed transaction that expires ten minutes from now: by the clock or, where that is behind it, by
    /// consensus time, which never falls.
    package func sign<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) throws(NodeError) -> [UInt8] {
        let now = max(clock.now, try head().time)
        do {
            let payload = try TransactionPayload(
                chain: rules.chain, expires: now + .minutes(10), nonce: SecureRandom.bytes(16),
                contract: contract, action: action)
            return signer.sign(payload, hash: rules.hash)
        } catch { throw NodeError("transaction.malformed", "the action has no encoding", cause: error) }
    }
}

extension FinalTransaction {
    /// Itself, where the ledger has accepted it.
    /// - Throws: the contract's own code where it was rejected.
    func accepted() throws(NodeError) -> FinalTransaction {
        if case .rejected(let code) = outcome { throw NodeError(code, message) }
        return self
    }
}

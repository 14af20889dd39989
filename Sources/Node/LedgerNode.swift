import Codec
import Contracts
import Cryptography
import Foundation
import Ledger
import Merkle
import Ordering
import Storage

/// A running node: it takes transactions, tells what became of them, and answers questions about the final
/// state.
package final class LedgerNode: Sendable {
    package let genesis: Genesis
    package let rules: Rules
    package let clock: NodeClock
    let store: NodeStore
    private let pipeline: CommitPipeline

    /// What an operator or a test may set.
    package struct Options: Sendable {
        package var store = LedgerStore.Options()
        /// Blocks and rows after which a layer is set aside for a checkpoint.
        package var blocksPerCheckpoint = 256
        package var rowsPerCheckpoint = 200_000

        package init() {}
    }

    /// Opens the ledger in a data directory and brings it to its last block.
    /// - Throws: `home.*`, `keys.*`, `node.several_validators`, `clock.*`, `node.damaged`, `storage.*`.
    package init(
        home: Home, clock: NodeClock? = nil, options: Options = Options(),
        files: any FileSystem = POSIXFileSystem()
    ) throws(NodeError) {
        Cryptography.initialise()
        let (genesis, bytes, chain) = try home.genesis()
        self.genesis = genesis
        rules = LedgerNode.rules(chain: chain)
        let voter = try home.votingKey().signer
        try LedgerNode.requireOneValidator(genesis, voter, rules)
        do {
            let ledger = try LedgerStore(
                opening: home.ledgerFolder.path, chain: chain, options: options.store, files: files)
            let (replica, first) = try LedgerNode.replica(
                genesis, bytes, store: ledger, rules: rules, voter: voter)
            self.clock =
                try clock ?? NodeClock(genesis: genesis, head: replica.executor.head.time, home: home)
            if let first { try NodeStore.found(ledger, first.record, first.block) }
            // From here on nothing fails: the stages begin, and only `close` ends them.
            store = NodeStore(ledger, options: options)
            pipeline = CommitPipeline(
                replica: replica, voter: voter, engine: EmbeddedEngine(), store: store,
                clock: { [clock = self.clock] in clock.now })
        } catch let error as NodeError { throw error } catch let error as StorageError {
            throw NodeError(error.code, "the ledger could not be opened", cause: error)
        } catch {
            throw NodeError("node.damaged", "the ledger could not be opened", cause: error)
        }
    }

    /// - Throws: `node.several_validators`, `keys.not_validator`.
    private static func requireOneValidator(
        _ genesis: Genesis, _ voter: MessageSigner, _ rules: Rules
    ) throws(NodeError) {
        let set = ValidatorSet(genesis.validators, hash: rules.hash)
        guard set.quorum == 1 else {
            throw NodeError(
                "node.several_validators",
                "this version runs a ledger with one validator, not \(genesis.validators.count)")
        }
        guard set.validator(KeyID(publicKey: voter.publicKey, hash: rules.hash)) != nil else {
            throw NodeError("keys.not_validator", "the voting key here is not that of the ledger's validator")
        }
    }

    /// What every node of a ledger executes by.
    package static func rules(chain: ChainID) -> Rules {
        Rules(
            chain: chain, hash: SHA256.hash,
            verify: SignatureVerifier { Ed25519.verify(publicKey: $0, signature: $1, message: $2) },
            contracts: [.version1])
    }

    private static func replica(
        _ genesis: Genesis, _ bytes: [UInt8], store: LedgerStore, rules: Rules, voter: MessageSigner
    ) throws -> (Replica, (record: BlockRecord, block: ExecutedBlock)?) {
        if let (executor, last) = try Restoration(store: store, rules: rules).restore() {
            let founded = try Replica.found(genesis, bytes: bytes, rules: rules, voters: [voter]).replica
            let replica = Replica(
                executor: executor, voteRecord: last.voteRecord, context: founded.inForce, voters: [voter])
            return (replica, nil)
        }
        let (replica, effects) = try Replica.found(genesis, bytes: bytes, rules: rules, voters: [voter])
        for case .final(let block) in effects {
            if let record = effects.storedBlocks.first { return (replica, (record, block)) }
        }
        throw LedgerFault("founding came to no block")
    }

    /// Finishes what has been submitted and lets go of the data directory.
    package func close() throws(NodeError) {
        pipeline.close()
        do { try store.close() } catch {
            throw NodeError("node.storage", "the last checkpoint could not be written", cause: error)
        }
        if let failure = pipeline.failure { throw failure }
    }

    // MARK: Transactions

    /// Signs an action and waits until it is final.
    ///
    /// The identical bytes are found again by `submit(_:)`, should the node stop meanwhile.
    package func perform<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) async throws(NodeError) -> FinalTransaction {
        try await submit(try sign(contract, action, as: signer))
    }

    /// A signed transaction that expires ten minutes from now: by the clock or, where that is behind it, by
    /// consensus time, which never falls.
    package func sign<C: Contract>(
        _ contract: C.Type, _ action: C.Action, as signer: MessageSigner
    ) throws(NodeError) -> [UInt8] {
        do {
            let payload = try TransactionPayload(
                chain: rules.chain, expires: max(clock.now, pipeline.time) + .minutes(10),
                nonce: SecureRandom.bytes(16), contract: contract, action: action)
            return signer.sign(payload, hash: rules.hash)
        } catch { throw NodeError("transaction.malformed", "the action has no encoding", cause: error) }
    }

    /// Takes a signed transaction in and waits until it is final, accepted or rejected.
    /// - Throws: the reason's own code where it has no place on the ledger; `node.*` where the node failed.
    package func submit(_ bytes: [UInt8]) async throws(NodeError) -> FinalTransaction {
        let result: SubmissionResult = await withCheckedContinuation { continuation in
            pipeline.submit(bytes) { continuation.resume(returning: $0) }
        }
        switch result {
        case .final(let transaction): return transaction
        case .failed(let error): throw error
        case .refused(let reason) where reason == .duplicate || reason == .expired:
            // Where it is there already, the answer is what became of it then.
            if let known = try transaction(identicalTo: bytes) { return known }
            throw NodeError(reason.rawValue, LedgerNode.explanation(reason))
        case .refused(let reason): throw NodeError(reason.rawValue, LedgerNode.explanation(reason))
        }
    }

    /// Hands a transaction over and returns; `tell` is called when it is final or refused.
    package func submit(_ bytes: [UInt8], tell: @escaping @Sendable (SubmissionResult) -> Void) {
        pipeline.submit(bytes, tell: tell)
    }

    /// Brings this node's clock to the ledger, so that what is due happens.
    package func tick() async throws(NodeError) { try await pipeline.tick() }

    private func transaction(identicalTo bytes: [UInt8]) throws(NodeError) -> FinalTransaction? {
        guard let id = try? UnverifiedTransaction(decoding: bytes, hash: rules.hash).id else { return nil }
        return try find(id)
    }

    private static func explanation(_ reason: Skip.Reason) -> String {
        switch reason {
        case .malformed: "these bytes are not a transaction"
        case .badSignature: "the signature is not that of the key it names"
        case .unknownKey: "the ledger does not know the key that signed"
        case .wrongChain: "the transaction is meant for another ledger"
        case .expired: "the transaction's time is over"
        case .expiryTooFar: "a transaction expires at most 24 hours ahead"
        case .duplicate: "the transaction is on the ledger already"
        case .overQuota: "the member has used up its quota; it refills with time"
        }
    }
}

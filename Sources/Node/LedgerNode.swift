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
    let pipeline: CommitPipeline
    let votingKeyIsForeign: Bool

    /// What an operator or a test may set.
    package struct Options: Sendable {
        package var store = LedgerStore.Options()
        /// Blocks and rows after which a layer is set aside for a checkpoint.
        package var blocksPerCheckpoint = 256
        package var rowsPerCheckpoint = 400_000
        /// Whether the node orders a batch where a deadline has passed, and hourly: a node that goes on
        /// running does.
        package var ticks = false
        /// How long `close` waits for what other validators have not made final.
        package var closeSeconds = 2.0
        package var timing = Replica.Timing()

        package init() {}
    }

    /// What a node needs of the world to run a ledger with others.
    package struct Surroundings: Sendable {
        package var network: (any PeerNetwork)?
        /// Makes the engine of each epoch.
        package var engines: EngineFactory
        /// A validator has signed what no honest one signs.
        package var onEvidence: @Sendable (Replica.Evidence) -> Void

        package init(
            network: (any PeerNetwork)? = nil, engines: @escaping EngineFactory = LedgerNode.embeddedEngine,
            onEvidence: @escaping @Sendable (Replica.Evidence) -> Void = { _ in }
        ) {
            (self.network, self.engines, self.onEvidence) = (network, engines, onEvidence)
        }
    }

    /// The engine of a ledger with one validator: the order of this process.
    package static let embeddedEngine: EngineFactory = { context in
        guard context.validators.validators.count == 1, context.engine.hasPrefix("embedded:") else {
            throw NodeError("engine.unsupported", "this node cannot run the engine \(context.engine)")
        }
        return EmbeddedEngine()
    }

    /// Why a node is opened.
    package enum Purpose: Sendable {
        /// To take part: to order, vote and submit what it holds the keys for.
        case takingPart
        /// To look at what is final. It has no voting key and no engine, sends nothing and takes no
        /// transaction in: the vote record and the outbox stay as they are.
        case reading
    }

    /// Opens the ledger in a data directory and brings it to its last final block.
    /// - Throws: `home.*`, `keys.*`, `node.several_validators`, `clock.*`, `node.damaged`, `storage.*`.
    package init(
        home: Home, clock: NodeClock? = nil, surroundings: Surroundings = Surroundings(),
        options: Options = Options(), files: any FileSystem = POSIXFileSystem(),
        for purpose: Purpose = .takingPart
    ) throws(NodeError) {
        Cryptography.initialise()
        let (genesis, bytes, chain) = try home.genesis()
        self.genesis = genesis
        rules = LedgerNode.rules(chain: chain)
        var opening = NodeOpening(
            home: home, genesis: genesis, bytes: bytes, rules: rules, options: options, files: files,
            purpose: purpose)
        try opening.readVotingKey(isAlone: surroundings.network == nil)
        do {
            let opened = try opening.run()
            self.clock = try clock ?? NodeClock(genesis: genesis, head: opened.headTime, home: home)
            votingKeyIsForeign = opened.isForeign
            // From here on nothing fails: the stages begin, and only `close` ends them.
            store = NodeStore(opened.store, epochs: opened.epochs, options: options)
            pipeline = CommitPipeline(
                opened.start, genesis: genesis, engines: surroundings.engines, store: store,
                network: surroundings.network,
                outbox: opened.outbox, options: options, clock: { [clock = self.clock] in clock.now },
                onEvidence: surroundings.onEvidence)
        } catch let error as NodeError { throw error } catch let error as StorageError {
            throw NodeError(error.code, "the ledger could not be opened", cause: error)
        } catch {
            throw NodeError("node.damaged", "the ledger could not be opened", cause: error)
        }
    }

    /// What every node of a ledger executes by.
    package static func rules(chain: ChainID) -> Rules {
        Rules(
            chain: chain, hash: SHA256.hash,
            verify: SignatureVerifier { Ed25519.verify(publicKey: $0, signature: $1, message: $2) },
            contracts: [.version1])
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

    /// Takes a signed transaction in and waits until it has come as far as wanted, or further.
    ///
    /// What is accepted is sent again, after a restart too, until it is final or a final block is past its
    /// expiry; `find(_:)` and another `submit` of the same bytes tell what became of it.
    /// - Throws: the reason's own code where it has no place on the ledger; `node.*` where the node failed.
    package func submit(
        _ bytes: [UInt8], until level: SubmissionLevel
    ) async throws(NodeError) -> SubmissionState {
        try requireTakingPart()
        let news: SubmissionNews = await withCheckedContinuation { continuation in
            let waiter = Waiter(level: level) { continuation.resume(returning: $0) }
            pipeline.submit(Submission(bytes: bytes, origin: .caller, waiter: waiter))
        }
        switch news {
        case .state(let state): return state
        case .failed(let error): throw error
        case .refused(let reason) where reason == .duplicate || reason == .expired:
            // Where it is there already, the answer is what became of it then.
            if let known = try transaction(identicalTo: bytes) { return .final(known) }
            throw NodeError(reason.rawValue, LedgerNode.explanation(reason))
        case .refused(let reason): throw NodeError(reason.rawValue, LedgerNode.explanation(reason))
        }
    }

    /// Hands a transaction over and returns; `tell` is called when it is final or refused.
    package func submit(_ bytes: [UInt8], tell: @escaping @Sendable (SubmissionResult) -> Void) {
        do throws(NodeError) { try requireTakingPart() } catch { return tell(.failed(error)) }
        let waiter = Waiter(level: .final) { news in
            switch news {
            case .state(.final(let transaction)): tell(.final(transaction))
            case .state: return
            case .refused(let reason): tell(.refused(reason))
            case .failed(let error): tell(.failed(error))
            }
        }
        pipeline.submit(Submission(bytes: bytes, origin: .caller, waiter: waiter))
    }

    /// Brings this node's clock to the ledger, so that what is due happens.
    package func tick() async throws(NodeError) {
        try requireTakingPart()
        try await pipeline.tick()
    }

    private func requireTakingPart() throws(NodeError) {
        guard pipeline.isReading else { return }
        throw NodeError("node.only_reading", "this data directory is open for reading alone")
    }

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
        case .keyEnded: "the key that signed is revoked, or its time is over"
        case .overQuota: "the member has used up its quota; it refills with time"
        }
    }
}

import Codec
import Merkle

/// One node's part in the ledger, as a value without I/O: events go in, effects come out in the order in
/// which they must happen. A store is durable before any later effect is visible outside.
///
/// A validator executes and stores a block, votes for it, and commits to it when a quorum has voted. A quorum
/// of commits makes the block and its ancestors final. Where blocks do not become final in time the
/// validators stop the epoch and go on in the next, with another engine, from the highest block that any of a
/// quorum of them knows to be certified. With one validator the block, its vote and its commit go to disk in
/// one record.
///
/// Every event's `reader` reads the rows after the last block for which a `final` effect was returned.
package struct Replica: Sendable {
    /// What the node has to do, in order.
    package enum Effect: Sendable {
        /// Append to the log and sync, all together.
        case store([LogItem])
        /// Send to every other validator, and to whoever follows.
        case publish(ReplicaMessage)
        /// The block can no longer change: take its rows in before the next event, tell callers.
        case final(ExecutedBlock)
        /// The block is not on the ledger's chain: its transactions are to be submitted again.
        case undone(ExecutedBlock)
        /// Follow this epoch's engine, from the position after the one given or from the first; let go of any
        /// other. Batches name its block.
        case engine(EpochContext, after: UInt64?)
        /// Ask a peer (any, where none is named) for its chain above a height.
        case fetch(above: Height, from: MemberID?)
        /// Send a peer the final blocks above a height up to one with a certificate, as the log holds them,
        /// and where those are all, these after them. They hold signatures: not before what was stored
        /// before.
        case serve([CandidateBlock], above: Height, to: MemberID?)
        /// The batch does not belong to the ledger and is passed over.
        case skipped(position: UInt64, BatchRefusal)
        /// A validator has signed what no honest one signs.
        case evidence(Evidence)
        /// This node's execution differs from what a quorum signed: stop, keep everything.
        case halt(Divergence)
    }

    /// Why a whole batch is passed over: it leaves no block.
    package enum BatchRefusal: String, Sendable {
        case otherEpoch = "batch.other_epoch"
        case notValidator = "batch.not_validator"
        case badSignature = "batch.bad_signature"
        /// The epoch is being changed; the transactions are to be submitted again.
        case stopped = "batch.stopped"
    }

    /// Two statements that one honest validator cannot both have signed.
    package enum Evidence: Hashable, Sendable {
        case conflicting(Signed, Signed)
        case conflictingStops(Stop, Stop)
        /// The stop names a lock below what its signer had committed to in an earlier epoch.
        case hiddenLock(Stop, Signed)

        /// An attestation with the log root that a commit signs, without which nobody can check it.
        package struct Signed: Hashable, Sendable {
            package let attestation: Attestation
            /// Zero for a vote, which signs its block's hash.
            package let logRoot: Digest

            package init(_ attestation: Attestation, logRoot: Digest) {
                (self.attestation, self.logRoot) = (attestation, logRoot)
            }
        }
    }

    /// Where this node's execution differs from the quorum's.
    package struct Divergence: Hashable, Sendable {
        package let certified: BlockHeader
        package let own: BlockHeader
        /// The place in the batch of the first transaction whose outcome differs, where the peer told its
        /// outcomes; nil where only the rows differ.
        package let transaction: Int?
    }

    /// How long a replica waits, in the time of its events.
    package struct Timing: Hashable, Sendable {
        /// Between sendings of what still matters.
        package var retry = Span.milliseconds(300)
        /// Before a block that others have certified is fetched.
        package var fetch = Span.milliseconds(150)
        /// Before an engine whose blocks do not become final is suspected; doubled with each failed epoch.
        package var suspect = Span.seconds(2)
        /// Before an epoch change that comes to nothing is given up; doubled each time.
        package var change = Span.seconds(2)

        package init() {}
    }

    /// Blocks that may be executed and not final: more batches wait in the engine.
    package static let window = 64
    /// How far ahead of the promised epoch others may be: a single number must not use up all epochs.
    static let epochLead: Epoch = 1 << 16

    /// How long the engine may need to get over a loss of its own, as it says itself: it is not suspected
    /// before.
    package var failover = Span.seconds(0)
    package internal(set) var executor: Executor
    package internal(set) var voteRecord: VoteRecord
    let voters: [Voter]
    let timing: Timing
    var effects: [Effect] = []
    var now = Timestamp.zero
    var clock = Timestamp.zero

    // The chain.
    var tree: BlockTree
    var rows = PendingRows()
    var tallies = Tallies()

    // The epoch change.
    /// For the epoch in force or, while it is being changed, for `voteRecord.promised`.
    var ownStops: [Stop] = []
    var ownSuspicions: [Heard] = []
    /// The latest of each key.
    var stops: [Stop] = []
    var suspicions: [Heard] = []
    /// Validators that the board has decided on, for the next epoch block.
    var decided: ValidatorSet?
    /// Changes of epoch asked for to bring the decided validators in, and when the next may be.
    var decisionAttempts = 0
    var nextDecisionAttempt = Timestamp.zero
    /// Proposals for an epoch ahead whose parents are not known yet: the latest of each key.
    var heldProposals: [EpochProposal] = []
    var ownProposal: EpochProposal?
    /// Epochs begun since a batch became final.
    var failedEpochs = 0
    /// Since when a quorum has stopped for the promised epoch, and until when its block is waited for.
    var quorumSince: Timestamp?
    var changeDeadline: Timestamp?
    var lastRetry = Timestamp.zero
    var lastFetch = Timestamp.zero
    var lastFinal = Timestamp.zero
    /// Who says that more is final than here, each once.
    var claims: [Claim] = []
    /// The final height when blocks were last asked for, and who was asked.
    var fetchedAbove: Height?
    var asked: MemberID?
    package internal(set) var halted: Divergence?

    /// A suspicion, and until when it counts: whoever still has a reason says it again.
    struct Heard: Sendable {
        let suspicion: Suspicion
        var until: Timestamp
    }

    /// A peer's final height as it says itself.
    struct Claim: Sendable {
        let member: MemberID?
        var height: Height
    }

    /// A voting key and its name.
    struct Voter: Sendable {
        let key: KeyID
        let signer: MessageSigner
    }

    /// Goes on from a final block.
    init(
        executor: Executor, voteRecord: VoteRecord, stops: [Stop] = [], context: EpochContext,
        voters: [MessageSigner], timing: Timing
    ) {
        let hash = executor.rules.hash
        (self.executor, self.voteRecord, self.timing) = (executor, voteRecord, timing)
        self.voters = voters.map { Voter(key: KeyID(publicKey: $0.publicKey, hash: hash), signer: $0) }
        tree = BlockTree(final: executor.head, hash: executor.headHash, context: context)
        (ownStops, self.stops) = (stops, stops)
        if voteRecord.promised < context.epoch { self.voteRecord.promised = context.epoch }
        _ = self.voteRecord.raiseLock(to: VoteRecord.Point(executor.head, hash: executor.headHash))
    }

    /// Founds the ledger: block 0, and the replica on it. Genesis is final by being agreed on; a lone
    /// validator signs it, so that receipts begin there.
    package static func found(
        _ genesis: Genesis, bytes: [UInt8], rules: Rules, voters: [MessageSigner], timing: Timing = Timing()
    ) throws -> (replica: Replica, effects: [Effect]) {
        let (executor, block) = try Executor.found(genesis, bytes: bytes, rules: rules)
        let engines = try engines(in: block.changes)
        let context = EpochContext.genesis(genesis, block: block.hash, engines: engines, hash: rules.hash)
        var replica = Replica(
            executor: executor, voteRecord: VoteRecord(), context: context, voters: voters, timing: timing)
        let record = replica.foundingRecord(block)
        return (replica, [.store([.block(record)]), .final(block)])
    }

    private mutating func foundingRecord(_ block: ExecutedBlock) -> BlockRecord {
        let quorum = inForce.quorum(of: .epoch)
        guard quorum.isReached(by: voters.map(\.key)) else {
            return BlockRecord(block, votes: [], commits: [], voteRecord: voteRecord)
        }
        let point = VoteRecord.Point(block.header, hash: block.hash)
        (voteRecord.lastVote, voteRecord.lastCommit, voteRecord.lock) = (point, point, point)
        return BlockRecord(
            block, votes: attest(.vote, block.header, block.hash, inForce),
            commits: attest(.commit, block.header, block.hash, inForce), voteRecord: voteRecord)
    }

    private static func engines(in changes: [RowChange]) throws -> [String] {
        let key = ParametersRecord.rowKey(ParametersRecord.Key())
        guard let stored = changes.first(where: { $0.key == key })?.value else {
            throw LedgerFault("founding wrote no parameters")
        }
        return try CBOR.decode(ParametersRecord.self, from: StoredRow(decoding: stored).record).engines
    }

    // MARK: What the node may ask

    /// The last final block.
    package var finalHeader: BlockHeader { tree.final.header }
    package var finalHash: Digest { tree.final.hash }
    /// The epoch of the last final block, whose engine is to be followed.
    package var inForce: EpochContext { tree.final.context }
    /// Whether another batch can be taken now; otherwise it has to wait, which holds the engine back.
    package var takesBatches: Bool { tree.chain.count < Replica.window && halted == nil }
    /// Whether batches for the epoch in force are executed: not while it is being changed.
    package var isOrdering: Bool {
        voteRecord.promised == inForce.epoch && tree.headContext.block == inForce.block
    }
    /// Whether a voting key of this node is among those that count.
    package var isValidator: Bool { voters.contains { isRelevant($0.key) } }
    /// How long a block or transaction may wait before the engine is to be suspected.
    package var patience: Span { max(backoff(timing.suspect), failover) }
    /// Blocks that are executed and not final, oldest first.
    package var pendingHeaders: [BlockHeader] { tree.chain.compactMap { tree.block($0)?.header } }

    var rules: Rules { executor.rules }
    var hash: HashFunction { executor.rules.hash }

    /// What this replica has promised, as its log says it.
    package var voteState: VoteState { VoteState(record: voteRecord, stops: ownStops) }

    /// The end of an event: what it came to.
    mutating func drain() -> [Effect] {
        defer { effects = [] }
        return effects
    }

    mutating func begin(_ now: Timestamp) {
        // Blocks that a restart has found in the log have waited for nothing yet.
        if self.now == .zero { lastFinal = now }
        self.now = max(self.now, now)
        rows.drop(through: tree.final.header.height)
    }

    // MARK: Batches

    /// Takes the next batch of the engine's order.
    /// - Throws: a read error or `LedgerFault`: the node halts.
    package mutating func ordered(
        _ batch: OrderedBatch, now: Timestamp = .zero, reader: any StateReader
    ) throws -> [Effect] {
        begin(now)
        guard halted == nil else { return [] }
        guard batch.batch.epochBlock == inForce.block else {
            return [.skipped(position: batch.position, .otherEpoch)]
        }
        guard isOrdering else { return [.skipped(position: batch.position, .stopped)] }
        let head = executor.head
        // A batch that this chain holds already, taken from a peer meanwhile.
        guard head.kind == .epoch || batch.position > head.position else { return [] }
        guard let sender = inForce.validators.validator(batch.batch.key) else {
            return [.skipped(position: batch.position, .notValidator)]
        }
        guard batch.isSigned(by: sender.votingKey.array, verifier: rules.verify, hash: hash) else {
            return [.skipped(position: batch.position, .badSignature)]
        }
        let block = try append(.batch(batch), isNext: true, reader: reader)
        try store(block, reader: reader)
        return drain()
    }
}

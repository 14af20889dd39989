import Codec
import Merkle

/// One node's part in the ledger, as a value without I/O: events go in, effects come out in the order in
/// which they must happen. A store is durable before any later effect is visible outside.
///
/// With one validator the block, its vote and its commit go to disk in one synced record; the same record
/// types carry the signatures of several.
package struct Replica: Sendable {
    /// What the node has to do, in order.
    package enum Effect: Sendable {
        /// Append to the log and sync.
        case store(BlockRecord)
        /// The block and its ancestors can no longer change: tell callers.
        case final(ExecutedBlock)
        /// The batch does not belong to the ledger and is passed over.
        case skipped(position: UInt64, BatchRefusal)
    }

    /// Why a whole batch is passed over: it leaves no block.
    package enum BatchRefusal: String, Sendable {
        case otherEpoch = "batch.other_epoch"
        case notValidator = "batch.not_validator"
        case badSignature = "batch.bad_signature"
    }

    package private(set) var executor: Executor
    package private(set) var voteRecord: VoteRecord
    /// The hash of the epoch block that batches must name.
    package private(set) var epochBlock: Digest
    package private(set) var validators: ValidatorSet
    private let voter: MessageSigner

    package init(
        executor: Executor, voteRecord: VoteRecord, epochBlock: Digest, validators: ValidatorSet,
        voter: MessageSigner
    ) {
        (self.executor, self.voteRecord, self.epochBlock) = (executor, voteRecord, epochBlock)
        (self.validators, self.voter) = (validators, voter)
    }

    /// Founds the ledger: stores block 0 and gives the replica on it.
    package static func found(
        _ genesis: Genesis, bytes: [UInt8], rules: Rules, voter: MessageSigner
    ) throws -> (replica: Replica, effects: [Effect]) {
        let (executor, block) = try Executor.found(genesis, bytes: bytes, rules: rules)
        let validators = ValidatorSet(genesis.validators, hash: rules.hash)
        var replica = Replica(
            executor: executor, voteRecord: VoteRecord(), epochBlock: block.hash, validators: validators,
            voter: voter)
        return (replica, replica.attest(block))
    }

    /// Takes the next batch of the engine's order.
    /// - Parameter reader: the rows at the head's height.
    /// - Throws: a read error or `LedgerFault`: the node halts.
    package mutating func ordered(_ batch: OrderedBatch, reader: any StateReader) throws -> [Effect] {
        guard batch.batch.epochBlock == epochBlock else {
            return [.skipped(position: batch.position, .otherEpoch)]
        }
        guard let sender = validators.validator(batch.batch.key) else {
            return [.skipped(position: batch.position, .notValidator)]
        }
        let rules = executor.rules
        guard
            batch.batch.isSigned(by: sender.votingKey.array, verifier: rules.verify, hash: rules.hash)
        else { return [.skipped(position: batch.position, .badSignature)] }
        return attest(try executor.execute(batch, sender: sender.member, reader: reader))
    }

    /// Votes for a block and, where this validator alone is the quorum, commits it in the same record.
    private mutating func attest(_ block: ExecutedBlock) -> [Effect] {
        let hash = executor.rules.hash
        precondition(voteRecord.allowsVote(block.header), "a vote keeps every promise")
        let point = VoteRecord.Point(
            epoch: block.header.epoch, height: block.header.height, block: block.hash)
        let vote = Attestation.sign(.vote, block.header, hash: block.hash, signer: voter, hash: hash)
        voteRecord.lastVote = point
        precondition(validators.quorum == 1, "a quorum of several validators needs their votes")
        voteRecord.lock = point
        voteRecord.lastCommit = point
        let commit = Attestation.sign(.commit, block.header, hash: block.hash, signer: voter, hash: hash)
        let record = BlockRecord(block, votes: [vote], commits: [commit], voteRecord: voteRecord)
        return [.store(record), .final(block)]
    }
}

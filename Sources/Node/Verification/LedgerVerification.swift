import Codec
import Ledger
import Merkle
import Storage

/// Derives the whole ledger again from its genesis and compares every byte: signatures, outcomes, rows, both
/// roots, and every vote and commit. It trusts nothing but the genesis and derives from nothing but the block
/// log. What a node serves beside the log (rows, indexes, history, the log tree's nodes) is compared with
/// what was derived.
package struct LedgerVerification {
    /// What a verified ledger came to.
    package struct Summary: Hashable, Sendable {
        package let blocks: UInt64
        package let transactions: UInt64
        package let rejected: UInt64
        package let head: Digest
        package let stateRoot: Digest
    }

    /// The first thing that is wrong.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Stable: `verify.…`.
        package let code: String
        package let height: Height
        /// The first transaction that differs, as its place in the batch.
        package let transaction: Int?
        package let detail: String

        /// `block 7, transaction 3: `
        package var place: String {
            "block \(height)" + (transaction.map { ", transaction \($0)" } ?? "") + ": "
        }
        package var description: String { "\(code): " + place + detail }
    }

    private let genesis: Genesis
    private let bytes: [UInt8]
    private let rules: Rules
    private let verifier: BatchVerifier
    let rows = VerifiedRows()

    package init(genesis: Genesis, bytes: [UInt8], rules: Rules, width: Int) {
        (self.genesis, self.bytes, self.rules) = (genesis, bytes, rules)
        let rows = rows
        verifier = BatchVerifier(rules: rules, width: width) { key in
            guard let stored = try rows.value(for: KeyRecord.rowKey(key)) else { return nil }
            return try CBOR.decode(KeyRecord.self, from: StoredRow(decoding: stored).record).publicKey.array
        }
    }

    /// Checks every block of a log.
    /// - Parameters:
    ///   - served: rows and history that are to be, at their height, what the blocks give.
    ///   - nodes: the log tree's digests, which are to be those of the blocks' leaves.
    ///   - progress: told each block's header as derived, after the block has been checked.
    /// - Throws: `Failure`, a storage error, or what `progress` throws.
    package func run(
        _ log: BlockLog, served: LayeredReader? = nil, nodes: NodeFile? = nil,
        progress: (BlockHeader) throws -> Void
    ) throws -> Summary {
        let set = ValidatorSet(genesis.validators, hash: rules.hash)
        var (executor, founded) = try Executor.found(genesis, bytes: bytes, rules: rules)
        let epochBlock = founded.hash
        var next: Height = 0
        var rejected: UInt64 = 0
        var votes = VoteRecord()
        var cursor = log.records(from: 0)
        while let stored = try cursor.next() {
            guard stored.kind == .block else { continue }
            let record = try decode(stored.payload, next)
            guard record.header.height == next else {
                throw Failure(
                    code: "verify.order", height: next, transaction: nil,
                    detail: "block \(record.header.height) is in its place")
            }
            let block: ExecutedBlock
            if next == 0 {
                block = founded
            } else {
                block = try execute(record, &executor, set, epochBlock: epochBlock)
            }
            try compare(record, block)
            try checkCertificates(record, block, set, &votes)
            rows.apply(block.changes)
            if let served { try compare(served, block) }
            if let nodes { try compare(nodes, block) }
            rejected += UInt64(block.included.count { $0.outcome != .accepted })
            try progress(block.header)
            next += 1
        }
        guard next > 0 else {
            throw Failure(code: "verify.empty", height: 0, transaction: nil, detail: "no blocks")
        }
        return Summary(
            blocks: next, transactions: executor.head.logSize, rejected: rejected, head: executor.headHash,
            stateRoot: executor.head.stateRoot)
    }

    private func decode(_ payload: [UInt8], _ height: Height) throws -> BlockRecord {
        do { return try BlockRecord(decoding: payload) } catch {
            throw Failure(code: "verify.malformed", height: height, transaction: nil, detail: "\(error)")
        }
    }

    private func execute(
        _ record: BlockRecord, _ executor: inout Executor, _ set: ValidatorSet, epochBlock: Digest
    ) throws -> ExecutedBlock {
        let height = executor.head.height + 1
        func failure(_ detail: String) -> Failure {
            Failure(code: "verify.batch", height: height, transaction: nil, detail: detail)
        }
        guard let ordered = try verifier.verify(record.content, position: record.header.position) else {
            throw failure("its content is not a batch of this ledger")
        }
        guard ordered.batch.epochBlock == epochBlock else { throw failure("its batch is of another epoch") }
        guard let sender = set.validator(ordered.batch.key),
            ordered.batch.isSigned(by: sender.votingKey.array, verifier: rules.verify, hash: rules.hash)
        else { throw failure("its batch is not signed by a validator") }
        return try executor.execute(ordered, sender: sender.member, reader: rows)
    }

    private func compare(_ record: BlockRecord, _ block: ExecutedBlock) throws {
        let height = block.header.height
        func failure(_ what: String, _ detail: String, at transaction: Int? = nil) -> Failure {
            Failure(code: "verify.\(what)", height: height, transaction: transaction, detail: detail)
        }
        let outcomes = block.included.map { ($0.index, $0.outcome) }
        for (own, stored) in zip(outcomes, record.outcomes) where own != (stored.index, stored.outcome) {
            throw failure("outcome", "the stored outcome is not what execution gives", at: own.0)
        }
        guard outcomes.count == record.outcomes.count else {
            let first = min(outcomes.count, record.outcomes.count)
            let longer = outcomes.count > first ? outcomes[first].0 : record.outcomes[first].index
            throw failure("outcome", "the stored outcomes are not those of execution", at: longer)
        }
        guard record.content == block.content else { throw failure("content", "the stored content differs") }
        if record.changes != block.changes {
            let pair = zip(block.changes, record.changes).first { $0 != $1 }?.0 ?? block.changes.last
            throw failure("rows", "row \(pair?.key.table ?? "?") is not what execution gives")
        }
        guard record.history == block.history else { throw failure("history", "the stored history differs") }
        guard record.header.logRoot == block.header.logRoot else {
            throw failure("log_root", "log roots differ")
        }
        guard record.header.stateRoot == block.header.stateRoot else {
            throw failure("state_root", "state roots differ")
        }
        guard record.header == block.header else { throw failure("header", "the stored header differs") }
    }

    private func checkCertificates(
        _ record: BlockRecord, _ block: ExecutedBlock, _ set: ValidatorSet, _ votes: inout VoteRecord
    ) throws {
        do {
            for (kind, attestations) in [(AttestationKind.vote, record.votes), (.commit, record.commits)] {
                _ = try Certificate(
                    kind, attestations, over: block.header, hash: block.hash, quorum: Quorum([set]),
                    verifier: rules.verify)
            }
        } catch {
            throw Failure(
                code: error.rawValue, height: block.header.height, transaction: nil,
                detail: "its votes or commits are not a certificate")
        }
        guard votes.allowsVote(block.header, parentIsCertified: false) else {
            throw Failure(
                code: "verify.vote_record", height: block.header.height, transaction: nil,
                detail: "the vote breaks an earlier promise")
        }
        let point = VoteRecord.Point(
            epoch: block.header.epoch, height: block.header.height, block: block.hash)
        votes = VoteRecord(promised: votes.promised, lastVote: point, lastCommit: point, lock: point)
        guard record.voteRecord == votes else {
            throw Failure(
                code: "verify.vote_record", height: block.header.height, transaction: nil,
                detail: "the stored vote record is not that of the block's votes")
        }
    }
}

extension LedgerNode {
    /// Checks the whole ledger, and that the served state, history and log nodes follow from it.
    /// - Throws: `LedgerVerification.Failure`, `NodeError`.
    package func verify(
        width: Int, progress: (BlockHeader) throws -> Void
    ) throws -> LedgerVerification.Summary {
        let bytes = try genesis.encoded()
        let verification = LedgerVerification(genesis: genesis, bytes: bytes, rules: rules, width: width)
        return try verification.run(
            store.store.log, served: try store.snapshot(), nodes: store.store.nodes, progress: progress)
    }
}

import Codec
import Foundation
import Ledger
import Synchronization

/// Decodes ordered batches and verifies their signatures on all cores; with a width of 1 on the caller's
/// thread.
///
/// Whether a key may sign is left to execution.
final class BatchVerifier: Sendable {
    private let rules: Rules
    let keys: Mutex<KnownKeys>
    private let lookUp: @Sendable (KeyID) throws -> (record: KeyRecord, height: Height?)?
    /// How many threads there are cores for.
    let width: Int

    /// - Parameters:
    ///   - height: from which on it is told of all blocks (`learn`); nil where it is told of none.
    ///   - lookUp: a key from the ledger's final state, and that state's height, for keys that are not known.
    init(
        rules: Rules, width: Int, toldAbove height: Height? = nil,
        lookUp: @escaping @Sendable (KeyID) throws -> (record: KeyRecord, height: Height?)?
    ) {
        (self.rules, self.width, self.lookUp) = (rules, max(1, width), lookUp)
        keys = Mutex(KnownKeys(height: height))
    }

    /// The batch ready for execution, or nil where its bytes are no batch of this ledger.
    /// - Parameters:
    ///   - digest: that of the bytes, where it was computed already.
    ///   - known: its transactions, where this node has checked them and made the batch.
    func verify(
        _ bytes: [UInt8], position: UInt64, digest: Digest? = nil, known: [Candidate]? = nil
    ) throws -> OrderedBatch? {
        guard let batch = try? Batch(decoding: bytes, chain: rules.chain) else { return nil }
        if let known, known.count == batch.transactions.count {
            return OrderedBatch(
                batch: batch, position: position, candidates: known, digest: digest, isOwn: true)
        }
        let candidates = try check(Array(batch.transactions))
        return OrderedBatch(batch: batch, position: position, candidates: candidates, digest: digest)
    }

    /// A block from a peer or the log, ready for the replica; nil where its content is none of this ledger.
    func candidate(_ record: BlockRecord) throws -> CandidateBlock? {
        let content: CandidateBlock.Content
        switch record.header.kind {
        case .batch:
            guard let batch = try verify(record.content, position: record.header.position) else { return nil }
            content = .batch(batch)
        case .epoch:
            guard let proposal = try? EpochProposal(decoding: record.content) else { return nil }
            content = .epoch(proposal)
        }
        return CandidateBlock(
            header: record.header, content: content, votes: record.votes, commits: record.commits,
            outcomes: record.outcomes)
    }

    /// Decodes transactions and verifies their signatures.
    func check(_ transactions: [[UInt8]]) throws -> [Candidate] {
        let count = transactions.count
        if count == 1 || width == 1 { return try candidates(transactions[...]) }
        // Many, since nobody goes on before the last of them is done.
        let chunks = min(count, max(width * 4, count / 32))
        var checked = [Candidate](repeating: .invalid(.malformed), count: count)
        let failure = Mutex<(any Error)?>(nil)
        checked.withUnsafeMutableBufferPointer { buffer in
            // Each iteration writes its own range of the buffer, and the call returns after the last.
            nonisolated(unsafe) let slots = buffer
            DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
                let range = (chunk * count / chunks)..<((chunk + 1) * count / chunks)
                do {
                    for (index, candidate) in zip(range, try self.candidates(transactions[range])) {
                        slots[index] = candidate
                    }
                } catch { failure.withLock { $0 = error } }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return checked
    }

    /// The same on this thread.
    func candidates(_ transactions: ArraySlice<[UInt8]>) throws -> [Candidate] {
        try transactions.map(candidate)
    }

    private func candidate(_ bytes: [UInt8]) throws -> Candidate {
        guard let transaction = try? UnverifiedTransaction(decoding: bytes, hash: rules.hash) else {
            return .invalid(.malformed)
        }
        guard let known = try known(transaction.key) else { return .unknownKey(transaction) }
        let verified = VerifiedTransaction(transaction, known.key, at: known.height, verifier: rules.verify)
        return verified.map { .verified($0) } ?? .invalid(.badSignature)
    }

    /// Takes in the keys that a final block has changed: most sign something soon.
    func learn(_ block: ExecutedBlock) throws {
        let changes = try block.changedKeys().map { change in
            (change.id, change.record.flatMap { KnownKey($0, hash: rules.hash) })
        }
        keys.withLock { $0.learn(changes, at: block.header.height) }
    }

    private func known(_ id: KeyID) throws -> (key: KnownKey, height: Height?)? {
        if let known = keys.withLock({ $0.find(id) }) { return known }
        guard let (record, height) = try lookUp(id), let key = KnownKey(record, hash: rules.hash) else {
            return nil
        }
        keys.withLock { $0.add(key, readAt: height) }
        return (key, height)
    }
}

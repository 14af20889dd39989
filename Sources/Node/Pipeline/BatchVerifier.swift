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
    let publicKeys = Mutex(PublicKeys())
    private let lookUp: @Sendable (KeyID) throws -> [UInt8]?
    /// How many threads there are cores for.
    let width: Int

    /// - Parameter lookUp: a public key from the ledger's final state, for names that are not in the cache.
    init(rules: Rules, width: Int, lookUp: @escaping @Sendable (KeyID) throws -> [UInt8]?) {
        (self.rules, self.width, self.lookUp) = (rules, max(1, width), lookUp)
    }

    /// The batch ready for execution, or nil where its bytes are no batch of this ledger.
    /// - Parameters:
    ///   - digest: that of the bytes, where it was computed already.
    ///   - known: its transactions, where they have been checked already.
    func verify(
        _ bytes: [UInt8], position: UInt64, digest: Digest? = nil, known: [Candidate]? = nil
    ) throws -> OrderedBatch? {
        guard let batch = try? Batch(decoding: bytes, chain: rules.chain) else { return nil }
        if let known, known.count == batch.transactions.count {
            return OrderedBatch(batch: batch, position: position, candidates: known, digest: digest)
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
        let known = publicKeys.withLock { $0[transaction.key] }
        guard let publicKey = try known ?? found(transaction.key) else { return .unknownKey(transaction) }
        let verified = VerifiedTransaction(
            transaction, publicKey: publicKey, verifier: rules.verify, hash: rules.hash)
        return verified.map { .verified($0) } ?? .invalid(.badSignature)
    }

    /// Takes in the keys that final blocks have brought: most sign something soon.
    func learn(_ keys: [KeyRecord]) {
        guard !keys.isEmpty else { return }
        publicKeys.withLock { known in for key in keys { known[key.id] = key.publicKey.array } }
    }

    private func found(_ key: KeyID) throws -> [UInt8]? {
        guard let found = try lookUp(key) else { return nil }
        publicKeys.withLock { $0[key] = found }
        return found
    }
}

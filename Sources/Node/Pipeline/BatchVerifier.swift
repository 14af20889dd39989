import Codec
import Foundation
import Ledger
import Synchronization

/// Decodes ordered batches and verifies their signatures on all cores.
///
/// A key's name is its thumbprint, so what a name stands for never changes: public keys are cached for good,
/// and whether a key may sign is left to execution.
final class BatchVerifier: Sendable {
    private let rules: Rules
    private let publicKeys: Mutex<[KeyID: [UInt8]]> = Mutex([:])
    private let lookUp: @Sendable (KeyID) throws -> [UInt8]?
    private let width: Int

    /// - Parameter lookUp: a public key from the ledger's final state, for names that are not in the cache.
    init(rules: Rules, width: Int, lookUp: @escaping @Sendable (KeyID) throws -> [UInt8]?) {
        (self.rules, self.width, self.lookUp) = (rules, max(1, width), lookUp)
    }

    /// The batch ready for execution, or nil where its bytes are no batch of this ledger.
    func verify(_ bytes: [UInt8], position: UInt64) throws -> OrderedBatch? {
        guard let batch = try? Batch(decoding: bytes, chain: rules.chain) else { return nil }
        let count = batch.transactions.count
        let chunks = min(count, width * 4)
        var candidates = [Candidate](repeating: .invalid(.malformed), count: count)
        let failure = Mutex<(any Error)?>(nil)
        candidates.withUnsafeMutableBufferPointer { buffer in
            // Each iteration writes its own range of the buffer, and the call returns after the last.
            nonisolated(unsafe) let slots = buffer
            DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
                do {
                    for index in (chunk * count / chunks)..<((chunk + 1) * count / chunks) {
                        slots[index] = try self.candidate(batch.transactions[index])
                    }
                } catch { failure.withLock { $0 = error } }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return OrderedBatch(batch: batch, position: position, candidates: candidates)
    }

    private func candidate(_ bytes: [UInt8]) throws -> Candidate {
        guard let transaction = try? UnverifiedTransaction(decoding: bytes, hash: rules.hash) else {
            return .invalid(.malformed)
        }
        guard let publicKey = try publicKey(transaction.key) else { return .unknownKey(transaction) }
        let verified = VerifiedTransaction(
            transaction, publicKey: publicKey, verifier: rules.verify, hash: rules.hash)
        return verified.map { .verified($0) } ?? .invalid(.badSignature)
    }

    private func publicKey(_ key: KeyID) throws -> [UInt8]? {
        if let known = publicKeys.withLock({ $0[key] }) { return known }
        guard let found = try lookUp(key) else { return nil }
        publicKeys.withLock { $0[key] = found }
        return found
    }
}

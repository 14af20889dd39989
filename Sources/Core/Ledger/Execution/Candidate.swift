import Codec

/// One transaction of an ordered batch, as far as it could be checked before its turn.
package enum Candidate: Sendable {
    /// The signature verifies under the key that the transaction names.
    case verified(VerifiedTransaction)
    /// The key was not known yet when the batch was checked: the executor looks again.
    case unknownKey(UnverifiedTransaction)
    /// Not a transaction, or its signature is wrong: no leaf.
    case invalid(Skip.Reason)

    /// Nil where it is none.
    var transaction: SignedTransaction? {
        switch self {
        case .verified(let verified): verified.transaction
        case .unknownKey(let unverified): unverified.transaction
        case .invalid: nil
        }
    }

    /// The signer's key as whoever verified the signature has read it.
    var known: (key: KnownKey, height: Height)? {
        if case .verified(let verified) = self { verified.known } else { nil }
    }
}

/// A transaction of a batch that got no leaf.
package struct Skip: Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable {
        case malformed = "transaction.malformed"
        case badSignature = "transaction.bad_signature"
        case unknownKey = "transaction.unknown_key"
        case wrongChain = "transaction.wrong_chain"
        case expired = "transaction.expired"
        case expiryTooFar = "transaction.expiry_too_far"
        case duplicate = "transaction.duplicate"
        case keyEnded = "transaction.key_ended"
        case overQuota = "transaction.over_quota"
    }

    /// The place in the batch.
    package let index: Int
    package let reason: Reason
}

/// A transaction of a batch that has a leaf.
package struct Included: Hashable, Sendable {
    /// The place in the batch.
    package let index: Int
    package let id: TransactionID
    package let outcome: Outcome
    /// For the caller; not part of the ledger.
    package let message: String
}

/// A batch with its place in the order, decoded and checked as far as it can be before execution.
package struct OrderedBatch: Sendable {
    package let batch: Batch
    package let position: UInt64
    /// One for each of the batch's transactions.
    package let candidates: [Candidate]
    /// The digest of the batch's bytes, where it was computed already.
    private let digest: Digest?
    /// Whether this node has made these very bytes: then the digest in what is signed is that of the list.
    private let isOwn: Bool

    /// - Parameters:
    ///   - digest: of the batch's bytes, where it was computed already.
    ///   - isOwn: whether these very bytes were made here.
    package init(
        batch: Batch, position: UInt64, candidates: [Candidate], digest: Digest? = nil, isOwn: Bool = false
    ) {
        precondition(candidates.count == batch.transactions.count)
        (self.batch, self.position, self.candidates) = (batch, position, candidates)
        (self.digest, self.isOwn) = (digest, isOwn)
    }

    /// Whether the signature is that of a voting key, and over these transactions.
    func isSigned(by votingKey: [UInt8], verifier: SignatureVerifier, hash: HashFunction) -> Bool {
        batch.isSigned(by: votingKey, isOwn: isOwn, verifier: verifier, hash: hash)
    }

    /// The digest of the batch's bytes: what the block's header names as its content.
    package func contentDigest(_ hash: HashFunction) -> Digest { digest ?? hash(batch.bytes) }
}

/// What executing one block came to.
package struct ExecutedBlock: Sendable {
    package let header: BlockHeader
    package let hash: Digest
    /// The ordered batch's bytes; for genesis its document.
    package let content: [UInt8]
    package let included: [Included]
    package let skipped: [Skip]
    /// After-images in order of their keys.
    package let changes: [RowChange]
    package let history: [HistoryEntry]
    /// What the log tree's node file gains: the leaves' hashes and the subtrees that they close
    /// (`LogFrontier`).
    package let logNodes: [Digest]
    package let events: [Event]

    /// The records of a type that the block wrote.
    /// - Throws: `cbor.*`, though the executor has written them.
    package func records<R: Record>(_ type: R.Type) throws -> [R] {
        try changes.of(R.table).compactMap { try $0.value.map { try StoredRow.record(type, in: $0) } }
    }
}

/// That a step changed a row, and which step had changed it before.
package struct HistoryEntry: Hashable, Sendable {
    package let change: ChangeReference
    package let key: RowKey
    package let previous: ChangeReference?

    package init(change: ChangeReference, key: RowKey, previous: ChangeReference?) {
        (self.change, self.key, self.previous) = (change, key, previous)
    }
}

import Codec

/// The validators of an epoch and the quorum that speaks for them.
package struct ValidatorSet: Hashable, Sendable {
    /// Sorted by member.
    package let validators: [ValidatorsRecord.Validator]
    private let byKey: [KeyID: Int]

    package init(_ validators: [ValidatorsRecord.Validator], hash: HashFunction) {
        self.validators = validators
        byKey = Dictionary(
            validators.enumerated().map { (KeyID(publicKey: $1.votingKey.array, hash: hash), $0) }
        ) { first, _ in first }
    }

    /// q = ⌊2N/3⌋ + 1.
    package var quorum: Int { 2 * validators.count / 3 + 1 }

    /// The validator whose voting key this is.
    package func validator(_ key: KeyID) -> ValidatorsRecord.Validator? { byKey[key].map { validators[$0] } }
}

/// A quorum of signatures of one kind over one block.
package struct Certificate: Hashable, Sendable {
    package let kind: AttestationKind
    package let attestations: [Attestation]

    /// Why signatures are no certificate.
    package enum Failure: String, Error, Sendable {
        case wrongKind = "certificate.wrong_kind"
        case otherBlock = "certificate.other_block"
        case unknownValidator = "certificate.unknown_validator"
        case repeatedValidator = "certificate.repeated_validator"
        case badSignature = "certificate.bad_signature"
        case noQuorum = "certificate.no_quorum"
    }

    /// - Throws: the first failure found; every signature must be good, not only a quorum of them.
    package init(
        _ kind: AttestationKind, _ attestations: [Attestation], over header: BlockHeader,
        hash blockHash: Digest,
        validators: ValidatorSet, verifier: SignatureVerifier
    ) throws(Failure) {
        var seen: [KeyID] = []
        for attestation in attestations {
            guard attestation.kind == kind else { throw .wrongKind }
            guard attestation.concerns(header, hash: blockHash) else { throw .otherBlock }
            guard let validator = validators.validator(attestation.key) else { throw .unknownValidator }
            guard !seen.contains(attestation.key) else { throw .repeatedValidator }
            seen.append(attestation.key)
            let payload = kind == .vote ? blockHash : header.logRoot
            guard
                attestation.isSigned(by: validator.votingKey.array, payload: payload, verifier: verifier)
            else { throw .badSignature }
        }
        guard seen.count >= validators.quorum else { throw .noQuorum }
        (self.kind, self.attestations) = (kind, attestations)
    }
}

/// What a validator has promised and signed, written with the block in one synced record before a signature
/// leaves.
package struct VoteRecord: Hashable, Sendable {
    package struct Point: Hashable, Sendable {
        package var epoch: Epoch
        package var height: Height
        package var block: Digest

        package init(epoch: Epoch, height: Height, block: Digest) {
            (self.epoch, self.height, self.block) = (epoch, height, block)
        }
    }

    /// Nothing below this epoch is voted for any more.
    package var promised: Epoch
    package var lastVote: Point?
    package var lastCommit: Point?
    /// The highest block known to be certified by votes, by epoch, then height.
    package var lock: Point?

    package init(
        promised: Epoch = 0, lastVote: Point? = nil, lastCommit: Point? = nil, lock: Point? = nil
    ) {
        (self.promised, self.lastVote, self.lastCommit, self.lock) = (promised, lastVote, lastCommit, lock)
    }

    func write(to writer: inout CBORWriter) {
        writer.array(4)
        writer.unsigned(promised)
        for point in [lastVote, lastCommit, lock] {
            guard let point else {
                writer.null()
                continue
            }
            writer.array(3)
            writer.unsigned(point.epoch)
            writer.unsigned(point.height)
            writer.digest(point.block)
        }
    }

    init(reading reader: inout CBORReader) throws(CodecError) {
        try reader.array(of: 4)
        promised = try reader.unsigned()
        func point() throws(CodecError) -> Point? {
            if reader.isNull {
                try reader.null()
                return nil
            }
            try reader.array(of: 3)
            return Point(
                epoch: try reader.unsigned(), height: try reader.unsigned(), block: try reader.digest())
        }
        lastVote = try point()
        lastCommit = try point()
        lock = try point()
    }

    /// Whether a vote for a block keeps every promise: the promised epoch, and a height above the last
    /// vote's.
    package func allowsVote(_ header: BlockHeader) -> Bool {
        guard header.epoch == promised else { return false }
        guard let lastVote else { return true }
        return header.epoch > lastVote.epoch
            || (header.epoch == lastVote.epoch && header.height == lastVote.height + 1
                && header.previous == lastVote.block)
    }
}

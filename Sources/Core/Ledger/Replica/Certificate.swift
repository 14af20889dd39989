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

/// Whose signatures make a certificate: a quorum of one set of validators, or of two where an epoch block
/// hands over from one to the other.
package struct Quorum: Hashable, Sendable {
    package let sets: [ValidatorSet]

    package init(_ sets: [ValidatorSet]) { self.sets = sets }

    package func validator(_ key: KeyID) -> ValidatorsRecord.Validator? {
        for set in sets { if let validator = set.validator(key) { return validator } }
        return nil
    }

    /// Whether these keys, each once, are a quorum of every set.
    package func isReached(by keys: [KeyID]) -> Bool {
        sets.allSatisfy { set in keys.count { set.validator($0) != nil } >= set.quorum }
    }
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
        hash blockHash: Digest, quorum: Quorum, verifier: SignatureVerifier
    ) throws(Failure) {
        var seen: [KeyID] = []
        for attestation in attestations {
            guard attestation.kind == kind else { throw .wrongKind }
            guard attestation.concerns(header, hash: blockHash) else { throw .otherBlock }
            guard let validator = quorum.validator(attestation.key) else { throw .unknownValidator }
            guard !seen.contains(attestation.key) else { throw .repeatedValidator }
            seen.append(attestation.key)
            let payload = kind == .vote ? blockHash : header.logRoot
            guard
                attestation.isSigned(by: validator.votingKey.array, payload: payload, verifier: verifier)
            else { throw .badSignature }
        }
        guard quorum.isReached(by: seen) else { throw .noQuorum }
        (self.kind, self.attestations) = (kind, attestations)
    }
}

import Codec

/// What an epoch block holds: the validators and the engine of the epoch, and the stops that it follows from.
///
/// A COSE_Sign1 by the proposer's voting key, with the protected header `{1: -8, 4: kid, "mw": ["epoch",
/// chain, epoch]}` and the payload `[parent block, validators, engine, [stop, …], [attestation, …]]`. The
/// validators are `[[member, voting key], …]`; the attestations are a certificate of votes or of commits over
/// the parent, empty where that is genesis. Its bytes are the content of the epoch block.
package struct EpochProposal: Hashable, Sendable {
    /// The signed message, as received.
    package let bytes: [UInt8]
    package let key: KeyID
    package let chain: ChainID
    package let epoch: Epoch
    /// The highest lock among the stops.
    package let parent: Digest
    /// In force from this block on, sorted by member.
    package let validators: [ValidatorsRecord.Validator]
    /// One of the ledger's engines; `embedded:` names its host.
    package let engine: String
    package let stops: [Stop]
    /// That the parent is certified.
    package let lock: [Attestation]
    private let message: COSESign1

    /// The longest, in bytes: a hundred validators' stops and signatures fit well.
    package static let maximumSize = 256 << 10

    package static func signed(
        chain: ChainID, epoch: Epoch, parent: Digest, validators: [ValidatorsRecord.Validator],
        engine: String, stops: [Stop], lock: [Attestation], signer: MessageSigner, hash: HashFunction
    ) throws(CodecError) -> EpochProposal {
        var writer = CBORWriter(reservingCapacity: 256 + stops.count * 300 + lock.count * 260)
        writer.array(5)
        writer.digest(parent)
        writer.array(validators.count)
        for validator in validators {
            writer.array(2)
            writer.text(validator.member.text)
            writer.byteString(validator.votingKey.array)
        }
        writer.text(engine)
        writer.array(stops.count)
        for stop in stops { writer.byteString(stop.bytes) }
        writer.array(lock.count)
        for attestation in lock { writer.raw(attestation.message().encoded) }
        let key = KeyID(publicKey: signer.publicKey, hash: hash)
        let message = ValidatorMessage.signed(
            "epoch", chain: chain, epoch: epoch, payload: writer.bytes, key: key, signer: signer)
        return try EpochProposal(decoding: message.encoded)
    }

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a proposal in exactly this form.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= EpochProposal.maximumSize else { throw CodecError(.tooLarge) }
        self.bytes = bytes
        let opened = try ValidatorMessage(decoding: bytes, kind: "epoch")
        (message, key, chain, epoch) = (opened.message, opened.key, opened.chain, opened.epoch)
        var reader = CBORReader(opened.payload)
        try reader.array(of: 5)
        parent = try reader.digest()
        var validators: [ValidatorsRecord.Validator] = []
        for _ in 0..<(try reader.array()) {
            try reader.array(of: 2)
            guard let member = MemberID(try reader.text()) else {
                throw CodecError(.invalidValue, at: reader.offset, "member")
            }
            let votingKey = try reader.byteString()
            guard votingKey.count == 32 else { throw CodecError(.invalidValue, at: reader.offset, "key") }
            validators.append(.init(member: member, votingKey: Bytes(votingKey)))
        }
        guard (1...100).contains(validators.count),
            zip(validators, validators.dropFirst()).allSatisfy({ $0.member < $1.member })
        else { throw CodecError(.outOfRange, at: reader.offset, "validators") }
        self.validators = validators
        engine = try reader.text()
        var stops: [Stop] = []
        for _ in 0..<(try reader.array()) { stops.append(try Stop(decoding: try reader.byteString())) }
        var lock: [Attestation] = []
        for _ in 0..<(try reader.array()) { lock.append(try Attestation(COSESign1(reading: &reader))) }
        try reader.finish()
        (self.stops, self.lock) = (stops, lock)
    }

    package func isSigned(by publicKey: [UInt8], verifier: SignatureVerifier) -> Bool {
        ValidatorMessage.isSigned(message, by: publicKey, verifier: verifier)
    }
}

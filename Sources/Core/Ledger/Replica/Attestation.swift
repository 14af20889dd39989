import Codec

/// What a validator signs of a block.
package enum AttestationKind: String, Sendable {
    /// Executed and stored.
    case vote
    /// Executed and stored, with a certificate of votes. A quorum of commits makes the block final.
    case commit
}

/// A validator's signature over a block, as a COSE_Sign1 with a detached payload.
///
/// Protected header: `{1: -8, 4: kid, "mw": [kind, chain, epoch, height, block hash, log size]}`; a commit's
/// also holds `395: 1` (RFC9162_SHA256), which makes it a COSE receipt (RFC 9942) once an inclusion proof is
/// added. The detached payload of a vote is the block hash, of a commit the log root. The log size, which RFC
/// 9942 leaves unprotected in the proof, is bound here.
package struct Attestation: Hashable, Sendable {
    package let kind: AttestationKind
    package let key: KeyID
    package let chain: ChainID
    package let epoch: Epoch
    package let height: Height
    package let block: Digest
    package let logSize: UInt64
    package let signature: [UInt8]

    package static func sign(
        _ kind: AttestationKind, _ header: BlockHeader, hash blockHash: Digest, signer: MessageSigner,
        hash: HashFunction
    ) -> Attestation {
        let unsigned = Attestation(
            kind: kind, key: KeyID(publicKey: signer.publicKey, hash: hash), chain: header.chain,
            epoch: header.epoch, height: header.height, block: blockHash, logSize: header.logSize,
            signature: [])
        let payload = kind == .vote ? blockHash : header.logRoot
        let signature = signer(
            COSESign1.toBeSigned(protected: unsigned.protected, payload: payload.bytes))
        return unsigned.signed(signature)
    }

    private func signed(_ signature: [UInt8]) -> Attestation {
        Attestation(
            kind: kind, key: key, chain: chain, epoch: epoch, height: height, block: block, logSize: logSize,
            signature: signature)
    }

    /// The protected header as encoded.
    package var protected: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 160)
        writer.map(kind == .vote ? 3 : 4)
        writer.unsigned(1)
        writer.integer(-8)
        writer.unsigned(4)
        writer.digest(key.digest)
        if kind == .commit {
            writer.unsigned(395)
            writer.unsigned(1)
        }
        writer.text("mw")
        writer.array(6)
        writer.text(kind.rawValue)
        writer.digest(chain)
        writer.unsigned(epoch)
        writer.unsigned(height)
        writer.digest(block)
        writer.unsigned(logSize)
        return writer.bytes
    }

    /// The signed message; its payload is detached.
    package func message(unprotected: [UInt8] = COSESign1.emptyMap) -> COSESign1 {
        COSESign1(protected: protected, unprotected: unprotected, payload: nil, signature: signature)
    }

    /// - Throws: `cbor.*` or `cose.*` for a message that is not an attestation in exactly this form.
    package init(_ message: COSESign1) throws(CodecError) {
        guard message.payload == nil, message.signature.count == 64 else {
            throw CodecError(.malformedCOSE, at: 0, "an attestation's payload is detached")
        }
        var reader = CBORReader(message.protected)
        let count = try reader.map()
        guard count == 3 || count == 4, try reader.unsigned() == 1, try reader.integer() == -8,
            try reader.unsigned() == 4
        else { throw CodecError(.malformedCOSE, at: 0, "attestation header") }
        key = KeyID(try reader.digest())
        if count == 4 { for _ in 0..<2 { _ = try reader.unsigned() } }
        guard try reader.text() == "mw" else { throw CodecError(.malformedCOSE, at: reader.offset) }
        try reader.array(of: 6)
        guard let kind = AttestationKind(rawValue: try reader.text()) else {
            throw CodecError(.invalidValue, at: reader.offset, "kind")
        }
        self.kind = kind
        chain = try reader.digest()
        epoch = try reader.unsigned()
        height = try reader.unsigned()
        block = try reader.digest()
        logSize = try reader.unsigned()
        try reader.finish()
        signature = message.signature
        guard protected == message.protected else {
            throw CodecError(.malformedCOSE, at: 0, "attestation header")
        }
    }

    init(
        kind: AttestationKind, key: KeyID, chain: ChainID, epoch: Epoch, height: Height, block: Digest,
        logSize: UInt64, signature: [UInt8]
    ) {
        (self.kind, self.key, self.chain, self.epoch) = (kind, key, chain, epoch)
        (self.height, self.block, self.logSize, self.signature) = (height, block, logSize, signature)
    }

    /// Whether the signature is that of a key over this header and payload.
    package func isSigned(by publicKey: [UInt8], payload: Digest, verifier: SignatureVerifier) -> Bool {
        verifier(
            publicKey: publicKey, signature: signature,
            message: COSESign1.toBeSigned(protected: protected, payload: payload.bytes))
    }

    /// Whether it is about this block.
    package func concerns(_ header: BlockHeader, hash: Digest) -> Bool {
        chain == header.chain && epoch == header.epoch && height == header.height && block == hash
            && logSize == header.logSize
    }
}

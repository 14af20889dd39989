import Codec

/// What a member says: the payload of a transaction.
///
/// Its CBOR form is the map `{1: chain, 2: expires, 3: nonce, 4: contract, 5: {action: body}}`.
package struct TransactionPayload: Hashable, Sendable {
    package var chain: ChainID
    /// Consensus time from which the transaction is no longer taken; at most 24 h ahead.
    package var expires: Timestamp
    /// Makes otherwise equal transactions differ; 8 to 32 bytes.
    package var nonce: [UInt8]
    package var contract: String
    package var action: String
    /// The one-entry map `{action: body}` as encoded.
    package var encodedAction: [UInt8]

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: encodedAction.count + 96)
        writer.map(5)
        writer.unsigned(1)
        writer.digest(chain)
        writer.unsigned(2)
        writer.unsigned(UInt64(expires.nanoseconds))
        writer.unsigned(3)
        writer.byteString(nonce)
        writer.unsigned(4)
        writer.text(contract)
        writer.unsigned(5)
        writer.raw(encodedAction)
        return writer.bytes
    }

    /// - Throws: `cbor.*` for bytes that are not deterministic CBOR, or for an action that has no CBOR form.
    package init<C: Contract>(
        chain: ChainID, expires: Timestamp, nonce: [UInt8], contract: C.Type, action: C.Action
    ) throws(CodecError) {
        (self.chain, self.expires, self.nonce, self.contract) = (chain, expires, nonce, C.name)
        encodedAction = try CBOR.encode(action)
        self.action = try TransactionPayload.actionName(encodedAction)
    }

    /// - Parameter reader: of the payload's bytes.
    init(reading reader: consuming CBORReader) throws(CodecError) {
        guard try reader.map() == 5 else { throw CodecError(.invalidValue, at: 0, "payload of five fields") }
        func key(_ number: UInt64) throws(CodecError) {
            let offset = reader.offset
            guard try reader.unsigned() == number else { throw CodecError(.unknownKey, at: offset) }
        }
        try key(1)
        chain = try reader.digest()
        try key(2)
        let nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.outOfRange, at: reader.offset, "expires") }
        expires = Timestamp(nanoseconds: nanoseconds)
        try key(3)
        nonce = try reader.byteString()
        guard (8...32).contains(nonce.count) else {
            throw CodecError(.invalidValue, at: reader.offset, "nonce of 8 to 32 bytes")
        }
        try key(4)
        contract = try reader.text()
        guard contract.utf8.count <= 64 else { throw CodecError(.tooLarge, at: reader.offset, "contract") }
        try key(5)
        encodedAction = Array(try reader.item())
        action = try TransactionPayload.actionName(encodedAction)
        try reader.finish()
    }

    private static func actionName(_ encoded: [UInt8]) throws(CodecError) -> String {
        var reader = CBORReader(encoded)
        guard try reader.map() == 1 else { throw CodecError(.invalidValue, at: 0, "one action") }
        let name = try reader.text()
        guard name.utf8.count <= 64 else { throw CodecError(.tooLarge, at: reader.offset, "action") }
        return name
    }
}

/// A transaction as its signer made it. One object, because it passes through many hands: a copy is a
/// reference and not one for each of its parts.
package final class SignedTransaction: Sendable {
    /// The whole COSE_Sign1 message, as received.
    package let bytes: [UInt8]
    package let id: TransactionID
    package let key: KeyID
    package let payload: TransactionPayload

    init(bytes: [UInt8], id: TransactionID, key: KeyID, payload: TransactionPayload) {
        (self.bytes, self.id, self.key, self.payload) = (bytes, id, key, payload)
    }
}

/// A transaction as it came from outside: well formed, its signature not yet verified.
package struct UnverifiedTransaction: Sendable {
    package let transaction: SignedTransaction
    let toBeSigned: [UInt8]
    let signature: [UInt8]

    package var bytes: [UInt8] { transaction.bytes }
    package var id: TransactionID { transaction.id }
    package var key: KeyID { transaction.key }
    package var payload: TransactionPayload { transaction.payload }

    /// The largest transaction, in bytes.
    package static let maximumSize = 65_536

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a transaction.
    package init(decoding bytes: [UInt8], hash: HashFunction) throws(CodecError) {
        guard bytes.count <= UnverifiedTransaction.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        let places = try COSESign1.Places(reading: &reader)
        try reader.finish()
        guard bytes[places.unprotected].elementsEqual(COSESign1.emptyMap), let content = places.payload else {
            throw CodecError(.malformedCOSE, at: 0, "a transaction has a payload and no unprotected header")
        }
        guard places.signature.count == 64 else { throw CodecError(.malformedCOSE, at: 0, "signature") }
        let key = try SigningHeader.edDSAKey(reading: CBORReader(places.protected, of: bytes))
        let payload = try TransactionPayload(reading: CBORReader(content, of: bytes))
        toBeSigned = COSESign1.toBeSigned(protected: bytes[places.protected], payload: bytes[content])
        signature = Array(bytes[places.signature])
        transaction = SignedTransaction(bytes: bytes, id: hash(toBeSigned), key: key, payload: payload)
    }
}

/// A transaction whose signature verifies under the key that its `kid` names. Whether that key may sign is
/// the ledger's question, at the transaction's place in the order.
package struct VerifiedTransaction: Sendable {
    package let transaction: SignedTransaction
    /// The key's record in the final state of a height, so that execution need not read it again where the
    /// key has not changed since.
    let known: (key: KnownKey, height: Height)?

    /// Nil where the key is not the one named, or the signature is not its.
    package init?(
        _ unverified: UnverifiedTransaction, publicKey: [UInt8], verifier: SignatureVerifier,
        hash: HashFunction
    ) {
        guard KeyID(publicKey: publicKey, hash: hash) == unverified.key,
            verifier(
                publicKey: publicKey, signature: unverified.signature, message: unverified.toBeSigned)
        else { return nil }
        (transaction, known) = (unverified.transaction, nil)
    }

    /// - Parameter height: of the final state that the record was read in; nil where that is not known.
    package init?(
        _ unverified: UnverifiedTransaction, _ key: KnownKey, at height: Height?,
        verifier: SignatureVerifier
    ) {
        guard key.record.id == unverified.key,
            verifier(
                publicKey: key.record.publicKey.array, signature: unverified.signature,
                message: unverified.toBeSigned)
        else { return nil }
        (transaction, known) = (unverified.transaction, height.map { (key, $0) })
    }
}

/// Signing as the core sees it: the edge holds the secret key.
package struct MessageSigner: Sendable {
    /// Ed25519, 32 bytes.
    package let publicKey: [UInt8]
    private let body: @Sendable ([UInt8]) -> [UInt8]

    package init(publicKey: [UInt8], sign: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        (self.publicKey, body) = (publicKey, sign)
    }

    /// The 64-byte signature over a message.
    package func callAsFunction(_ message: [UInt8]) -> [UInt8] { body(message) }

    /// The signed transaction's bytes.
    package func sign(_ payload: TransactionPayload, hash: HashFunction) -> [UInt8] {
        let protected = SigningHeader.edDSA(key: KeyID(publicKey: publicKey, hash: hash))
        let content = payload.encoded
        let signature = self(COSESign1.toBeSigned(protected: protected, payload: content))
        return COSESign1(protected: protected, payload: content, signature: signature).encoded
    }
}

/// The protected header of what members and devices sign.
package enum SigningHeader {
    /// `{1: -8, 4: kid}`, the only form that a transaction or a telemetry message may have.
    package static func edDSA(key: KeyID) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: 40)
        writer.map(2)
        writer.unsigned(1)
        writer.integer(-8)
        writer.unsigned(4)
        writer.digest(key.digest)
        return writer.bytes
    }

    /// The key named by such a header.
    /// - Throws: `cose.unsupported_algorithm`, `cose.malformed`, `cbor.*`.
    package static func edDSAKey(_ protected: [UInt8]) throws(CodecError) -> KeyID {
        try edDSAKey(reading: CBORReader(protected))
    }

    /// - Parameter reader: of the header's bytes.
    static func edDSAKey(reading reader: consuming CBORReader) throws(CodecError) -> KeyID {
        guard try reader.map() == 2, try reader.unsigned() == 1 else {
            throw CodecError(.malformedCOSE, at: 0, "protected header {alg, kid}")
        }
        guard try reader.integer() == -8 else {
            throw CodecError(.unsupportedAlgorithm, at: 0, "only EdDSA (-8) with Ed25519 keys is used here")
        }
        guard try reader.unsigned() == 4 else {
            throw CodecError(.malformedCOSE, at: 0, "protected header {alg, kid}")
        }
        let key = KeyID(try reader.digest())
        try reader.finish()
        return key
    }
}

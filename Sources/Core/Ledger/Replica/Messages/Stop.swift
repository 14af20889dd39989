import Codec

/// A validator's word that it signs nothing below an epoch any more, with what it is bound to and its clock.
///
/// A COSE_Sign1 whose protected header is `{1: -8, 4: kid, "mw": ["stop", chain, epoch]}` and whose payload
/// is `[lock epoch, lock height, lock block, clock, wish]`; the wish is the engine that the sender would go
/// on with, or null. Once a validator has made one for an epoch it sends the same bytes again.
package struct Stop: Hashable, Sendable {
    /// The signed message, as received.
    package let bytes: [UInt8]
    package let key: KeyID
    package let chain: ChainID
    /// The epoch that the sender is ready for.
    package let epoch: Epoch
    /// The highest block that the sender knows to be certified; genesis at the least.
    package let lock: VoteRecord.Point
    package let clock: Timestamp
    package let wish: String?
    private let message: COSESign1

    package static func signed(
        chain: ChainID, epoch: Epoch, lock: VoteRecord.Point, clock: Timestamp, wish: String?,
        signer: MessageSigner, hash: HashFunction
    ) -> Stop {
        var writer = CBORWriter(reservingCapacity: 64)
        writer.array(5)
        writer.unsigned(lock.epoch)
        writer.unsigned(lock.height)
        writer.digest(lock.block)
        writer.unsigned(UInt64(clock.nanoseconds))
        if let wish { writer.text(wish) } else { writer.null() }
        let key = KeyID(publicKey: signer.publicKey, hash: hash)
        let message = ValidatorMessage.signed(
            "stop", chain: chain, epoch: epoch, payload: writer.bytes, key: key, signer: signer)
        return Stop(
            bytes: message.encoded, key: key, chain: chain, epoch: epoch, lock: lock, clock: clock,
            wish: wish, message: message)
    }

    private init(
        bytes: [UInt8], key: KeyID, chain: ChainID, epoch: Epoch, lock: VoteRecord.Point, clock: Timestamp,
        wish: String?, message: COSESign1
    ) {
        (self.bytes, self.key, self.chain, self.epoch) = (bytes, key, chain, epoch)
        (self.lock, self.clock, self.wish, self.message) = (lock, clock, wish, message)
    }

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a stop in exactly this form.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= 1024 else { throw CodecError(.tooLarge) }
        self.bytes = bytes
        let opened = try ValidatorMessage(decoding: bytes, kind: "stop")
        (message, key, chain, epoch) = (opened.message, opened.key, opened.chain, opened.epoch)
        var reader = CBORReader(opened.payload)
        try reader.array(of: 5)
        lock = VoteRecord.Point(
            epoch: try reader.unsigned(), height: try reader.unsigned(), block: try reader.digest())
        let nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.outOfRange, at: reader.offset, "clock") }
        clock = Timestamp(nanoseconds: nanoseconds)
        wish = try reader.textOrNull()
        try reader.finish()
        guard lock.epoch < epoch else { throw CodecError(.outOfRange, at: 0, "a lock of a later epoch") }
    }

    package func isSigned(by publicKey: [UInt8], verifier: SignatureVerifier) -> Bool {
        ValidatorMessage.isSigned(message, by: publicKey, verifier: verifier)
    }

    /// Whether the lock is below a commit that the same validator made in an earlier epoch: whoever commits
    /// has that block or a higher one as its lock.
    func hides(_ commit: Attestation) -> Bool {
        commit.kind == .commit && commit.epoch < epoch
            && (lock.epoch, lock.height) < (commit.epoch, commit.height)
    }
}

/// A validator's hint that the engine of an epoch does not get on.
///
/// A COSE_Sign1 as `Stop`, of the kind `suspect`, whose payload is `[wish]`.
package struct Suspicion: Hashable, Sendable {
    package let bytes: [UInt8]
    package let key: KeyID
    package let chain: ChainID
    /// The epoch whose engine is suspected.
    package let epoch: Epoch
    package let wish: String?
    private let message: COSESign1

    package static func signed(
        chain: ChainID, epoch: Epoch, wish: String?, signer: MessageSigner, hash: HashFunction
    ) -> Suspicion {
        var writer = CBORWriter(reservingCapacity: 64)
        writer.array(1)
        if let wish { writer.text(wish) } else { writer.null() }
        let key = KeyID(publicKey: signer.publicKey, hash: hash)
        let message = ValidatorMessage.signed(
            "suspect", chain: chain, epoch: epoch, payload: writer.bytes, key: key, signer: signer)
        return Suspicion(
            bytes: message.encoded, key: key, chain: chain, epoch: epoch, wish: wish, message: message)
    }

    private init(
        bytes: [UInt8], key: KeyID, chain: ChainID, epoch: Epoch, wish: String?, message: COSESign1
    ) {
        (self.bytes, self.key, self.chain, self.epoch) = (bytes, key, chain, epoch)
        (self.wish, self.message) = (wish, message)
    }

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a suspicion in exactly this form.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= 1024 else { throw CodecError(.tooLarge) }
        self.bytes = bytes
        let opened = try ValidatorMessage(decoding: bytes, kind: "suspect")
        (message, key, chain, epoch) = (opened.message, opened.key, opened.chain, opened.epoch)
        var reader = CBORReader(opened.payload)
        try reader.array(of: 1)
        wish = try reader.textOrNull()
        try reader.finish()
    }

    package func isSigned(by publicKey: [UInt8], verifier: SignatureVerifier) -> Bool {
        ValidatorMessage.isSigned(message, by: publicKey, verifier: verifier)
    }
}

/// The envelope of what a validator says about an epoch: a COSE_Sign1 with its payload inside and the
/// protected header `{1: -8, 4: kid, "mw": [kind, chain, epoch]}`.
struct ValidatorMessage {
    let message: COSESign1
    let payload: [UInt8]
    let key: KeyID
    let chain: ChainID
    let epoch: Epoch

    static func signed(
        _ kind: String, chain: ChainID, epoch: Epoch, payload: [UInt8], key: KeyID, signer: MessageSigner
    ) -> COSESign1 {
        let protected = header(kind, chain: chain, epoch: epoch, key: key)
        let signature = signer(COSESign1.toBeSigned(protected: protected, payload: payload))
        return COSESign1(protected: protected, payload: payload, signature: signature)
    }

    private static func header(_ kind: String, chain: ChainID, epoch: Epoch, key: KeyID) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: 100)
        writer.map(3)
        writer.unsigned(1)
        writer.integer(-8)
        writer.unsigned(4)
        writer.digest(key.digest)
        writer.text("mw")
        writer.array(3)
        writer.text(kind)
        writer.digest(chain)
        writer.unsigned(epoch)
        return writer.bytes
    }

    init(decoding bytes: [UInt8], kind: String) throws(CodecError) {
        message = try COSESign1(decoding: bytes)
        guard message.unprotected == COSESign1.emptyMap, let payload = message.payload,
            message.signature.count == 64
        else { throw CodecError(.malformedCOSE, at: 0, "\(kind): payload or header") }
        self.payload = payload
        var reader = CBORReader(message.protected)
        guard try reader.map() == 3, try reader.unsigned() == 1, try reader.integer() == -8,
            try reader.unsigned() == 4
        else { throw CodecError(.malformedCOSE, at: 0, "\(kind) header") }
        key = KeyID(try reader.digest())
        guard try reader.text() == "mw" else { throw CodecError(.malformedCOSE, at: reader.offset) }
        try reader.array(of: 3)
        guard try reader.text() == kind else { throw CodecError(.invalidValue, at: reader.offset, "kind") }
        chain = try reader.digest()
        epoch = try reader.unsigned()
        try reader.finish()
        guard message.protected == ValidatorMessage.header(kind, chain: chain, epoch: epoch, key: key) else {
            throw CodecError(.malformedCOSE, at: 0, "\(kind) header")
        }
    }

    static func isSigned(
        _ message: COSESign1, by publicKey: [UInt8], verifier: SignatureVerifier
    ) -> Bool {
        verifier(
            publicKey: publicKey, signature: message.signature,
            message: COSESign1.toBeSigned(protected: message.protected, payload: message.payload ?? []))
    }
}

extension CBORReader {
    mutating func textOrNull() throws(CodecError) -> String? {
        guard isNull else { return try text() }
        try null()
        return nil
    }
}

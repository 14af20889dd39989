import Codec

/// What a validator hands to the engine: transactions and its clock, signed with its voting key.
///
/// An array of two: a COSE_Sign1 whose protected header is `{1: -8, 4: kid, "mw": ["batch", chain]}` and
/// whose payload is `[epoch block hash, clock, SHA-256 of the second item]`, and the list of the
/// transactions. What is signed is short: a signature reads what it covers three times, with a slower hash.
package struct Batch: Sendable {
    /// Both items, as received.
    package let bytes: [UInt8]
    package let key: KeyID
    package let epochBlock: Digest
    /// The sender's clock.
    package let clock: Timestamp
    package let transactions: Transactions
    private let message: COSESign1
    /// Of the second item, as the message says.
    private let digest: Digest
    /// Where the second item begins.
    private let start: Int

    /// The transactions of a batch, each copied out of its bytes when it is asked for.
    package struct Transactions: RandomAccessCollection, Sendable {
        fileprivate let bytes: [UInt8]
        fileprivate let places: [Range<Int>]

        package var startIndex: Int { 0 }
        package var endIndex: Int { places.count }
        package subscript(index: Int) -> [UInt8] { Array(bytes[places[index]]) }
    }

    /// The largest batch, in bytes, and the most transactions in one.
    package static let maximumSize = 4 << 20
    package static let maximumCount = 4096

    package static func signed(
        chain: ChainID, epochBlock: Digest, clock: Timestamp, transactions: [[UInt8]], signer: MessageSigner,
        hash: HashFunction
    ) -> [UInt8] {
        var list = CBORWriter(reservingCapacity: transactions.reduce(8) { $0 + $1.count + 5 })
        list.array(transactions.count)
        for transaction in transactions { list.byteString(transaction) }
        var content = CBORWriter(reservingCapacity: 96)
        content.array(3)
        content.digest(epochBlock)
        content.unsigned(UInt64(clock.nanoseconds))
        content.digest(hash(list.bytes))
        let protected = header(key: KeyID(publicKey: signer.publicKey, hash: hash), chain: chain)
        let signature = signer(COSESign1.toBeSigned(protected: protected, payload: content.bytes))
        let message = COSESign1(protected: protected, payload: content.bytes, signature: signature).encoded
        var writer = CBORWriter(reservingCapacity: message.count + list.bytes.count + 1)
        writer.array(2)
        writer.raw(message)
        writer.raw(list.bytes)
        return writer.bytes
    }

    private static func header(key: KeyID, chain: ChainID) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: 90)
        writer.map(3)
        writer.unsigned(1)
        writer.integer(-8)
        writer.unsigned(4)
        writer.digest(key.digest)
        writer.text("mw")
        writer.array(2)
        writer.text("batch")
        writer.digest(chain)
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` for bytes that are not a batch of this chain.
    package init(decoding bytes: [UInt8], chain: ChainID) throws(CodecError) {
        guard bytes.count <= Batch.maximumSize else { throw CodecError(.tooLarge) }
        self.bytes = bytes
        var items = CBORReader(bytes)
        try items.array(of: 2)
        message = try COSESign1(reading: &items)
        guard message.unprotected == COSESign1.emptyMap, let payload = message.payload else {
            throw CodecError(.malformedCOSE, at: 0, "a batch has a payload and no unprotected header")
        }
        var header = CBORReader(message.protected)
        guard try header.map() == 3, try header.unsigned() == 1, try header.integer() == -8,
            try header.unsigned() == 4
        else { throw CodecError(.malformedCOSE, at: 0, "batch header") }
        key = KeyID(try header.digest())
        guard message.protected == Batch.header(key: key, chain: chain) else {
            throw CodecError(.malformedCOSE, at: 0, "batch header of another ledger")
        }
        var reader = CBORReader(payload)
        try reader.array(of: 3)
        epochBlock = try reader.digest()
        let nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.outOfRange, at: reader.offset, "clock") }
        clock = Timestamp(nanoseconds: nanoseconds)
        digest = try reader.digest()
        try reader.finish()
        start = items.offset
        let count = try items.array()
        guard count <= Batch.maximumCount else { throw CodecError(.tooLarge, at: items.offset) }
        var places: [Range<Int>] = []
        places.reserveCapacity(count)
        for _ in 0..<count { places.append(try items.byteStringPlace()) }
        try items.finish()
        transactions = Transactions(bytes: bytes, places: places)
    }

    /// Whether the signature is that of a voting key, and over these transactions.
    /// - Parameter isOwn: whether this node has made these bytes, and so need not hash the list again.
    package func isSigned(
        by votingKey: [UInt8], isOwn: Bool = false, verifier: SignatureVerifier, hash: HashFunction
    ) -> Bool {
        KeyID(publicKey: votingKey, hash: hash) == key
            && (isOwn
                || bytes.withUnsafeBytes { hash(UnsafeRawBufferPointer(rebasing: $0[start...])) } == digest)
            && verifier(
                publicKey: votingKey, signature: message.signature,
                message: COSESign1.toBeSigned(protected: message.protected, payload: message.payload ?? []))
    }
}

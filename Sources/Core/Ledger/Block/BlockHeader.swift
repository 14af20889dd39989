import Codec

/// What a block commits to. Its hash, SHA-256 of the encoding, is the block's name.
///
/// CBOR array of 13: "millwright-block", kind, chain, epoch, height, previous hash, time, position, content
/// digest, log size, log root, state root, contracts version.
package struct BlockHeader: Hashable, Sendable {
    /// What a block holds.
    package enum Kind: UInt64, Sendable {
        /// An epoch's first block: validators and engine, no transactions. Genesis is epoch 0's.
        case epoch = 0
        /// One ordered batch of transactions.
        case batch = 1
    }

    package var kind: Kind
    package var chain: ChainID
    package var epoch: Epoch
    package var height: Height
    package var previous: Digest
    /// Consensus time. It never falls.
    package var time: Timestamp
    /// The engine's position of the batch.
    package var position: UInt64
    /// SHA-256 of the batch's or epoch record's bytes; for genesis the chain id.
    package var content: Digest
    /// Leaves in the log tree after this block, and its root.
    package var logSize: UInt64
    package var logRoot: Digest
    package var stateRoot: Digest
    package var contractsVersion: UInt64

    static let label = "millwright-block"

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 280)
        writer.array(13)
        writer.text(BlockHeader.label)
        writer.unsigned(kind.rawValue)
        writer.digest(chain)
        writer.unsigned(epoch)
        writer.unsigned(height)
        writer.digest(previous)
        writer.unsigned(UInt64(time.nanoseconds))
        writer.unsigned(position)
        writer.digest(content)
        writer.unsigned(logSize)
        writer.digest(logRoot)
        writer.digest(stateRoot)
        writer.unsigned(contractsVersion)
        return writer.bytes
    }

    package func hashed(_ hash: HashFunction) -> Digest { hash(encoded) }

    /// - Throws: `cbor.*` where the bytes are not a header.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 13)
        guard try reader.text() == BlockHeader.label, let kind = Kind(rawValue: try reader.unsigned()) else {
            throw CodecError(.invalidValue, at: reader.offset, "block header")
        }
        self.kind = kind
        chain = try reader.digest()
        epoch = try reader.unsigned()
        height = try reader.unsigned()
        previous = try reader.digest()
        let nanoseconds = try reader.integer()
        guard nanoseconds >= 0 else { throw CodecError(.outOfRange, at: reader.offset, "time") }
        time = Timestamp(nanoseconds: nanoseconds)
        position = try reader.unsigned()
        content = try reader.digest()
        logSize = try reader.unsigned()
        logRoot = try reader.digest()
        stateRoot = try reader.digest()
        contractsVersion = try reader.unsigned()
        try reader.finish()
    }

    init(
        kind: Kind, chain: ChainID, epoch: Epoch, height: Height, previous: Digest, time: Timestamp,
        position: UInt64, content: Digest, logSize: UInt64, logRoot: Digest, stateRoot: Digest,
        contractsVersion: UInt64
    ) {
        (self.kind, self.chain, self.epoch, self.height) = (kind, chain, epoch, height)
        (self.previous, self.time, self.position, self.content) = (previous, time, position, content)
        (self.logSize, self.logRoot, self.stateRoot) = (logSize, logRoot, stateRoot)
        self.contractsVersion = contractsVersion
    }
}

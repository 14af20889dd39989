import Codec

/// What a replica has written to its log.
package enum LogItem: Hashable, Sendable {
    /// A block of the chain that the replica is on. One at a height that the log holds replaces it and those
    /// above.
    case block(BlockRecord)
    /// Signatures over the block at a height that came after it.
    case certificate(BlockCertificate)
    /// What the replica has promised, where no block comes with it.
    case votes(VoteState)
}

/// Signatures over a block, kept beside it: CBOR `[height, block, [* vote], [* commit], vote record]`.
package struct BlockCertificate: Hashable, Sendable {
    package var height: Height
    package var block: Digest
    package var votes: [Attestation]
    package var commits: [Attestation]
    package var voteRecord: VoteRecord

    package init(
        height: Height, block: Digest, votes: [Attestation], commits: [Attestation], voteRecord: VoteRecord
    ) {
        (self.height, self.block, self.votes, self.commits) = (height, block, votes, commits)
        self.voteRecord = voteRecord
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 256 + (votes.count + commits.count) * 260)
        writer.array(5)
        writer.unsigned(height)
        writer.digest(block)
        for attestations in [votes, commits] {
            writer.array(attestations.count)
            for attestation in attestations { writer.raw(attestation.message().encoded) }
        }
        voteRecord.write(to: &writer)
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` where the bytes are not a certificate record.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 5)
        height = try reader.unsigned()
        block = try reader.digest()
        votes = try Attestation.list(&reader)
        commits = try Attestation.list(&reader)
        voteRecord = try VoteRecord(reading: &reader)
        try reader.finish()
    }
}

/// A validator's vote record with the stops that it has sent for the promised epoch: CBOR
/// `[vote record, [* stop]]`.
package struct VoteState: Hashable, Sendable {
    package var record: VoteRecord
    package var stops: [Stop]

    package init(record: VoteRecord, stops: [Stop]) { (self.record, self.stops) = (record, stops) }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 512)
        writer.array(2)
        record.write(to: &writer)
        writer.array(stops.count)
        for stop in stops { writer.byteString(stop.bytes) }
        return writer.bytes
    }

    /// - Throws: `cbor.*` or `cose.*` where the bytes are not a voting state.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 2)
        record = try VoteRecord(reading: &reader)
        stops = []
        for _ in 0..<(try reader.array()) { stops.append(try Stop(decoding: try reader.byteString())) }
        try reader.finish()
    }
}

extension Attestation {
    /// Reads a list of signatures.
    static func list(_ reader: inout CBORReader) throws(CodecError) -> [Attestation] {
        var attestations: [Attestation] = []
        for _ in 0..<(try reader.array()) {
            attestations.append(try Attestation(COSESign1(reading: &reader)))
        }
        return attestations
    }
}

extension [Replica.Effect] {
    /// The blocks to be stored, in order.
    package var storedBlocks: [BlockRecord] {
        flatMap { effect -> [BlockRecord] in
            guard case .store(let items) = effect else { return [] }
            return items.compactMap { if case .block(let record) = $0 { record } else { nil } }
        }
    }
}

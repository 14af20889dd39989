import Codec

/// A block as the log keeps it: everything needed to serve, check and restore it.
///
/// CBOR array of 8: header, content (the batch or genesis as received), outcomes `[[index, outcome], …]`,
/// after-images `[[row key, value or null], …]`, history `[[position, row key, previous height, previous
/// position] or [position, row key], …]`, votes, commits, vote record. The two certificates are lists of
/// COSE_Sign1 messages.
package struct BlockRecord: Hashable, Sendable {
    package var header: BlockHeader
    package var content: [UInt8]
    package var outcomes: [Entry]
    package var changes: [RowChange]
    package var history: [HistoryEntry]
    package var votes: [Attestation]
    package var commits: [Attestation]
    package var voteRecord: VoteRecord

    /// The outcome of the transaction at a place in the batch.
    package struct Entry: Hashable, Sendable {
        package let index: Int
        package let outcome: Outcome
    }

    package init(
        _ block: ExecutedBlock, votes: [Attestation], commits: [Attestation], voteRecord: VoteRecord
    ) {
        (header, content) = (block.header, block.content)
        outcomes = Entry.list(block) ?? []
        (changes, history) = (block.changes, block.history)
        (self.votes, self.commits, self.voteRecord) = (votes, commits, voteRecord)
    }

    /// The block's leaves, in order. The content must be a batch of this chain; genesis has none.
    /// - Throws: `cbor.*` or `cose.*` where the content or an outcome's index is damaged.
    package func leaves() throws(CodecError) -> [Leaf] {
        guard header.kind == .batch else { return [] }
        let batch = try Batch(decoding: content, chain: header.chain)
        var leaves: [Leaf] = []
        for entry in outcomes {
            guard batch.transactions.indices.contains(entry.index) else { throw CodecError(.outOfRange) }
            leaves.append(
                Leaf(
                    height: header.height, time: header.time, transaction: batch.transactions[entry.index],
                    outcome: entry.outcome))
        }
        return leaves
    }

    package var encoded: [UInt8] {
        let rows = changes.reduce(0) { $0 + $1.key.bytes.count + ($1.value?.count ?? 0) + 8 }
        let steps = history.reduce(0) { $0 + $1.key.bytes.count + 20 }
        var writer = CBORWriter(reservingCapacity: content.count + rows + steps + outcomes.count * 4 + 1024)
        writer.array(8)
        writer.byteString(header.encoded)
        writer.byteString(content)
        writer.array(outcomes.count)
        for entry in outcomes {
            writer.array(2)
            writer.unsigned(UInt64(entry.index))
            entry.outcome.write(to: &writer)
        }
        writer.array(changes.count)
        for change in changes {
            writer.array(2)
            writer.byteString(change.key.bytes)
            if let value = change.value { writer.byteString(value) } else { writer.null() }
        }
        writer.array(history.count)
        for entry in history {
            writer.array(entry.previous == nil ? 2 : 4)
            writer.unsigned(UInt64(entry.change.position))
            writer.byteString(entry.key.bytes)
            if let previous = entry.previous {
                writer.unsigned(previous.height)
                writer.unsigned(UInt64(previous.position))
            }
        }
        for attestations in [votes, commits] {
            writer.array(attestations.count)
            for attestation in attestations { writer.raw(attestation.message().encoded) }
        }
        voteRecord.write(to: &writer)
        return writer.bytes
    }

    /// The header alone, without decoding the rest.
    /// - Throws: `cbor.*` where the bytes do not begin as a block record does.
    package static func header(of bytes: [UInt8]) throws(CodecError) -> BlockHeader {
        var reader = CBORReader(bytes)
        try reader.array(of: 8)
        return try BlockHeader(decoding: try reader.byteString())
    }

    /// - Throws: `cbor.*` or `cose.*` where the bytes are not a block record.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = CBORReader(bytes)
        try reader.array(of: 8)
        header = try BlockHeader(decoding: try reader.byteString())
        content = try reader.byteString()
        outcomes = []
        for _ in 0..<(try reader.array()) {
            try reader.array(of: 2)
            guard let index = Int(exactly: try reader.unsigned()) else {
                throw CodecError(.outOfRange, at: reader.offset)
            }
            outcomes.append(Entry(index: index, outcome: try Outcome(reading: &reader)))
        }
        changes = []
        for _ in 0..<(try reader.array()) { changes.append(try BlockRecord.change(&reader)) }
        history = []
        for _ in 0..<(try reader.array()) {
            history.append(try BlockRecord.historyEntry(&reader, height: header.height))
        }
        votes = try Attestation.list(&reader)
        commits = try Attestation.list(&reader)
        voteRecord = try VoteRecord(reading: &reader)
        try reader.finish()
    }

    private static func change(_ reader: inout CBORReader) throws(CodecError) -> RowChange {
        try reader.array(of: 2)
        let key = RowKey(bytes: try reader.byteString())
        if reader.isNull {
            try reader.null()
            return RowChange(key: key, value: nil)
        }
        return RowChange(key: key, value: try reader.byteString())
    }

    private static func historyEntry(
        _ reader: inout CBORReader, height: Height
    ) throws(CodecError) -> HistoryEntry {
        let count = try reader.array()
        guard count == 2 || count == 4 else { throw CodecError(.invalidValue, at: reader.offset) }
        func position() throws(CodecError) -> UInt32 {
            guard let position = UInt32(exactly: try reader.unsigned()) else {
                throw CodecError(.outOfRange, at: reader.offset)
            }
            return position
        }
        let change = ChangeReference(height: height, position: try position())
        let key = RowKey(bytes: try reader.byteString())
        guard count == 4 else { return HistoryEntry(change: change, key: key, previous: nil) }
        let previous = ChangeReference(height: try reader.unsigned(), position: try position())
        return HistoryEntry(change: change, key: key, previous: previous)
    }
}

extension BlockRecord.Entry {
    /// The outcomes of an executed block.
    static func list(_ block: ExecutedBlock?) -> [BlockRecord.Entry]? {
        block?.included.map { BlockRecord.Entry(index: $0.index, outcome: $0.outcome) }
    }
}

import Codec
import Ledger
import Merkle

/// What a snapshot of the final state at one block consists of.
///
/// It is only a list of what to fetch. What makes a snapshot true are the block's roots: `SnapshotImport`
/// compares the rows and the peaks with them, whoever wrote the manifest.
///
/// CBOR array of 7: "millwright-snapshot", chain, height, block hash, rows, log frontier, chunks
/// `[* [digest, bytes]]`.
package struct SnapshotManifest: Hashable, Sendable {
    package struct Chunk: Hashable, Sendable {
        package let digest: Digest
        package let byteCount: Int

        package init(digest: Digest, byteCount: Int) { (self.digest, self.byteCount) = (digest, byteCount) }
    }

    package var chain: ChainID
    package var height: Height
    package var block: Digest
    package var rowCount: UInt64
    package var frontier: LogFrontier
    package var chunks: [Chunk]
    /// Of all chunks together.
    package var byteCount: UInt64 { chunks.reduce(0) { $0 + UInt64($1.byteCount) } }

    static let label = "millwright-snapshot"
    /// Bytes of the longest manifest: some 400 000 chunks, 400 GB of rows.
    package static let maximumSize = 16 << 20

    package init(
        chain: ChainID, height: Height, block: Digest, rowCount: UInt64, frontier: LogFrontier,
        chunks: [Chunk]
    ) {
        (self.chain, self.height, self.block) = (chain, height, block)
        (self.rowCount, self.frontier, self.chunks) = (rowCount, frontier, chunks)
    }

    package var encoded: [UInt8] {
        var writer = CBORWriter(reservingCapacity: 2200 + chunks.count * 40)
        writer.array(7)
        writer.text(SnapshotManifest.label)
        writer.digest(chain)
        writer.unsigned(height)
        writer.digest(block)
        writer.unsigned(rowCount)
        frontier.write(to: &writer)
        writer.array(chunks.count)
        for chunk in chunks {
            writer.array(2)
            writer.digest(chunk.digest)
            writer.unsigned(UInt64(chunk.byteCount))
        }
        return writer.bytes
    }

    /// - Throws: `snapshot.malformed_manifest`.
    package init(decoding bytes: [UInt8]) throws(SnapshotError) {
        do throws(CodecError) { try self.init(parsing: bytes) } catch {
            throw .malformedManifest(error.description)
        }
    }

    private init(parsing bytes: [UInt8]) throws(CodecError) {
        guard bytes.count <= SnapshotManifest.maximumSize else { throw CodecError(.tooLarge) }
        var reader = CBORReader(bytes)
        try reader.array(of: 7)
        guard try reader.text() == SnapshotManifest.label else {
            throw CodecError(.invalidValue, at: reader.offset, "snapshot")
        }
        chain = try reader.digest()
        height = try reader.unsigned()
        block = try reader.digest()
        rowCount = try reader.unsigned()
        frontier = try LogFrontier(reading: &reader)
        chunks = []
        for _ in 0..<(try reader.array()) {
            try reader.array(of: 2)
            let digest = try reader.digest()
            let count = try reader.unsigned()
            guard count <= SnapshotChunk.maximumSize else {
                throw CodecError(.tooLarge, at: reader.offset, "chunk")
            }
            chunks.append(Chunk(digest: digest, byteCount: Int(count)))
        }
        try reader.finish()
    }
}

/// Rows in rising order of keys, none of them derived.
///
/// CBOR array of byte strings: key, value, key, value, …
package enum SnapshotChunk {
    /// Bytes of the longest chunk.
    static let maximumSize = 1 << 20
    /// Bytes beside a row's key and value, at most: their two heads.
    private static let rowOverhead = 10
    /// Bytes of the array's head, at most.
    private static let head = 5

    /// Bytes that a row takes, at most.
    static func size(of row: Row) -> Int { row.key.count + row.value.count + rowOverhead }

    /// Whether rows of so many bytes, as `size(of:)` counts them, fit.
    static func holds(_ size: Int) -> Bool { size <= maximumSize - head }

    package static func encode(_ rows: [Row]) -> [UInt8] {
        var writer = CBORWriter(reservingCapacity: rows.reduce(head) { $0 + size(of: $1) })
        writer.array(rows.count * 2)
        for row in rows {
            writer.byteString(row.key)
            writer.byteString(row.value)
        }
        return writer.bytes
    }

    static func rows(decoding bytes: [UInt8]) throws(CodecError) -> [Row] {
        var reader = CBORReader(bytes)
        let count = try reader.array()
        guard count % 2 == 0 else { throw CodecError(.invalidValue, "a key without a value") }
        var rows: [Row] = []
        for _ in 0..<count / 2 {
            rows.append(Row(key: try reader.byteString(), value: try reader.byteString()))
        }
        try reader.finish()
        return rows
    }
}

/// Why bytes are no snapshot of a final state. What a peer sent is then thrown away; the disk is well.
package enum SnapshotError: Error, Hashable, Sendable {
    /// There is no checkpoint yet to take a snapshot of.
    case noCheckpoint
    /// A row that fits into no chunk.
    case rowSize(count: Int)
    case malformedManifest(String)
    case otherLedger
    /// A chunk that is not the one the manifest names: another peer may have it.
    case otherChunk(Int)
    case malformedChunk(Int, String)
    /// Keys that do not rise, over the limit, or of derived rows.
    case wrongKey(chunk: Int)
    /// Chunks or rows that the manifest counts are not there.
    case tooFew(chunks: Int, rows: UInt64)
    /// The manifest is of another block than the one that is to be trusted.
    case otherBlock
    /// The rows are not the state that the block commits to.
    case otherState
    /// The peaks are not the log that the block commits to.
    case otherLog

    /// Stable code.
    package var code: String {
        switch self {
        case .noCheckpoint: "snapshot.no_checkpoint"
        case .rowSize: "snapshot.row_size"
        case .malformedManifest: "snapshot.malformed_manifest"
        case .otherLedger: "snapshot.other_ledger"
        case .otherChunk: "snapshot.other_chunk"
        case .malformedChunk: "snapshot.malformed_chunk"
        case .wrongKey: "snapshot.wrong_key"
        case .tooFew: "snapshot.too_few"
        case .otherBlock: "snapshot.other_block"
        case .otherState: "snapshot.other_state"
        case .otherLog: "snapshot.other_log"
        }
    }
}

extension SnapshotError: CustomStringConvertible {
    package var description: String { "\(code): \(detail)" }

    private var detail: String {
        switch self {
        case .noCheckpoint: "there is no checkpoint yet"
        case .rowSize(let count): "a row of \(count) bytes; a chunk has \(SnapshotChunk.maximumSize)"
        case .malformedManifest(let cause): "the manifest cannot be read: \(cause)"
        case .otherLedger: "the snapshot is of another ledger"
        case .otherChunk(let index): "chunk \(index) is not what the manifest names"
        case .malformedChunk(let index, let cause): "chunk \(index) cannot be read: \(cause)"
        case .wrongKey(let index): "chunk \(index) holds a key that is derived, too long, or out of order"
        case .tooFew(let chunks, let rows): "\(chunks) chunks and \(rows) rows are missing"
        case .otherBlock: "the snapshot is of another block"
        case .otherState: "the rows are not the state of the block"
        case .otherLog: "the peaks are not the log of the block"
        }
    }
}

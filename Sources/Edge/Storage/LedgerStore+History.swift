import Codec
import Ledger
import Merkle

extension LedgerStore {
    /// Rows in one transaction and digests in one write: the checkpoints of a running node wait no longer
    /// than that.
    private static let fillRows = 4_096
    private static let fillDigests = 32_768

    /// Takes in what only older blocks give, from a store that was made of them from genesis on: the leaves
    /// of forgotten ids, the history, the log tree's digests. Readers see it from then on; the blocks follow
    /// with `BlockLog.takeHistory`.
    ///
    /// For one thread, while the store is in use. Nothing that is here is replaced by anything else, so that
    /// a crash at any point does no harm and the call is made again.
    /// - Parameters:
    ///   - source: holds this log's first block as its last one: the caller has compared them, and the log's
    ///     peaks at it.
    ///   - size: of the log tree at that block.
    ///   - pause: called between portions; what it throws ends the call.
    /// - Throws: those of the disk, and what `pause` throws.
    package func fill(from source: LedgerStore, size: UInt64, pause: () throws -> Void) throws {
        let reader = source.overlay.snapshot()
        let leaves = Ledger.RowKey(table: LeafIndex.table, key: []).bytes
        // What the source has of later blocks these have to say themselves.
        try fill(.rows, from: reader, prefix: leaves, pause) { bigEndianNumber($0.value) < size }
        try fill(.history, from: reader, prefix: [], pause) { _ in true }
        let count = Int(LogTree.nodeCount(size: size))
        for position in stride(from: 0, to: count, by: LedgerStore.fillDigests) {
            let digests = try source.nodes.digests(
                from: position, limit: min(LedgerStore.fillDigests, count - position))
            try nodes.fill(digests, at: position)
            try pause()
        }
        try nodes.synchronize()
        try state.noteFilled()
        // A checkpoint under way would bring a reader from before.
        try checkpointing.withLock { _ in overlay.renewBase(try state.snapshot(width: LedgerStore.readers)) }
    }

    private func fill(
        _ table: StoreTable, from reader: LayeredReader, prefix: [UInt8], _ pause: () throws -> Void,
        where isWanted: (Row) -> Bool
    ) throws {
        var start: [UInt8]?
        while true {
            let rows = try reader.entries(
                from: start, prefix: prefix, limit: LedgerStore.fillRows, in: table)
            guard let last = rows.last else { return }
            let wanted = rows.filter(isWanted)
            try state.fill(wanted.map { RowChange(key: $0.key, value: $0.value) }, in: table)
            start = last.key + [0]
            try pause()
        }
    }
}

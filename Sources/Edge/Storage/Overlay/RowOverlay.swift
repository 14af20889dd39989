import Ledger
import Synchronization

/// The rows of final blocks that no checkpoint holds yet, over the last checkpoint.
///
/// Who does what:
/// * The execution thread calls `apply` once a final block, and `freeze` now and then. It reads through
///   a `snapshot` for each event.
/// * A background thread takes `oldestFrozen`, writes it to LMDB and calls `replaceOldestFrozen`.
/// * Any thread takes a `snapshot`: a few references, under the lock. It is at a block's end, for `apply`
///   adds a block's rows to its own copy of the growing layer, which takes the old one's place when it is
///   done. A long-lived snapshot never stops the execution thread and never changes under its reader.
///
/// The lock is only ever held for a moment: no row is read or written under it.
package final class RowOverlay: Sendable {
    private struct Layers: Sendable {
        var current = RowLayer(isLarge: true)
        /// Newest first.
        var frozen: [RowLayer] = []
        var base: RowReader

        var reader: LayeredReader { LayeredReader(layers: [current] + frozen, base: base) }
    }

    private let layers: Mutex<Layers>

    package init(base: RowReader) {
        FreedMemory.keep()
        layers = Mutex(Layers(base: base))
    }

    /// A consistent view at the last applied block.
    package func snapshot() -> LayeredReader { layers.withLock { $0.reader } }

    /// The last block that was applied or lies in the checkpoint.
    package var height: UInt64? {
        layers.withLock { $0.current.height ?? $0.frozen.first?.height ?? $0.base.height }
    }

    /// Rows in the growing layer: what a checkpoint would write.
    package var count: Int { layers.withLock { $0.current.count } }

    /// Frozen layers that still wait for their checkpoint. Where this grows, the disk is slower than the
    /// ledger.
    package var frozenCount: Int { layers.withLock { $0.frozen.count } }

    /// The value of a key at the last applied block; nil where there is none.
    package func value(
        forKey key: [UInt8], in table: StoreTable = .rows
    ) throws(StorageError) -> [UInt8]? {
        try snapshot().value(forKey: key, in: table)
    }

    /// Up to `limit` rows at the last applied block, in rising order of keys, from a key on, with the
    /// prefix.
    package func entries(
        from key: [UInt8]? = nil, prefix: [UInt8] = [], limit: Int, in table: StoreTable = .rows
    ) throws(StorageError) -> [Row] {
        try snapshot().entries(from: key, prefix: prefix, limit: limit, in: table)
    }

    /// Takes in a final block's changes, seen by readers all at once.
    ///
    /// - Parameters:
    ///   - changes: In the order in which they were made.
    ///   - nodeCount: Digests in the log tree's file up to this block.
    /// - Throws: `storage.key_size`, `storage.out_of_order` for a block that is not above the last;
    ///   nothing is changed then.
    package func apply(
        height: UInt64, changes: [(table: StoreTable, change: RowChange)], nodeCount: UInt64
    ) throws(StorageError) {
        for (table, change) in changes { try table.checkKey(change.key) }
        try apply(height: height, nodeCount: nodeCount) { layer in
            for (table, change) in changes { layer.set(change.key, to: change.value, in: table) }
        }
    }

    /// Takes in an executed block's rows and history, as the other does.
    package func apply(
        height: UInt64, rows: [Ledger.RowChange], history: [HistoryEntry], nodeCount: UInt64
    ) throws(StorageError) {
        for row in rows { try StoreTable.rows.checkKey(row.key.bytes) }
        for entry in history { try StoreTable.rows.checkKey(entry.key.bytes) }
        try apply(height: height, nodeCount: nodeCount) { layer in
            for row in rows { layer.set(row.key.bytes, to: row.value) }
            for entry in history {
                layer.set(
                    entry.key.bytes, after: (entry.change.height, entry.change.position),
                    to: entry.previous?.keyBytes ?? [])
            }
        }
    }

    private func apply(
        height: UInt64, nodeCount: UInt64, _ add: (inout RowLayer) -> Void
    ) throws(StorageError) {
        if let last = self.height, height <= last { throw .outOfOrder(height: height, next: last &+ 1) }
        var layer = layers.withLock { $0.current }
        add(&layer)
        layer.finish(height: height, nodeCount: nodeCount)
        layers.withLock { [layer] in $0.current = layer }
    }

    /// Sets the growing layer aside for a checkpoint and begins another; false where it holds no block.
    @discardableResult
    package func freeze() -> Bool {
        layers.withLock { layers in
            guard layers.current.height != nil else { return false }
            layers.frozen.insert(layers.current, at: 0)
            layers.current = RowLayer(isLarge: true)
            return true
        }
    }

    /// The layer that the next checkpoint writes.
    package var oldestFrozen: RowLayer? { layers.withLock { $0.frozen.last } }

    /// Goes on over a later reader of the same checkpoint, to which rows of older blocks were added.
    func renewBase(_ base: RowReader) {
        let old = layers.withLock { layers in
            precondition(base.height == layers.base.height, "the reader is of another checkpoint")
            defer { layers.base = base }
            return layers.base
        }
        withExtendedLifetime(old) {}
    }

    /// Drops the oldest frozen layer for a reader of the checkpoint that holds its rows.
    package func replaceOldestFrozen(by base: RowReader) {
        // The old ones are released after the lock is.
        let old = layers.withLock { layers in
            precondition(
                layers.frozen.last?.height == base.height, "the checkpoint is not of the oldest layer")
            let old = (layers.frozen.removeLast(), layers.base)
            layers.base = base
            return old
        }
        withExtendedLifetime(old) {}
    }
}

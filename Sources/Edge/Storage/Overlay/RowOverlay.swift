import Synchronization

/// The rows of final blocks that no checkpoint holds yet, over the last checkpoint.
///
/// Who does what:
/// * The execution thread calls `apply` once a final block, and `freeze` now and then. It reads through
///   `value` and `entries`.
/// * A background thread takes `oldestFrozen`, writes it to LMDB and calls `replaceOldestFrozen`.
/// * Any thread takes a `snapshot`: a few references, under the lock. It is at a block's end, for `apply`
///   holds the lock while it writes a whole block's rows. Layers are values: a row changed while a
///   snapshot is alive copies the small dictionary that it lies in, so a long-lived snapshot never stops
///   the execution thread and never changes under its reader.
///
/// LMDB is never read under the lock.
package final class RowOverlay: Sendable {
    private struct Layers: Sendable {
        var current = RowLayer(isLarge: true)
        /// Newest first.
        var frozen: [RowLayer] = []
        var base: RowReader

        var reader: LayeredReader { LayeredReader(layers: [current] + frozen, base: base) }
    }

    private let layers: Mutex<Layers>

    package init(base: RowReader) { layers = Mutex(Layers(base: base)) }

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
        try table.checkKey(key)
        let hashed = RowKey(key)
        let (found, base) = layers.withLock { layers -> ([UInt8]??, RowReader?) in
            if let value = layers.current.value(hashed, in: table) { return (value, nil) }
            for layer in layers.frozen {
                if let value = layer.value(hashed, in: table) { return (value, nil) }
            }
            return (nil, layers.base)
        }
        if let found { return found }
        return try base?.value(forKey: key, in: table)
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
        if let last = self.height, height <= last { throw .outOfOrder(height: height, next: last &+ 1) }
        let keys = changes.map { RowKey($0.change.key) }
        layers.withLock { layers in
            blackHole(layers.current.readAhead(keys, in: .rows))
            for (key, (table, change)) in zip(keys, changes) {
                layers.current.set(key, to: change.value, in: table)
            }
            layers.current.finish(height: height, nodeCount: nodeCount)
        }
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

/// Takes a number that nobody needs, so that the compiler does not leave out what it is made of.
@inline(never) @_optimize(none)
private func blackHole(_ number: Int) {}

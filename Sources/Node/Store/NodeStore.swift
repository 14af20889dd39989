import Codec
import Foundation
import Ledger
import Merkle
import Storage
import Synchronization

/// The edge's storage as the pipeline uses it: rows go to the overlay when a block is executed, the block to
/// the log, and rows to LMDB in the background, only once the log holds their blocks.
package final class NodeStore: PipelineStore {
    package let store: LedgerStore
    private let durable = Waterline()
    private let checkpoints = ThreadGroup()
    private let due = BoundedQueue<Void>(capacity: NodeStore.waitingLayers)
    private let failure: Mutex<(any Error)?> = Mutex(nil)
    private let blocksSinceFreeze = Mutex(0)
    private let options: LedgerNode.Options

    /// Layers that may wait before execution waits for the disk.
    static let waitingLayers = 6

    package init(_ store: LedgerStore, options: LedgerNode.Options = .init()) {
        (self.store, self.options) = (store, options)
        durable.raise(to: store.log.lastHeight ?? 0)
        checkpoints.start("checkpoint") { [self] in checkpointStage() }
    }

    package var working: any StateReader { OverlayState(overlay: store.overlay) }

    /// Stores block 0 in an empty store.
    static func found(_ store: LedgerStore, _ record: BlockRecord, _ block: ExecutedBlock) throws {
        try store.log.append([LogRecord(height: 0, payload: record.encoded)])
        try take(block, into: store)
    }

    private static func take(_ block: ExecutedBlock, into store: LedgerStore) throws {
        try store.nodes.append(block.logNodes)
        try store.overlay.apply(
            height: block.header.height, changes: NodeStore.rows(block.changes, block.history),
            nodeCount: LogTree.nodeCount(size: block.header.logSize))
    }

    package func apply(_ block: ExecutedBlock) throws {
        if let failure = failure.withLock({ $0 }) { throw failure }
        try NodeStore.take(block, into: store)
        let blocks = blocksSinceFreeze.withLock { count -> Int in
            count += 1
            return count
        }
        if store.overlay.count >= options.rowsPerCheckpoint || blocks >= options.blocksPerCheckpoint {
            freeze()
        }
    }

    private func freeze() {
        blocksSinceFreeze.withLock { $0 = 0 }
        if store.overlay.freeze() { due.push(()) }
    }

    package func append(_ records: [BlockRecord]) throws {
        try store.log.append(records.map { LogRecord(height: $0.header.height, payload: $0.encoded) })
        if let last = records.last { durable.raise(to: last.header.height) }
    }

    package func endOfRecords() { durable.close() }

    package func publicKey(_ key: KeyID) throws -> [UInt8]? {
        guard let stored = try store.overlay.value(forKey: KeyRecord.rowKey(key).bytes) else { return nil }
        return try StoredRow.record(KeyRecord.self, in: stored).publicKey.array
    }

    /// The rows at a height whose block is durable: what may be told to others.
    package func snapshot() throws -> LayeredReader {
        let snapshot = store.overlay.snapshot()
        guard durable.wait(for: snapshot.height ?? 0) else {
            throw NodeError("node.stopped", "the node stopped before its last block was durable")
        }
        return snapshot
    }

    /// Writes what is waiting to LMDB, and where many blocks would have to be replayed also the growing
    /// layer.
    package func close() throws {
        let behind = (store.overlay.height ?? 0) - ((try store.state.snapshot().height) ?? 0)
        if behind >= 64 { freeze() }
        due.close()
        durable.close()
        checkpoints.join()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func checkpointStage() {
        // Execution must not wait for a disk that takes no more.
        defer { due.close() }
        while !due.take(limit: 1).isEmpty {
            guard let layer = store.overlay.oldestFrozen, durable.wait(for: layer.height ?? 0) else { return }
            do { _ = try store.checkpoint() } catch {
                failure.withLock { $0 = error }
                return
            }
        }
    }

    /// A block's rows and history as the store's tables hold them.
    static func rows(
        _ changes: [Ledger.RowChange], _ history: [HistoryEntry]
    ) -> [(table: StoreTable, change: Storage.RowChange)] {
        var rows: [(table: StoreTable, change: Storage.RowChange)] = []
        rows.reserveCapacity(changes.count + history.count)
        for change in changes { rows.append((.rows, .init(key: change.key.bytes, value: change.value))) }
        for entry in history {
            let key = StoreTable.historyKey(
                height: entry.change.height, position: entry.change.position, row: entry.key.bytes)
            rows.append((.history, .init(key: key, value: entry.previous?.keyBytes ?? [])))
        }
        return rows
    }
}

/// The overlay as the core reads it: the state after every block that has been executed.
struct OverlayState: StateReader {
    let overlay: RowOverlay

    func value(for key: Ledger.RowKey) throws -> [UInt8]? { try overlay.value(forKey: key.bytes) }

    func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [Ledger.RowKey] {
        try overlay.entries(from: start, prefix: prefix, limit: limit).map { RowKey(bytes: $0.key) }
    }
}

/// A consistent snapshot as the core reads it.
package struct SnapshotState: StateReader, Sendable {
    package let reader: LayeredReader

    package init(_ reader: LayeredReader) { self.reader = reader }

    package func value(for key: Ledger.RowKey) throws -> [UInt8]? { try reader.value(forKey: key.bytes) }

    package func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [Ledger.RowKey] {
        try reader.entries(from: start, prefix: prefix, limit: limit).map { RowKey(bytes: $0.key) }
    }
}

/// A height that only rises, and that threads can wait for.
///
/// `@unchecked Sendable`: `height` and `isClosed` are read and written only under `condition`.
final class Waterline: @unchecked Sendable {
    private let condition = NSCondition()
    private var height: UInt64 = 0
    private var isClosed = false

    func raise(to height: UInt64) {
        condition.lock()
        defer { condition.unlock() }
        self.height = max(self.height, height)
        condition.broadcast()
    }

    /// Waits until the height is reached; false where it no longer will be.
    func wait(for height: UInt64) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while self.height < height && !isClosed { condition.wait() }
        return self.height >= height
    }

    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        condition.broadcast()
    }
}

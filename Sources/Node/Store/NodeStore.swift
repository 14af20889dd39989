import Codec
import Foundation
import Ledger
import Merkle
import Storage
import Synchronization

/// The edge's storage as the pipeline uses it: blocks go to the log when they are executed, rows to the
/// overlay when they are final, and to LMDB in the background, only once the log holds what makes them so.
package final class NodeStore: Sendable {
    package let store: LedgerStore
    let epochs: EpochChain
    private let durable = Waterline()
    private let checkpoints = ThreadGroup()
    private let due = BoundedQueue<Void>(capacity: NodeStore.waitingLayers)
    private let failure: Mutex<(any Error)?> = Mutex(nil)
    private let blocksSinceFreeze = Mutex(0)
    /// What `firstLeaf(usableAt:)` found last.
    let firstUsable: Mutex<(time: Timestamp, leaf: UInt64)?> = Mutex(nil)
    let options: LedgerNode.Options

    /// Layers that may wait before execution waits for the disk.
    static let waitingLayers = 6

    /// Held while blocks that become final together are taken in: a state between them has no certificate.
    private let taking = Mutex(())

    init(_ store: LedgerStore, epochs: EpochChain, options: LedgerNode.Options = .init()) {
        (self.store, self.epochs, self.options) = (store, epochs, options)
        durable.raise(to: store.overlay.height ?? 0)
        checkpoints.start("checkpoint") { [self] in checkpointStage() }
    }

    /// The rows after the last block that `apply` was given. It holds an LMDB reader: for one event.
    var working: any StateReader { SnapshotState(store.overlay.snapshot()) }

    /// Stores block 0 in an empty store.
    static func found(_ store: LedgerStore, _ record: BlockRecord, _ block: ExecutedBlock) throws {
        try store.log.append([NodeStore.record(.block(record), at: 0)])
        try take(block, into: store)
    }

    /// Takes a block's rows and leaves in.
    static func take(_ block: ExecutedBlock, into store: LedgerStore) throws {
        try store.nodes.append(block.logNodes)
        try store.overlay.apply(
            height: block.header.height, rows: block.changes, history: block.history,
            nodeCount: LogTree.nodeCount(size: block.header.logSize))
    }

    /// Takes the rows of blocks in that became final together, so that the next block sees them. Called on
    /// the replica's thread.
    func apply(_ blocks: [ExecutedBlock]) throws {
        if let failure = failure.withLock({ $0 }) { throw failure }
        try taking.withLock { _ in for block in blocks { try NodeStore.take(block, into: store) } }
        let count = blocksSinceFreeze.withLock { count -> Int in
            count += blocks.count
            return count
        }
        if store.overlay.count >= options.rowsPerCheckpoint || count >= options.blocksPerCheckpoint {
            freeze()
        }
    }

    private func freeze() {
        blocksSinceFreeze.withLock { $0 = 0 }
        if store.overlay.freeze() { due.push(()) }
    }

    /// Makes what a replica has written down durable, all with one sync. Called on the effects thread, in
    /// order.
    /// - Parameter height: of the replica's head, for records that have none.
    func append(_ items: [LogItem], at height: Height) throws {
        try store.log.append(items.map { NodeStore.record($0, at: height) })
    }

    static func record(_ item: LogItem, at height: Height) -> LogRecord {
        switch item {
        case .block(let record): LogRecord(height: record.header.height, payload: record.encoded)
        case .certificate(let certificate):
            LogRecord(kind: .certificate, height: certificate.height, payload: certificate.encoded)
        case .votes(let state): LogRecord(kind: .vote, height: height, payload: state.encoded)
        }
    }

    /// A final block, and all that makes it so, is durable.
    func noteFinal(_ height: Height) { durable.raise(to: height) }

    /// Nothing more will be appended: who waits for a block that is not durable waits in vain.
    func endOfRecords() { durable.close() }

    /// The last final height that may be told to others.
    var finalHeight: Height { durable.current }

    /// The block at a height of the log, final or not, with the signatures that came after it; nil where the
    /// log has none.
    /// - Throws: those of the log; `cbor.*`.
    func block(_ height: Height) throws -> BlockRecord? {
        guard let payload = try store.log.read(height) else { return nil }
        var record = try BlockRecord(decoding: payload)
        try NodeStore.merge(try store.log.certificate(at: height), into: &record)
        if record.header.kind == .epoch {
            record.commits = NodeStore.joined(record.commits, epochs.commits(of: record.header))
        }
        return record
    }

    /// Adds the signatures of a certificate record to the block's own.
    static func merge(_ payload: [UInt8]?, into record: inout BlockRecord) throws {
        guard let payload else { return }
        let certificate = try BlockCertificate(decoding: payload)
        record.votes = joined(record.votes, certificate.votes)
        record.commits = joined(record.commits, certificate.commits)
    }

    static func joined(_ own: [Attestation], _ others: [Attestation]) -> [Attestation] {
        own + others.filter { other in !own.contains { $0.key == other.key } }
    }

    /// A key of the final state, with that state's height. Called on any thread.
    func key(_ key: KeyID) throws -> (record: KeyRecord, height: Height?)? {
        let snapshot = store.overlay.snapshot()
        guard let stored = try snapshot.value(forKey: KeyRecord.rowKey(key).bytes) else { return nil }
        return (try StoredRow.record(KeyRecord.self, in: stored), snapshot.height)
    }

    /// Why a key of the final state signs nothing; nil where it signs, or is not there.
    func refusal(of key: KeyID, at time: Timestamp) throws -> Skip.Reason? {
        guard let record = try self.key(key)?.record else { return nil }
        // It is kept for a company that the board has not admitted, or for a device.
        if record.since == .max { return .unknownKey }
        return record.isInForce(at: time) ? nil : .keyEnded
    }

    /// When the first deadline of the final state is due.
    func firstDeadline() throws -> Timestamp? {
        let prefix = Ledger.RowKey(table: "timer", key: []).bytes
        guard let key = try store.overlay.entries(from: prefix, prefix: prefix, limit: 1).first?.key,
            // The key begins with the due time: see `TimerRow`.
            let due = Int64(exactly: bigEndianNumber(key.dropFirst(prefix.count).prefix(8)))
        else { return nil }
        return Timestamp(nanoseconds: due)
    }

    /// The rows at a height whose block is durable: what may be told to others.
    package func snapshot() throws -> LayeredReader {
        let snapshot = taking.withLock { _ in store.overlay.snapshot() }
        guard durable.wait(for: snapshot.height ?? 0) else {
            throw NodeError("node.stopped", "the node stopped before its last block was durable")
        }
        return snapshot
    }

    /// Writes what is waiting to LMDB, and where many blocks would have to be replayed also the growing
    /// layer.
    package func close() throws {
        do {
            // Whatever the disk says, the thread ends and lets go of the folder.
            defer {
                due.close()
                durable.close()
                checkpoints.join()
            }
            let behind = (store.overlay.height ?? 0) - ((try store.state.snapshot().height) ?? 0)
            if behind >= 64 { freeze() }
        }
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

/// A consistent snapshot as the core reads it.
package struct SnapshotState: StateReader, Sendable {
    package let reader: LayeredReader

    package init(_ reader: LayeredReader) { self.reader = reader }

    package func value(for key: Ledger.RowKey) throws -> [UInt8]? { try reader.value(forKey: key.bytes) }

    package func keys(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [Ledger.RowKey] {
        try reader.keys(from: start, prefix: prefix, limit: limit).map { RowKey(bytes: $0) }
    }

    package func rows(withPrefix prefix: [UInt8], from start: [UInt8], limit: Int) throws -> [StateRow] {
        try reader.entries(from: start, prefix: prefix, limit: limit).map {
            (RowKey(bytes: $0.key), $0.value)
        }
    }
}

/// A height that only rises, and that threads can wait for.
///
/// `@unchecked Sendable`: `height` and `isClosed` are read and written only under `condition`.
final class Waterline: @unchecked Sendable {
    private let condition = NSCondition()
    private var height: UInt64 = 0
    private var isClosed = false

    var current: UInt64 {
        condition.lock()
        defer { condition.unlock() }
        return height
    }

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

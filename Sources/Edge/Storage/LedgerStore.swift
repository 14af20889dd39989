import Codec
import Synchronization

/// A node's store in one folder, held by one process:
///
/// ```
/// lock                  taken for as long as the store is open; holds the process id
/// log/000000000001.seg  the truth: blocks and voting records
/// log/000000000001.idx  derived: the records of a segment that is full
/// log/first             where the log begins, once segments were pruned
/// log/history/          blocks below the log's first one that were fetched later, as a log
/// state/data.mdb        the state at the last checkpoint
/// nodes                 derived: the log tree's digests
/// incomplete            there while a backup or a snapshot is written into the folder
/// ```
///
/// After opening, the blocks above `state.snapshot().height` are to be replayed from `log` into `overlay`
/// and `nodes`.
package final class LedgerStore: Sendable {
    package struct Options: Sendable {
        package var log = BlockLog.Options()
        package var state = CheckpointStore.Options()

        package init() {}
    }

    package let log: BlockLog
    package let state: CheckpointStore
    package let nodes: NodeFile
    package let overlay: RowOverlay
    /// Whether the digests that the checkpoint counts on are there; if not, the caller fills them again
    /// from the whole log.
    package let nodesAreWhole: Bool
    /// Taken while a checkpoint is written and its reader takes the last one's place.
    let checkpointing = Mutex<Void>(())
    private let lock: OpenFile
    let folder: String
    /// In a folder that is being written and cannot be opened.
    static let incompleteName = "incomplete"
    /// Threads that read the last checkpoint at once: execution, and those who look keys up for it.
    static let readers = 4

    /// Opens or makes the store.
    /// - Throws: `storage.locked`, `storage.incomplete`, `storage.log_behind_state`,
    ///   `storage.log_above_state`, and those of the log and the state.
    package init(
        opening folder: String, chain: Digest, options: Options = Options(),
        files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        self.folder = folder
        try files.createFolder(folder)
        try files.synchronizeFolder(folder + "/..")
        lock = try LedgerStore.lock(folder + "/lock", files)
        guard try !files.names(in: folder).contains(LedgerStore.incompleteName) else {
            throw .incomplete(path: folder)
        }
        log = try BlockLog(opening: folder + "/log", chain: chain, options: options.log, files: files)
        state = try CheckpointStore(
            opening: folder + "/state", chain: chain, options: options.state, files: files)
        let base = try state.snapshot(width: LedgerStore.readers)
        if let height = base.height, log.lastHeight.map({ $0 < height }) ?? true {
            throw .logBehindState(lastHeight: log.lastHeight, stateHeight: height)
        }
        if let first = log.firstHeight {
            // Without a state the log has to hold its first block, whatever its height.
            let isReplayable =
                if let height = base.height {
                    first <= height + 1
                } else {
                    first == 0 || log.firstSegment == 1
                }
            guard isReplayable else {
                throw .logAboveState(firstHeight: first, stateHeight: base.height)
            }
        }
        overlay = RowOverlay(base: base)
        nodes = try NodeFile(opening: folder + "/nodes", files: files)
        // What a crash left above was never synchronised.
        let count = Int(try base.nodeCount)
        try nodes.truncate(to: count)
        nodesAreWhole = nodes.count == count
        try files.synchronizeFolder(folder)
    }

    /// Whether a folder holds a store that was written to its end.
    package static func isWhole(_ folder: String, files: any FileSystem = POSIXFileSystem()) -> Bool {
        guard let names = try? files.names(in: folder) else { return false }
        return names.contains("state") && names.contains("log") && !names.contains(incompleteName)
    }

    static func lock(_ path: String, _ files: any FileSystem) throws(StorageError) -> OpenFile {
        let file = try files.open(path, .write)
        guard try files.lock(file) else {
            let text = String(decoding: try files.bytes(of: file, at: 0, count: 20), as: UTF8.self)
            throw .locked(path: path, pid: Int32(text.prefix { $0.isNumber }))
        }
        try files.truncate(file, to: 0)
        try files.write(Array("\(processIdentifier())\n".utf8), to: file, at: 0)
        return file
    }

    /// Writes the oldest frozen layer of the overlay to LMDB; false where there is none.
    ///
    /// For one background thread. After a failure the layer is still there, and the call may be made again.
    package func checkpoint() throws(StorageError) -> Bool {
        try checkpointing.withLock { (_) throws(StorageError) in
            guard let checkpoint = overlay.oldestFrozen?.checkpoint else { return false }
            try nodes.synchronize()
            // A commit whose outcome was not learnt, because the reader after it failed, is not made twice.
            if try state.snapshot().height != checkpoint.height { try state.write(checkpoint) }
            overlay.replaceOldestFrozen(by: try state.snapshot(width: LedgerStore.readers))
            return true
        }
    }

    /// Gives back the disk space of blocks below a height, in whole segments, and says how many of these
    /// went. `log.firstHeight` tells what is left.
    ///
    /// Rows stay, and so does the node file: inclusion and consistency of every leaf can still be proven,
    /// though a pruned block's leaves themselves cannot be served, and a lost node file can no longer be made
    /// from the log.
    /// - Throws: `storage.prune_too_high` for a height above the last checkpoint's, from which a restart
    ///   begins.
    package func prune(below height: UInt64) throws(StorageError) -> Int {
        let stateHeight = try state.snapshot().height
        guard let stateHeight, height <= stateHeight else {
            throw .pruneTooHigh(height: height, stateHeight: stateHeight)
        }
        return try log.prune(below: height)
    }
}

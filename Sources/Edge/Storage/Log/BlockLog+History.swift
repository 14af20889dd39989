/// Blocks below a log's first one that were fetched later: a log of its own in the folder `history` between
/// the segments, which ends at that first block or directly below it, and is never appended to.
///
/// Where both hold a block, the fetched one counts: of the block that a snapshot begins with the log has
/// neither the rows nor the history. Pruning takes the older one first.
extension BlockLog {
    static let historyName = "history"
    /// What is on its way out, and goes when the log is opened.
    private static let removedName = "history.removed"

    private var historyFolder: String { folder + "/" + BlockLog.historyName }

    /// What a log of older blocks holds at a height; nil where there is no such log, or it ends below.
    func older<T>(
        _ height: UInt64, _ read: (BlockLog) throws(StorageError) -> T?
    ) throws(StorageError) -> T? {
        while let log = history.withLock({ $0 }), let last = log.lastHeight, height <= last {
            do throws(StorageError) { return try read(log) } catch {
                // It may have been removed since.
                guard history.withLock({ $0 }) !== log else { throw error }
            }
        }
        return nil
    }

    /// The log of older blocks in its place; nil where there is none.
    /// - Throws: `storage.damaged` where it has lost its end: nothing but a disk takes that away.
    func openHistory() throws(StorageError) -> BlockLog? {
        try removeHistory(BlockLog.removedName)
        guard try files.names(in: folder).contains(BlockLog.historyName) else { return nil }
        let log = try BlockLog(opening: historyFolder, chain: chain, options: options, files: files)
        guard reaches(log) else {
            throw .damaged(
                segment: log.acknowledgedEnd?.number ?? log.firstSegment, offset: 0,
                height: (log.lastHeight ?? 0) + 1)
        }
        return log
    }

    /// Whether a log of older blocks leaves no gap below this one.
    private func reaches(_ log: BlockLog) -> Bool {
        guard let last = log.lastHeight, let first = log.firstHeight, let own = ownFirstHeight else {
            return false
        }
        return first < own && last + 1 >= own
    }

    /// Takes the blocks in that another store's log on the same disk holds, in one step. A crash leaves the
    /// blocks here or there; of older ones that were here before, which are among them, it may leave none.
    /// The caller has compared them with this log's first block, and nobody has the other store open.
    /// - Throws: `storage.out_of_order` where they do not reach up to this log's first block.
    package func takeHistory(from store: String) throws(StorageError) {
        try maintenance.withLock { (_) throws(StorageError) in
            let source = store + "/log"
            let found = try BlockLog(opening: source, chain: chain, options: options, files: files)
            guard reaches(found) else {
                throw .outOfOrder(height: ownFirstHeight ?? 0, next: (found.lastHeight ?? 0) + 1)
            }
            try setHistoryAside()
            try files.rename(source, to: historyFolder)
            try files.synchronizeFolder(folder)
            try files.synchronizeFolder(store)
            let log = try openHistory()
            history.withLock { $0 = log }
        }
    }

    /// Removes all blocks that were fetched later, and gives how many files they were in.
    func dropHistory() throws(StorageError) -> Int {
        guard let log = history.withLock({ $0 }) else { return 0 }
        let count = try LogFolder.segments(in: log.folder, files).count
        try setHistoryAside()
        return count
    }

    private func setHistoryAside() throws(StorageError) {
        if try files.names(in: folder).contains(BlockLog.historyName) {
            try files.rename(historyFolder, to: folder + "/" + BlockLog.removedName)
            try files.synchronizeFolder(folder)
        }
        history.withLock { $0 = nil }
        try removeHistory(BlockLog.removedName)
    }

    private func removeHistory(_ name: String) throws(StorageError) {
        guard try files.names(in: folder).contains(name) else { return }
        let path = folder + "/" + name
        for file in try files.names(in: path) { try files.remove(path + "/" + file) }
        try files.remove(path)
        try files.synchronizeFolder(folder)
    }
}

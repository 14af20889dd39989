/// What a backup holds.
package struct StoreBackup: Hashable, Sendable {
    /// The last block; nil without one.
    package let lastHeight: UInt64?
    /// The checkpoint's height; nil before the first.
    package let stateHeight: UInt64?
    /// Records that are damaged, here and so in the copy.
    package let damages: [LogDamage]
}

extension LedgerStore {
    /// Copies the store into an empty or new folder while it is in use. The copy is restored by opening it.
    ///
    /// It holds every record that was acknowledged before the call: the log up to an acknowledged end, taken
    /// after a compact copy of the state, which is therefore never ahead of it; the log tree's digests up to
    /// that state. Until the last byte is on the disk the folder is marked, and does not open. Keys are not
    /// in the store and so not in the copy: with the vote records of the log alone nobody can vote.
    ///
    /// Pruning waits meanwhile, and so do older blocks that were fetched: with them goes what the state has
    /// of them. The state's file grows by the pages that change during its copy.
    /// - Throws: `storage.not_empty`, those of the disk, and `storage.damaged` where the copied log does not
    ///   open.
    package func backup(to target: String) throws(StorageError) -> StoreBackup {
        let files = log.files
        try files.createFolder(target)
        guard try files.names(in: target).isEmpty else { throw .notEmpty(path: target) }
        try files.synchronizeFolder(target + "/..")
        try LedgerStore.mark(target, files)

        try log.maintenance.withLock { (_) throws(StorageError) in
            try self.state.copy(to: target + "/state")
            try log.copy(to: target + "/log")
        }
        // Opening the copies checks them.
        let state = try CheckpointStore(
            opening: target + "/state", chain: log.chain, options: state.options, files: files
        ).snapshot()
        let copy = try BlockLog(
            opening: target + "/log", chain: log.chain, options: log.options, files: files)
        let backup = StoreBackup(
            lastHeight: copy.lastHeight, stateHeight: state.height, damages: try copy.verifyAll())
        try nodes.copy(Int(try state.nodeCount), to: target + "/nodes")
        try LedgerStore.unmark(target, files)
        return backup
    }

    /// Marks a folder as not to be opened.
    package static func mark(_ folder: String, _ files: any FileSystem) throws(StorageError) {
        _ = try files.open(folder + "/" + incompleteName, .write)
        try files.synchronizeFolder(folder)
    }

    /// Takes the mark away, once all else is on the disk.
    static func unmark(_ folder: String, _ files: any FileSystem) throws(StorageError) {
        try files.synchronizeFolder(folder)
        try files.remove(folder + "/" + incompleteName)
        try files.synchronizeFolder(folder)
    }
}

extension CheckpointStore {
    /// Writes a compact copy of the last checkpoint into a folder that it makes.
    func copy(to folder: String) throws(StorageError) {
        try files.createFolder(folder)
        try environment.copy(to: folder)
        try files.synchronize(try files.open(folder + "/data.mdb", .write))
        try files.synchronizeFolder(folder)
    }
}

extension BlockLog {
    /// Copies all segments, the last one up to what is acknowledged, into a folder that it makes. The caller
    /// holds `maintenance`.
    func copy(to target: String) throws(StorageError) {
        try files.createFolder(target)
        try history.withLock { $0 }?.copy(to: target + "/" + BlockLog.historyName)
        if let end = acknowledgedEnd {
            for number in firstSegment...end.number {
                let source = try files.open(LogFolder.segmentPath(number, in: folder), .read)
                let count = number == end.number ? end.offset : try files.size(of: source)
                try files.copy(source, count: count, to: LogFolder.segmentPath(number, in: target))
            }
        }
        if firstSegment > 1 { try LogFolder.writeFirst(firstSegment, in: target, files) }
        try files.synchronizeFolder(target)
    }
}

extension NodeFile {
    /// Copies the first digests into a file that it makes.
    func copy(_ digests: Int, to path: String) throws(StorageError) {
        try files.copy(file, count: min(digests, count) * 32, to: path)
    }
}

extension FileSystem {
    /// Copies a file's first bytes into a file that it makes, and synchronises that.
    func copy(_ source: OpenFile, count: Int, to path: String) throws(StorageError) {
        let target = try open(path, .replace)
        var offset = 0
        while offset < count {
            let part = try bytes(of: source, at: offset, count: min(1 << 20, count - offset))
            guard !part.isEmpty else { throw .system(call: "pread", path: source.path, errno: 0) }
            try write(part, to: target, at: offset)
            offset += part.count
        }
        try synchronize(target)
    }
}

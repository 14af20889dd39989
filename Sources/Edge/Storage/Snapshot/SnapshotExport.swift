import Codec
import Ledger
import Merkle

/// A snapshot as files in a folder, to be served: `manifest`, and the chunks by number.
package struct SnapshotFolder: Sendable {
    private let path: String
    private let files: any FileSystem
    private static let manifestName = "manifest"

    package init(_ path: String, files: any FileSystem = POSIXFileSystem()) {
        (self.path, self.files) = (path, files)
    }

    private func chunkPath(_ index: Int) -> String { "\(path)/\(index).chunk" }

    /// The manifest's bytes; nil where no snapshot has been written to its end.
    package func manifest() throws(StorageError) -> [UInt8]? {
        guard try files.names(in: path).contains(SnapshotFolder.manifestName) else { return nil }
        return try bytes(path + "/" + SnapshotFolder.manifestName)
    }

    /// A chunk's bytes; nil where the folder has none. Whoever fetches it compares the digest.
    package func chunk(_ index: Int) throws(StorageError) -> [UInt8]? {
        guard index >= 0, try files.names(in: path).contains("\(index).chunk") else { return nil }
        return try bytes(chunkPath(index))
    }

    private func bytes(_ path: String) throws(StorageError) -> [UInt8] {
        let file = try files.open(path, .read)
        return try files.bytes(of: file, at: 0, count: try files.size(of: file))
    }

    /// Removes a snapshot, the manifest first, and makes the folder where there is none.
    func clear() throws(StorageError) {
        try files.createFolder(path)
        try files.remove(path + "/" + SnapshotFolder.manifestName)
        for name in try files.names(in: path) where name.hasSuffix(".chunk") || name.hasSuffix(".new") {
            try files.remove(path + "/" + name)
        }
        try files.synchronizeFolder(path)
    }

    func write(_ chunk: [UInt8], at index: Int) throws(StorageError) {
        let file = try files.open(chunkPath(index), .replace)
        try files.write(chunk, to: file, at: 0)
        try files.synchronize(file)
    }

    func finish(_ manifest: SnapshotManifest) throws(StorageError) {
        let path = self.path + "/" + SnapshotFolder.manifestName
        let file = try files.open(path + ".new", .replace)
        try files.write(manifest.encoded, to: file, at: 0)
        try files.synchronize(file)
        try files.synchronizeFolder(self.path)
        try files.rename(path + ".new", to: path)
        try files.synchronizeFolder(self.path)
    }
}

extension LedgerStore {
    /// Writes a snapshot of the last checkpoint into a folder, in place of the one that was there, while the
    /// store is in use.
    ///
    /// It holds the rows that the state root covers and the log's peaks: neither derived rows, which the
    /// importer makes anew, nor the history. Nodes with the same checkpoint write the same bytes, so that
    /// chunks may be fetched from several of them. One reader of LMDB is open for a pass over all rows, as
    /// long as a copy by LMDB itself would take; the state's file grows by the pages that change meanwhile.
    /// - Throws: `snapshot.no_checkpoint`, `snapshot.row_size`, and those of the store.
    package func exportSnapshot(to folder: String, hash: HashFunction) throws -> SnapshotManifest {
        let target = SnapshotFolder(folder, files: log.files)
        try target.clear()
        let reader = try state.snapshot()
        guard let height = reader.height, let record = try log.read(height) else {
            throw SnapshotError.noCheckpoint
        }
        let header = try BlockRecord.header(of: record)
        guard let frontier = try nodes.frontier(size: header.logSize) else { throw SnapshotError.otherLog }
        var manifest = SnapshotManifest(
            chain: log.chain, height: height, block: header.hashed(hash), rowCount: 0, frontier: frontier,
            chunks: [])
        var rows: [Row] = []
        var size = 0
        func flush() throws {
            let chunk = SnapshotChunk.encode(rows)
            try target.write(chunk, at: manifest.chunks.count)
            manifest.chunks.append(.init(digest: hash(chunk), byteCount: chunk.count))
            manifest.rowCount += UInt64(rows.count)
            (rows, size) = ([], 0)
        }
        try LayeredReader(layers: [], base: reader).forEachStateRow { key, value in
            let row = Row(key: key.bytes, value: value)
            let count = SnapshotChunk.size(of: row)
            guard SnapshotChunk.holds(count) else { throw SnapshotError.rowSize(count: count) }
            if !SnapshotChunk.holds(size + count) { try flush() }
            rows.append(row)
            size += count
        }
        if !rows.isEmpty { try flush() }
        try target.finish(manifest)
        return manifest
    }
}

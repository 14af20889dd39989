import Codec
import Ledger
import Merkle

/// Makes a store from a snapshot that peers have sent, of whom any may lie.
///
/// The folder is marked until the end: a crash or a false snapshot leaves one that does not open, and that
/// the next import clears. Nothing in it counts before `finish` has found that the rows, read back from the
/// disk, give the block's state root, and the peaks its log root. Derived rows are never taken from a peer:
/// they are made from the rows, by the contracts' own declarations.
///
/// For one thread.
package final class SnapshotImport {
    private let folder: String
    private let manifest: SnapshotManifest
    private let derived: DerivedRows
    private let hash: HashFunction
    private let options: LedgerStore.Options
    private let files: any FileSystem
    private let lock: OpenFile
    private let state: CheckpointStore
    private var lastKey: [UInt8] = []
    private var rowCount: UInt64 = 0
    /// The block that everything was found to be of.
    private var checked: BlockHeader?

    /// The chunk that `add` waits for; as many as the manifest has when all are in.
    package private(set) var nextChunk = 0
    package var isComplete: Bool { nextChunk == manifest.chunks.count }

    /// Begins in a folder that is new, empty, or left by an import that did not end.
    /// - Throws: `snapshot.other_ledger`, `storage.not_empty`, `storage.locked`, and those of the disk.
    package init(
        _ manifest: SnapshotManifest, into folder: String, chain: ChainID, derived: DerivedRows,
        hash: HashFunction, options: LedgerStore.Options = .init(), files: any FileSystem = POSIXFileSystem()
    ) throws {
        guard manifest.chain == chain else { throw SnapshotError.otherLedger }
        (self.folder, self.manifest, self.derived, self.hash) = (folder, manifest, derived, hash)
        (self.options, self.files) = (options, files)
        try files.createFolder(folder)
        try files.synchronizeFolder(folder + "/..")
        lock = try LedgerStore.lock(folder + "/lock", files)
        let names = try files.names(in: folder).filter { $0 != "lock" }
        if names.contains(LedgerStore.incompleteName) {
            try SnapshotImport.clear(folder, names, files)
        } else {
            guard names.isEmpty else { throw StorageError.notEmpty(path: folder) }
            try LedgerStore.mark(folder, files)
        }
        state = try CheckpointStore(
            opening: folder + "/state", chain: chain, options: options.state, files: files)
    }

    /// Removes what an import left; the mark stays.
    private static func clear(_ folder: String, _ names: [String], _ files: any FileSystem) throws {
        for name in names where name == "state" || name == "log" {
            for file in try files.names(in: "\(folder)/\(name)") {
                try files.remove("\(folder)/\(name)/\(file)")
            }
            try files.synchronizeFolder("\(folder)/\(name)")
        }
        try files.remove(folder + "/nodes")
        try files.synchronizeFolder(folder)
    }

    /// Takes the next chunk in, in one transaction.
    /// - Throws: `snapshot.other_chunk`, after which the right one may follow; `snapshot.malformed_chunk`,
    ///   `snapshot.wrong_key`, which no other bytes can mend; those of the disk.
    package func add(_ chunk: [UInt8]) throws {
        let index = nextChunk
        guard index < manifest.chunks.count else { throw SnapshotError.otherChunk(index) }
        let expected = manifest.chunks[index]
        guard chunk.count == expected.byteCount, hash(chunk) == expected.digest else {
            throw SnapshotError.otherChunk(index)
        }
        let rows: [Row]
        do throws(CodecError) { rows = try SnapshotChunk.rows(decoding: chunk) } catch {
            throw SnapshotError.malformedChunk(index, error.description)
        }
        var changes: [Storage.RowChange] = []
        var made: [(key: Ledger.RowKey, value: [UInt8])] = []
        var last = lastKey
        for row in rows {
            let key = Ledger.RowKey(bytes: row.key)
            guard KeyOrder.precedes(last, row.key), key.isStorable, !key.isDerived else {
                throw SnapshotError.wrongKey(chunk: index)
            }
            last = row.key
            changes.append(.init(key: row.key, value: row.value))
            do { made += try derived.rows(for: key, stored: row.value) } catch {
                throw SnapshotError.malformedChunk(index, "\(error)")
            }
        }
        guard made.allSatisfy(\.key.isStorable) else { throw SnapshotError.wrongKey(chunk: index) }
        changes += made.sorted { $0.key < $1.key }.map { .init(key: $0.key.bytes, value: $0.value) }
        try state.load(changes)
        lastKey = last
        rowCount += UInt64(rows.count)
        nextChunk += 1
    }

    /// Compares everything with the block, once all chunks are in.
    /// - Parameter header: Of a block that the caller knows to be final, by its certificate.
    /// - Throws: `snapshot.too_few`, `snapshot.other_block`, `snapshot.other_state`, `snapshot.other_log`,
    ///   and those of the store.
    package func check(_ header: BlockHeader) throws {
        if checked == header { return }
        guard isComplete, rowCount == manifest.rowCount else {
            throw SnapshotError.tooFew(
                chunks: manifest.chunks.count - nextChunk, rows: manifest.rowCount &- rowCount)
        }
        guard header.height == manifest.height, header.chain == manifest.chain,
            header.hashed(hash) == manifest.block
        else { throw SnapshotError.otherBlock }
        guard manifest.frontier.size == header.logSize, manifest.frontier.root(hash: hash) == header.logRoot
        else { throw SnapshotError.otherLog }
        let reader = LayeredReader(layers: [], base: try state.snapshot())
        guard try StateTree(rowsOf: reader, hash: hash).root == header.stateRoot else {
            throw SnapshotError.otherState
        }
        checked = header
    }

    /// Compares everything with the block and makes the folder a store, which can then be opened.
    ///
    /// - Parameters:
    ///   - header: Of a block that the caller knows to be final, by its certificate.
    ///   - records: What the log begins with: the record of that block, then its certificate and this
    ///     validator's own voting record where there are such.
    /// - Throws: `snapshot.too_few`, `snapshot.other_block`, `snapshot.other_state`, `snapshot.other_log`,
    ///   and those of the store. The folder is then as after a crash.
    package func finish(_ header: BlockHeader, records: [LogRecord]) throws {
        try check(header)
        guard let first = records.first, first.kind == .block, first.height == header.height,
            try BlockRecord.header(of: first.payload) == header
        else { throw SnapshotError.otherBlock }
        let log = try BlockLog(
            opening: folder + "/log", chain: manifest.chain, options: options.log, files: files)
        if header.height > 0 { try log.beginAgain(at: header.height) }
        try log.append(records)
        try NodeFile(opening: folder + "/nodes", files: files).begin(at: manifest.frontier)
        try state.begin(at: header.height, manifest.frontier)
        try LedgerStore.unmark(folder, files)
    }
}

extension StateTree {
    /// The tree over all rows that a reader sees, derived ones left out.
    package init(rowsOf reader: LayeredReader, hash: HashFunction) throws {
        var pairs: [(key: Digest, value: Digest)] = []
        try reader.forEachStateRow { key, value in
            pairs.append((Executor.treeKey(key, hash: hash), Executor.treeValue(value, hash: hash)))
        }
        pairs.sort { $0.key < $1.key }
        self.init(building: pairs, hash: hash)
    }
}

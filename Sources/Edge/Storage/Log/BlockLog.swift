import Codec
import Synchronization

/// The truth: an append-only log of blocks and voting records in segment files.
///
/// One thread appends; any thread reads at the same time. `append` returns when the disk has the records.
/// After a write or a synchronisation has failed nothing is known about the disk's pages (the kernel may
/// have dropped them and marked them clean), so nothing more is appended until the log is opened again.
/// Opening checks the whole last segment, cuts a torn tail, and writes the last group once more, so that
/// what is read back is also on the disk.
package final class BlockLog: Sendable {
    package struct Options: Sendable {
        /// A segment that would grow beyond this is followed by another.
        package var segmentBytes = 64 << 20
        /// Room is reserved this far ahead, which halves the time of a synchronisation on ext4.
        package var preallocationBytes = 8 << 20
        /// The longest payload.
        package var recordBytes = 64 << 20

        package init() {}
    }

    let folder: String
    let chain: Digest
    let options: Options
    let files: any FileSystem
    let writer: Mutex<LogWriter>
    let index: Mutex<LogIndex>
    /// The blocks below this log's own first one, where they were fetched later.
    let history = Mutex<BlockLog?>(nil)
    private let openSegments = Mutex<[UInt64: OpenFile]>([:])
    /// Taken by what needs all segments to stay for a while, and by what removes some.
    let maintenance = Mutex<Void>(())

    /// Opens the log in a folder, which is made where there is none.
    /// - Throws: `storage.damaged` naming the place where acknowledged bytes are wrong,
    ///   `storage.wrong_chain`,
    ///   `storage.missing_segment`, `storage.unsupported_format`, and those of the disk.
    package init(
        opening folder: String, chain: Digest, options: Options = Options(),
        files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        (self.folder, self.chain, self.options, self.files) = (folder, chain, options, files)
        let opened = try LogOpening(folder: folder, chain: chain, files: files).run()
        writer = Mutex(opened.writer)
        index = Mutex(opened.index)
        let history = try openHistory()
        self.history.withLock { $0 = history }
    }

    /// The last block's height; nil in an empty log.
    package var lastHeight: UInt64? { index.withLock { $0.lastHeight } }

    /// The first height that can be read; nil in an empty log.
    package var firstHeight: UInt64? { history.withLock { $0 }?.firstHeight ?? ownFirstHeight }

    /// The first height in this log's own segments: what was fetched later lies in `history`.
    package var ownFirstHeight: UInt64? { index.withLock { $0.firstHeight } }

    /// Writes records in one go and returns when the disk has them all.
    ///
    /// A block at a height that the log holds undoes the blocks from there on, and their certificates;
    /// otherwise it is the next one. A certificate is of a block that the log holds. A crash before the
    /// return keeps the first few of the records, or none.
    /// - Throws: `storage.failed` after an earlier failure; `storage.out_of_order`, `storage.record_size`,
    ///   which leave the log usable; those of the disk, which do not.
    package func append(_ records: [LogRecord]) throws(StorageError) {
        guard !records.isEmpty else { return }
        try writer.withLock { (writer) throws(StorageError) in try append(records, with: &writer) }
    }

    func append(_ records: [LogRecord], with writer: inout LogWriter) throws(StorageError) {
        try writer.checkUsable()
        let (first, next) = index.withLock { ($0.firstHeight, $0.nextHeight) }
        try check(records, first: first, next: next)
        do throws(StorageError) {
            let firstBlock = records.first { $0.kind == .block }
            let height = next ?? firstBlock?.height ?? SegmentHeader.unknownHeight
            let locations = try writer.append(records, nextHeight: height, to: self)
            try index.withLock { (index) throws(StorageError) in
                for (record, location) in zip(records, locations) {
                    try index.add(record.kind, height: record.height, at: location)
                }
            }
        } catch {
            writer.failure = "\(error)"
            throw error
        }
    }

    /// Begins a new segment whose first block has this height, leaving a gap above the last one: after a
    /// snapshot was taken from a peer, and before its state is written. Blocks below are kept on the disk
    /// and no longer found by height.
    /// - Throws: `storage.out_of_order` where there would be no gap; otherwise as `append`.
    package func beginAgain(at height: UInt64) throws(StorageError) {
        try writer.withLock { (writer) throws(StorageError) in
            try writer.checkUsable()
            let next = index.withLock { $0.nextHeight } ?? 0
            guard height > next, height < .max else { throw .outOfOrder(height: height, next: next) }
            do throws(StorageError) {
                try writer.roll(nextHeight: height, in: self)
            } catch {
                writer.failure = "\(error)"
                throw error
            }
            index.withLock { $0.begin(at: height) }
        }
    }

    private func check(_ records: [LogRecord], first: UInt64?, next: UInt64?) throws(StorageError) {
        var (first, next) = (first, next)
        var total = 0
        for record in records {
            guard record.payload.count > 0, record.payload.count <= options.recordBytes else {
                throw .recordSize(count: record.payload.count, limit: options.recordBytes)
            }
            total += RecordFrame.count + record.payload.count
            let expected = next ?? record.height
            let lowest = first ?? record.height
            switch record.kind {
            case .block:
                guard record.height >= lowest, record.height <= expected, record.height < .max else {
                    throw .outOfOrder(height: record.height, next: expected)
                }
                (first, next) = (lowest, record.height + 1)
            case .certificate:
                guard record.height >= lowest, record.height < expected else {
                    throw .outOfOrder(height: record.height, next: expected)
                }
            default: break
            }
        }
        // Offsets and the distance to the group's first record are 32-bit.
        let limit = Int(UInt32.max) - options.segmentBytes
        guard total <= limit else { throw .recordSize(count: total, limit: limit) }
    }

    /// The block at a height; nil where the log has none, above the last or below the first that was not
    /// pruned.
    /// - Throws: `storage.damaged` where it is not what was written.
    package func read(_ height: UInt64) throws(StorageError) -> [UInt8]? {
        let older = try older(height) { (log) throws(StorageError) in try log.read(height) }
        if let older { return older }
        return try record(expecting: height) { $0.block(at: height) }?.payload
    }

    /// The certificate that was written last for the block at a height; nil where the log has none.
    /// - Throws: `storage.damaged` where it is not what was written: another may be appended.
    package func certificate(at height: UInt64) throws(StorageError) -> [UInt8]? {
        if let own = try record(expecting: height, { $0.certificate(at: height) }) { return own.payload }
        return try older(height) { (log) throws(StorageError) in try log.certificate(at: height) }
    }

    /// The last record of a kind; nil where the log has none.
    package func latest(_ kind: LogRecord.Kind) throws(StorageError) -> LogRecord? {
        try record(expecting: nil) { $0.latest(kind) }
    }

    /// The blocks from a height on, read as they are asked for.
    package func records(from height: UInt64) -> LogCursor { LogCursor(log: self, height: height) }

    private func record(
        expecting height: UInt64?, _ find: (LogIndex) -> RecordLocation?
    ) throws(StorageError) -> LogRecord? {
        while let location = index.withLock({ find($0) }) {
            do throws(StorageError) { return try record(at: location, expecting: height) } catch {
                // Its segment may have been pruned since.
                guard index.withLock({ find($0) }) != location else { throw error }
            }
        }
        return nil
    }

    func record(
        at location: RecordLocation, expecting height: UInt64?
    ) throws(StorageError) -> LogRecord {
        let (number, offset) = (UInt64(location.segment), Int(location.offset))
        let (file, header) = try segment(number)
        let count = RecordFrame.count + Int(location.count)
        let bytes = try files.bytes(of: file, at: offset, count: count)
        let frame = bytes.withUnsafeBytes { RecordFrame(reading: $0, at: offset, seed: header.seed) }
        guard bytes.count == count, let frame, frame.payloadCount == location.count,
            height == nil || frame.height == height,
            bytes.withUnsafeBytes({
                CRC32C.extend(0, with: UnsafeRawBufferPointer(rebasing: $0[RecordFrame.count...]))
            }) == frame.payloadChecksum
        else { throw .damaged(segment: number, offset: offset, height: height ?? frame?.height ?? 0) }
        return LogRecord(
            kind: frame.kind, height: frame.height, payload: Array(bytes[RecordFrame.count...]))
    }

    /// Closes the files of segments before this one.
    func closeSegments(below first: UInt64) {
        openSegments.withLock { open in open = open.filter { $0.key >= first } }
    }

    /// A segment open for reading and its header. A few files stay open.
    func segment(_ number: UInt64) throws(StorageError) -> (OpenFile, SegmentHeader) {
        let file: OpenFile
        if let open = openSegments.withLock({ $0[number] }) {
            file = open
        } else {
            let opened = try files.open(LogFolder.segmentPath(number, in: folder), .read)
            openSegments.withLock {
                if $0.count >= 32, let lowest = $0.keys.min() { $0[lowest] = nil }
                $0[number] = opened
            }
            file = opened
        }
        let bytes = try files.bytes(of: file, at: 0, count: SegmentHeader.count)
        return (file, try SegmentHeader(decoding: bytes, number: number, path: file.path))
    }

    /// The last segment's number and the end of its acknowledged bytes; nil in an empty log.
    var acknowledgedEnd: (number: UInt64, offset: Int)? {
        writer.withLock { writer in writer.current.map { ($0.header.number, $0.end) } }
    }

    /// The number of the first segment; those before it were pruned.
    var firstSegment: UInt64 { writer.withLock { $0.first } }
}

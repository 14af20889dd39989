extension BlockLog {
    /// Every record that the disk holds from the first one at or above a height on, in the order in which
    /// they were written, up to what is acknowledged now. Blocks that were undone are among them, so that a
    /// node finds those of another branch that it had stored; so are all votes and certificates.
    ///
    /// It begins with the whole group in which that first record was written. Segments that are pruned while
    /// it reads are missed with an error.
    package func tail(fromHeight height: UInt64) -> LogTail {
        // The end first: what is appended in between lies beyond it.
        let end = acknowledgedEnd
        let first = index.withLock { $0.tops.first { $0.record >= height }.map { UInt64($0.number) } }
        return LogTail(log: self, height: height, first: first, end: end)
    }
}

/// Reads the records of the log's end one after the other. Holds one segment open, and no more of it in
/// memory than a megabyte or the longest record.
package struct LogTail {
    private let log: BlockLog
    private let height: UInt64
    private let end: (number: UInt64, offset: Int)?
    /// The segment to go on with.
    private var number: UInt64?
    private var scan: SegmentScan?
    private var hasBegun = false

    init(log: BlockLog, height: UInt64, first: UInt64?, end: (number: UInt64, offset: Int)?) {
        (self.log, self.height, self.end, number) = (log, height, end, first)
    }

    /// The next record; nil behind the last.
    /// - Throws: `storage.damaged`, and those of the disk.
    package mutating func next() throws(StorageError) -> LogRecord? {
        while var scan = try segment() {
            if !hasBegun {
                try skip(&scan)
                hasBegun = true
            }
            guard scan.end < scan.size else {
                number = scan.header.number + 1
                self.scan = nil
                continue
            }
            let offset = scan.end
            let frame = try scan.frame(at: offset)
            guard let frame, let (_, payload) = try scan.nextRecord() else {
                throw .damaged(
                    segment: scan.header.number, offset: offset, height: frame?.height ?? height)
            }
            self.scan = scan
            return LogRecord(kind: frame.kind, height: frame.height, payload: payload)
        }
        return nil
    }

    /// Passes over what lies before the group of the first record at or above the height.
    private func skip(_ scan: inout SegmentScan) throws(StorageError) {
        while scan.end < scan.size {
            let offset = scan.end
            guard let (frame, _) = try scan.nextFrame() else {
                throw .damaged(segment: scan.header.number, offset: offset, height: height)
            }
            if frame.height >= height { return scan.resume(at: offset - Int(frame.back)) }
        }
    }

    private mutating func segment() throws(StorageError) -> SegmentScan? {
        if let scan { return scan }
        guard let number, let end, number <= end.number else { return nil }
        let (file, header) = try log.segment(number)
        let size = number == end.number ? end.offset : try log.files.size(of: file)
        let scan = SegmentScan(header, file: file, size: size, files: log.files)
        self.scan = scan
        return scan
    }
}

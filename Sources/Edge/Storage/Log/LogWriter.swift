/// The end of the log: the segment that grows.
struct LogWriter: Sendable {
    struct Current: Sendable {
        let header: SegmentHeader
        let file: OpenFile
        /// Where the next record goes.
        var end: Int
        /// Up to where room is reserved.
        var reserved: Int
        /// The frames of all records so far, for the segment's index file.
        var frames: [UInt8]
    }

    /// Nil in an empty log.
    var current: Current?
    /// The number of the first segment; those before it were pruned.
    var first: UInt64
    /// The first failure since the log was opened.
    var failure: String?
    private var buffer: [UInt8] = []

    init(current: Current?, first: UInt64) { (self.current, self.first) = (current, first) }

    func checkUsable() throws(StorageError) {
        if let failure { throw .failed(cause: failure) }
    }

    /// Writes the records in one group and synchronises it.
    mutating func append(
        _ records: [LogRecord], nextHeight: UInt64, to log: BlockLog
    ) throws(StorageError) -> [RecordLocation] {
        let total = records.reduce(0) { $0 + RecordFrame.count + $1.payload.count }
        if let current {
            let isFull = current.end + total > log.options.segmentBytes
            if isFull && current.end > SegmentHeader.count { try roll(nextHeight: nextHeight, in: log) }
        } else {
            try roll(nextHeight: nextHeight, in: log)
        }
        guard var segment = current else { preconditionFailure("rolling leaves a current segment") }

        buffer.removeAll(keepingCapacity: true)
        buffer.reserveCapacity(total)
        var locations: [RecordLocation] = []
        for record in records {
            let frame = RecordFrame(record, back: buffer.count)
            let offset = segment.end + buffer.count
            locations.append(
                RecordLocation(
                    segment: UInt32(segment.header.number), offset: UInt32(offset),
                    count: frame.payloadCount, back: frame.back))
            frame.append(to: &buffer, at: offset, seed: segment.header.seed)
            segment.frames.append(contentsOf: buffer.suffix(RecordFrame.count))
            buffer.append(contentsOf: record.payload)
        }
        if segment.end + total > segment.reserved {
            let count = max(total, log.options.preallocationBytes)
            _ = try log.files.preallocate(segment.file, at: segment.end, count: count)
            segment.reserved = segment.end + count
        }
        try log.files.write(buffer, to: segment.file, at: segment.end)
        try log.files.synchronize(segment.file)
        segment.end += total
        current = segment
        return locations
    }

    /// Seals the current segment and begins the next one.
    mutating func roll(nextHeight: UInt64, in log: BlockLog) throws(StorageError) {
        let files = log.files
        if let current {
            // Gives back the room that was reserved and not used.
            try files.truncate(current.file, to: current.end)
            try LogFolder.writeIndex(current.frames, number: current.header.number, in: log.folder, files)
        }
        let number = (current?.header.number ?? 0) + 1
        let header = SegmentHeader(
            chain: log.chain, number: number, firstHeight: nextHeight,
            salt: UInt64.random(in: .min ... .max))
        // Under its own name only when whole, so that a damaged header always means damage.
        let path = LogFolder.segmentPath(number, in: log.folder)
        let unfinished = try files.open(path + LogFolder.unfinished, .replace)
        try files.write(header.encoded, to: unfinished, at: 0)
        try files.synchronize(unfinished)
        try files.rename(path + LogFolder.unfinished, to: path)
        try files.synchronizeFolder(log.folder)
        current = Current(
            header: header, file: try files.open(path, .write), end: SegmentHeader.count, reserved: 0,
            frames: [])
    }
}

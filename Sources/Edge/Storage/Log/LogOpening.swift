import Codec

/// Opening a log: every header, an index of all records, the last segment in full.
struct LogOpening {
    let folder: String
    let chain: Digest
    let files: any FileSystem
    private var index = LogIndex()

    init(folder: String, chain: Digest, files: any FileSystem) {
        (self.folder, self.chain, self.files) = (folder, chain, files)
    }

    consuming func run() throws(StorageError) -> (writer: LogWriter, index: LogIndex) {
        try files.createFolder(folder)
        try files.synchronizeFolder(folder + "/..")
        for name in try files.names(in: folder) where name.hasSuffix(LogFolder.unfinished) {
            try files.remove(folder + "/" + name)
        }
        let first = try LogFolder.firstSegment(in: folder, files)
        index = LogIndex(isPruned: first > 1)
        // What a crash left of the last pruning.
        try LogFolder.removeSegments(below: first, in: folder, files)
        let numbers = try LogFolder.segments(in: folder, files)
        for (position, number) in numbers.enumerated() where number != first + UInt64(position) {
            throw .missingSegment(first + UInt64(position))
        }
        for number in numbers.dropLast() { try addSealed(number) }
        guard let last = numbers.last else {
            guard first == 1 else { throw .missingSegment(first) }
            return (LogWriter(current: nil, first: first), index)
        }
        let current = try openLast(last)
        return (LogWriter(current: current, first: first), index)
    }

    private func header(_ number: UInt64, of file: OpenFile) throws(StorageError) -> SegmentHeader {
        let bytes = try files.bytes(of: file, at: 0, count: SegmentHeader.count)
        let header = try SegmentHeader(decoding: bytes, number: number, path: file.path)
        guard header.chain == chain else { throw .wrongChain(path: file.path) }
        return header
    }

    private mutating func addSealed(_ number: UInt64) throws(StorageError) {
        let file = try files.open(LogFolder.segmentPath(number, in: folder), .read)
        let header = try header(number, of: file)
        let size = try files.size(of: file)
        index.begin(at: header.firstHeight)
        if let frames = try indexFile(header, size: size) {
            for (frame, offset) in frames { try add(frame, at: offset, in: number) }
            return
        }
        var scan = SegmentScan(header, file: file, size: size, files: files)
        var bytes: [UInt8] = []
        while let (frame, offset) = try scan.nextFrame() {
            try add(frame, at: offset, in: number)
            frame.append(to: &bytes, at: offset, seed: header.seed)
        }
        guard scan.end == size else { throw damage(number, scan.end) }
        try LogFolder.writeIndex(bytes, number: number, in: folder, files)
    }

    /// The frames in a segment's index file; nil where it is missing or not of this segment.
    private func indexFile(
        _ header: SegmentHeader, size: Int
    ) throws(StorageError) -> [(RecordFrame, Int)]? {
        let file = try files.open(LogFolder.indexPath(header.number, in: folder), .write)
        let bytes = try files.bytes(of: file, at: 0, count: try files.size(of: file))
        guard bytes.count % RecordFrame.count == 0 else { return nil }
        let seed = header.seed
        var frames: [(RecordFrame, Int)] = []
        frames.reserveCapacity(bytes.count / RecordFrame.count)
        var offset = SegmentHeader.count
        let isWhole = bytes.withUnsafeBytes { buffer in
            for start in stride(from: 0, to: buffer.count, by: RecordFrame.count) {
                let part = UnsafeRawBufferPointer(rebasing: buffer[start..<start + RecordFrame.count])
                guard let frame = RecordFrame(reading: part, at: offset, seed: seed) else { return false }
                frames.append((frame, offset))
                offset += frame.stride
            }
            return true
        }
        return isWhole && offset == size ? frames : nil
    }

    private mutating func openLast(_ number: UInt64) throws(StorageError) -> LogWriter.Current {
        let file = try files.open(LogFolder.segmentPath(number, in: folder), .write)
        let header = try header(number, of: file)
        let size = try files.size(of: file)
        index.begin(at: header.firstHeight)
        var scan = SegmentScan(header, file: file, size: size, files: files)
        var frames: [UInt8] = []
        while let (frame, offset) = try scan.next() {
            try add(frame, at: offset, in: number)
            frame.append(to: &frames, at: offset, seed: header.seed)
        }
        let end = scan.end
        if end < size {
            guard try scan.frame(above: end, ofLaterGroup: true) == nil else { throw damage(number, end) }
            try files.truncate(file, to: end)
        }
        try settle(file, from: scan.groupStart, to: end)
        return LogWriter.Current(header: header, file: file, end: end, reserved: end, frames: frames)
    }

    /// Writes the last group again and synchronises it and the folder: after a failed synchronisation, or
    /// a kill before one, the kernel may hold bytes as clean that the disk does not have.
    private func settle(_ file: OpenFile, from start: Int, to end: Int) throws(StorageError) {
        let bytes = try files.bytes(of: file, at: start, count: end - start)
        try files.write(bytes, to: file, at: start)
        try files.synchronize(file)
        try files.synchronizeFolder(folder)
    }

    private mutating func add(
        _ frame: RecordFrame, at offset: Int, in number: UInt64
    ) throws(StorageError) {
        let location = RecordLocation(
            segment: UInt32(number), offset: UInt32(offset), count: frame.payloadCount, back: frame.back)
        try index.add(frame.kind, height: frame.height, at: location)
    }

    private func damage(_ number: UInt64, _ offset: Int) -> StorageError {
        .damaged(segment: number, offset: offset, height: index.nextHeight ?? 0)
    }
}

/// A window over a segment file, so that many small records cost few reads.
struct SegmentWindow {
    private static let windowCount = 1 << 20

    private let files: any FileSystem
    private let file: OpenFile
    let size: Int
    private var start = 0
    private var window: [UInt8] = []

    init(_ file: OpenFile, size: Int, files: any FileSystem) {
        (self.file, self.size, self.files) = (file, size, files)
    }

    /// Hands the bytes at an offset to the body, fewer than `count` at the end of the segment.
    mutating func read<T>(
        at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> T
    ) throws(StorageError) -> T {
        let count = max(0, min(count, size - offset))
        if offset < start || offset + count > start + window.count {
            let ahead = min(max(count, SegmentWindow.windowCount), size - offset)
            window = try files.bytes(of: file, at: offset, count: max(0, ahead))
            start = offset
        }
        let low = offset - start
        let high = min(low + count, window.count)
        return window.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[low..<high])) }
    }
}

/// Reads a segment's records one after the other and says where they stop being whole.
struct SegmentScan {
    let header: SegmentHeader
    private let seed: UInt32
    private var window: SegmentWindow
    /// The end of the last whole record.
    private(set) var end = SegmentHeader.count
    /// The first byte of the last group of records that were written together.
    private(set) var groupStart = SegmentHeader.count

    init(_ header: SegmentHeader, file: OpenFile, size: Int, files: any FileSystem) {
        self.header = header
        seed = header.seed
        window = SegmentWindow(file, size: size, files: files)
    }

    var size: Int { window.size }

    /// The frame at an offset if its own checksum holds and its payload fits.
    mutating func frame(at offset: Int) throws(StorageError) -> RecordFrame? {
        let seed = self.seed
        let frame = try window.read(at: offset, count: RecordFrame.count) {
            RecordFrame(reading: $0, at: offset, seed: seed)
        }
        guard let frame, frame.stride <= size - offset else { return nil }
        return frame
    }

    /// Whether the payload behind a frame is what was written.
    mutating func payloadIsWhole(_ frame: RecordFrame, at offset: Int) throws(StorageError) -> Bool {
        try window.read(at: offset + RecordFrame.count, count: Int(frame.payloadCount)) {
            $0.count == Int(frame.payloadCount) && CRC32C.extend(0, with: $0) == frame.payloadChecksum
        }
    }

    /// The next whole record's frame and offset; nil where none follows directly.
    mutating func next() throws(StorageError) -> (frame: RecordFrame, offset: Int)? {
        guard let frame = try frame(at: end), try payloadIsWhole(frame, at: end) else { return nil }
        return advance(over: frame)
    }

    /// As `next`, with the payload.
    mutating func nextRecord() throws(StorageError) -> (frame: RecordFrame, payload: [UInt8])? {
        guard let frame = try frame(at: end) else { return nil }
        let payload = try window.read(at: end + RecordFrame.count, count: Int(frame.payloadCount)) {
            CRC32C.extend(0, with: $0) == frame.payloadChecksum ? Array($0) : nil
        }
        guard let payload, payload.count == Int(frame.payloadCount) else { return nil }
        _ = advance(over: frame)
        return (frame, payload)
    }

    /// As `next`, without reading the payload.
    mutating func nextFrame() throws(StorageError) -> (frame: RecordFrame, offset: Int)? {
        guard let frame = try frame(at: end) else { return nil }
        return advance(over: frame)
    }

    private mutating func advance(over frame: RecordFrame) -> (frame: RecordFrame, offset: Int) {
        let offset = end
        groupStart = offset - Int(frame.back)
        end = offset + frame.stride
        return (frame, offset)
    }

    /// Goes on behind a damaged record.
    mutating func resume(at offset: Int) { end = offset }

    /// The first place above `offset` that holds a frame; with `ofLaterGroup`, one whose group also begins
    /// above it.
    ///
    /// A torn payload does not matter here: the frame of a later group was written only after everything
    /// before it had been synchronised.
    mutating func frame(
        above offset: Int, ofLaterGroup: Bool
    ) throws(StorageError) -> Int? {
        let seed = self.seed
        let chunk = 1 << 16
        var base = offset + 1
        while base <= size - RecordFrame.count {
            let start = base
            let found = try window.read(at: start, count: chunk + RecordFrame.count - 1) { buffer -> Int? in
                guard buffer.count >= RecordFrame.count else { return nil }
                for index in 0...buffer.count - RecordFrame.count {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[index...])
                    let place = start + index
                    guard let frame = RecordFrame(reading: rest, at: place, seed: seed) else { continue }
                    if !ofLaterGroup || place - Int(frame.back) > offset { return place }
                }
                return nil
            }
            if let found { return found }
            base += chunk
        }
        return nil
    }
}

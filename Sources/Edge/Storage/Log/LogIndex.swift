/// Where the log's blocks lie, by height: a pure value, built record by record.
struct LogIndex: Sendable {
    /// The height of the first block, once that is known.
    private(set) var firstHeight: UInt64?
    private var blocks: [RecordLocation] = []
    private var latest: [LogRecord.Kind: RecordLocation] = [:]

    /// The height that comes next; nil where any may.
    var nextHeight: UInt64? { firstHeight.map { $0 + UInt64(blocks.count) } }

    /// The last block's height; after a new beginning, the one before it.
    var lastHeight: UInt64? { nextHeight.flatMap { $0 == 0 ? nil : $0 - 1 } }

    func block(at height: UInt64) -> RecordLocation? {
        guard let firstHeight, height >= firstHeight, height - firstHeight < UInt64(blocks.count) else {
            return nil
        }
        return blocks[Int(height - firstHeight)]
    }

    func latest(_ kind: LogRecord.Kind) -> RecordLocation? { latest[kind] }

    /// A segment begins. One that begins above the next height is a new beginning: what lies below is not
    /// looked up again.
    mutating func begin(at height: UInt64) {
        if height == SegmentHeader.unknownHeight { return }
        guard let nextHeight, height <= nextHeight else {
            firstHeight = height
            blocks = []
            return
        }
    }

    /// - Throws: `storage.out_of_order` for a block below the first one or beyond the next.
    mutating func add(
        _ kind: LogRecord.Kind, height: UInt64, at location: RecordLocation
    ) throws(StorageError) {
        latest[kind] = location
        guard kind == .block else { return }
        let first = firstHeight ?? height
        guard height >= first, height - first <= UInt64(blocks.count), height < .max else {
            throw .outOfOrder(height: height, next: nextHeight ?? height)
        }
        firstHeight = first
        blocks.removeSubrange(Int(height - first)...)
        blocks.append(location)
    }
}

/// Where the log's blocks and certificates lie, by height: a pure value, built record by record.
struct LogIndex: Sendable {
    /// The highest records of a segment, undone ones included.
    struct SegmentTop: Hashable, Sendable {
        let number: UInt32
        var block: UInt64?
        var record: UInt64
    }

    /// The height of the first block, once that is known.
    private(set) var firstHeight: UInt64?
    private var blocks: [RecordLocation] = []
    /// As long as `blocks`.
    private var certificates: [RecordLocation?] = []
    private var latest: [LogRecord.Kind: RecordLocation] = [:]
    /// Of the segments that hold a record, in their order.
    private(set) var tops: [SegmentTop] = []
    /// Whether segments were pruned: an undone block that is still there may then lie above its successor.
    private let isPruned: Bool

    init(isPruned: Bool = false) { self.isPruned = isPruned }

    /// The height that comes next; nil where any may.
    var nextHeight: UInt64? { firstHeight.map { $0 + UInt64(blocks.count) } }

    /// The last block's height; after a new beginning, the one before it.
    var lastHeight: UInt64? { nextHeight.flatMap { $0 == 0 ? nil : $0 - 1 } }

    private func position(_ height: UInt64) -> Int? {
        guard let firstHeight, height >= firstHeight, height - firstHeight < UInt64(blocks.count) else {
            return nil
        }
        return Int(height - firstHeight)
    }

    func block(at height: UInt64) -> RecordLocation? { position(height).map { blocks[$0] } }

    func certificate(at height: UInt64) -> RecordLocation? { position(height).flatMap { certificates[$0] } }

    func latest(_ kind: LogRecord.Kind) -> RecordLocation? { latest[kind] }

    /// A segment begins. One that begins above the next height is a new beginning: what lies below is not
    /// looked up again.
    mutating func begin(at height: UInt64) {
        if height == SegmentHeader.unknownHeight { return }
        guard let nextHeight, height <= nextHeight else { return restart(at: height) }
    }

    private mutating func restart(at height: UInt64) {
        firstHeight = height
        blocks = []
        certificates = []
    }

    /// - Throws: `storage.out_of_order` for a block below the first one or beyond the next, or a certificate
    ///   beyond the last block.
    mutating func add(
        _ kind: LogRecord.Kind, height: UInt64, at location: RecordLocation
    ) throws(StorageError) {
        latest[kind] = location
        noteTop(kind, height, location.segment)
        switch kind {
        case .block: try addBlock(height, location)
        case .certificate:
            if let position = position(height) {
                certificates[position] = location
            } else if firstHeight.map({ height >= $0 }) ?? true {
                throw .outOfOrder(height: height, next: nextHeight ?? height)
            }
        default: break
        }
    }

    /// The first segment that must stay where the blocks below a height go. All before it hold none at or
    /// above the height, nor the last block.
    func firstSegment(keeping height: UInt64, last: UInt32) -> UInt32 {
        let ofLastBlock = blocks.last?.segment ?? last
        let holding = tops.first { $0.block.map { $0 >= height } ?? false }?.number ?? last
        return min(ofLastBlock, holding)
    }

    /// Forgets what lies in segments below this one. A kept block's certificate lies behind it and stays.
    mutating func drop(below segment: UInt32) {
        let count = blocks.prefix { $0.segment < segment }.count
        blocks.removeFirst(count)
        certificates.removeFirst(count)
        firstHeight = firstHeight.map { $0 + UInt64(count) }
        latest = latest.filter { $0.value.segment >= segment }
        tops.removeAll { $0.number < segment }
    }

    private mutating func noteTop(_ kind: LogRecord.Kind, _ height: UInt64, _ segment: UInt32) {
        if tops.last?.number != segment {
            tops.append(SegmentTop(number: segment, block: nil, record: height))
        }
        let last = tops.count - 1
        tops[last].record = max(tops[last].record, height)
        if kind == .block { tops[last].block = max(tops[last].block ?? 0, height) }
    }

    private mutating func addBlock(_ height: UInt64, _ location: RecordLocation) throws(StorageError) {
        if isPruned, let firstHeight, height < firstHeight { restart(at: height) }
        let first = firstHeight ?? height
        guard height >= first, height - first <= UInt64(blocks.count), height < .max else {
            throw .outOfOrder(height: height, next: nextHeight ?? height)
        }
        firstHeight = first
        let position = Int(height - first)
        blocks.removeSubrange(position...)
        certificates.removeSubrange(position...)
        blocks.append(location)
        certificates.append(nil)
    }
}

import Codec

/// Mends a log that no node has open: the only way where the damage lies in the last segment, which opening
/// reads in full.
///
/// A damaged segment is written anew, with blocks that the caller has fetched and verified, and takes the old
/// one's place under its name; the old one stays as `NNNNNNNNNNNN.seg.damaged` until somebody removes it. A
/// crash leaves the old or the new one.
package struct LogRepair {
    package struct Outcome: Hashable, Sendable {
        /// What could not be mended; its segments are untouched.
        package internal(set) var remaining: [LogDamage] = []
        /// Blocks that were put in.
        package internal(set) var blocks: [UInt64] = []
        /// Whether the latest vote may have lain in bytes that could not be read. The validator must then
        /// not vote as if it remembered: it observes until it has a new voting key.
        package internal(set) var mayHaveForgotten = false
    }

    /// The log's, after that of older blocks where some were fetched.
    private let folders: [String]
    private let chain: Digest
    private let files: any FileSystem
    private let lock: OpenFile

    /// - Parameter store: The folder of a `LedgerStore`, which is locked for as long as this lives.
    /// - Throws: `storage.locked`, and those of the disk.
    package init(
        of store: String, chain: Digest, files: any FileSystem = POSIXFileSystem()
    ) throws(StorageError) {
        (self.chain, self.files) = (chain, files)
        lock = try LedgerStore.lock(store + "/lock", files)
        let log = store + "/log"
        let older = try files.names(in: log).contains(BlockLog.historyName)
        folders = (older ? [log + "/" + BlockLog.historyName] : []) + [log]
    }

    /// Every record that is not what was written, in all segments. A torn tail, which opening cuts, is not
    /// damage.
    /// - Throws: `storage.damaged` for a segment's header, which no block can mend.
    package func damages() throws(StorageError) -> [LogDamage] {
        var all: [LogDamage] = []
        for folder in folders {
            let numbers = try LogFolder.segments(in: folder, files)
            var damages: [LogDamage] = []
            for number in numbers {
                var scan = try scan(number, in: folder)
                try scan.findDamage(into: &damages, isLast: number == numbers.last)
            }
            for index in damages.indices { damages[index].isFetched = folder != folders.last }
            all += damages
        }
        return all
    }

    /// Mends every segment for all of whose damage there are blocks.
    ///
    /// - Parameter fetch: The record of the block at a height, of any length, verified; nil where nobody has
    ///   it.
    /// - Throws: `storage.damaged` for a segment's header; what `fetch` throws; those of the disk.
    package func repair(_ fetch: (_ height: UInt64) throws -> [UInt8]?) throws -> Outcome {
        var outcome = Outcome()
        for folder in folders {
            // No vote is among blocks that were fetched.
            outcome.mayHaveForgotten = false
            try repair(folder, &outcome, fetch)
        }
        return outcome
    }

    private func repair(
        _ folder: String, _ outcome: inout Outcome, _ fetch: (UInt64) throws -> [UInt8]?
    ) throws {
        let numbers = try LogFolder.segments(in: folder, files)
        for number in numbers {
            var damages: [LogDamage] = []
            var check = try scan(number, in: folder)
            try check.findDamage(into: &damages, isLast: number == numbers.last)
            guard !damages.isEmpty else {
                try noteVotes(try scan(number, in: folder), &outcome)
                continue
            }
            let following = number == numbers.last ? nil : try scan(number + 1, in: folder).header.firstHeight
            var mending = try SegmentMending(
                try scan(number, in: folder), isLast: number == numbers.last, following: following,
                path: LogFolder.segmentPath(number, in: folder), files: files, outcome)
            if try mending.run(fetch) {
                try finish(number, in: folder)
                outcome = mending.outcome
            } else {
                for index in damages.indices { damages[index].isFetched = folder != folders.last }
                outcome.remaining += damages
            }
        }
    }

    private func scan(_ number: UInt64, in folder: String) throws(StorageError) -> SegmentScan {
        let file = try files.open(LogFolder.segmentPath(number, in: folder), .read)
        let bytes = try files.bytes(of: file, at: 0, count: SegmentHeader.count)
        let header = try SegmentHeader(decoding: bytes, number: number, path: file.path)
        guard header.chain == chain else { throw .wrongChain(path: file.path) }
        return SegmentScan(header, file: file, size: try files.size(of: file), files: files)
    }

    private func noteVotes(_ scan: SegmentScan, _ outcome: inout Outcome) throws(StorageError) {
        guard outcome.mayHaveForgotten else { return }
        var scan = scan
        while let (frame, _) = try scan.nextFrame() {
            if frame.kind == .vote { outcome.mayHaveForgotten = false }
        }
    }

    /// Puts what was written anew in the segment's place.
    private func finish(_ number: UInt64, in folder: String) throws(StorageError) {
        let path = LogFolder.segmentPath(number, in: folder)
        let old = try files.open(path, .read)
        try files.copy(old, count: try files.size(of: old), to: path + ".damaged")
        try files.remove(LogFolder.indexPath(number, in: folder))
        try files.synchronizeFolder(folder)
        try files.rename(path + LogFolder.unfinished, to: path)
        try files.synchronizeFolder(folder)
    }
}

/// Writes one segment anew, record by record.
private struct SegmentMending {
    private var scan: SegmentScan
    private let isLast: Bool
    private let following: UInt64?
    private let files: any FileSystem
    private let target: OpenFile
    private var end = SegmentHeader.count
    private var groupStart = SegmentHeader.count
    /// The height of the next block that was not undone.
    private var next: UInt64
    private(set) var outcome: LogRepair.Outcome

    init(
        _ scan: SegmentScan, isLast: Bool, following: UInt64?, path: String, files: any FileSystem,
        _ outcome: LogRepair.Outcome
    ) throws(StorageError) {
        (self.scan, self.isLast, self.following, self.files) = (scan, isLast, following, files)
        self.outcome = outcome
        next = scan.header.firstHeight
        target = try files.open(path + LogFolder.unfinished, .replace)
        try files.write(scan.header.encoded, to: target, at: 0)
    }

    /// Whether everything could be mended.
    mutating func run(_ fetch: (UInt64) throws -> [UInt8]?) throws -> Bool {
        while scan.end < scan.size {
            let offset = scan.end
            let frame = try scan.frame(at: offset)
            if let frame, let (_, payload) = try scan.nextRecord() {
                try put(
                    LogRecord(kind: frame.kind, height: frame.height, payload: payload),
                    beginsGroup: frame.back == 0)
                continue
            }
            // Opening cuts a torn tail.
            if isLast, try scan.frame(above: offset, ofLaterGroup: true) == nil { break }
            let resume: Int
            let heights: Range<UInt64>
            if let frame {
                guard frame.kind == .block else { return false }
                resume = offset + frame.stride
                heights = frame.height..<frame.height + 1
            } else {
                resume = try scan.frame(above: offset, ofLaterGroup: false) ?? scan.size
                let end = try nextBlock(from: resume) ?? following ?? next &+ 1
                // Nothing but votes and certificates, which nobody else can bring back.
                guard next < end else { return false }
                heights = next..<end
                outcome.mayHaveForgotten = true
            }
            for height in heights {
                guard let payload = try fetch(height) else { return false }
                try put(
                    LogRecord(height: height, payload: payload),
                    beginsGroup: frame.map { $0.back == 0 } ?? true)
                outcome.blocks.append(height)
            }
            scan.resume(at: resume)
        }
        try files.synchronize(target)
        return true
    }

    /// The height of the first block whose frame is whole from an offset on.
    private func nextBlock(from offset: Int) throws(StorageError) -> UInt64? {
        var ahead = scan
        ahead.resume(at: offset)
        while let (frame, _) = try ahead.nextFrame() {
            if frame.kind == .block { return frame.height }
        }
        return nil
    }

    private mutating func put(_ record: LogRecord, beginsGroup: Bool) throws(StorageError) {
        if beginsGroup { groupStart = end }
        var bytes: [UInt8] = []
        RecordFrame(record, back: end - groupStart).append(to: &bytes, at: end, seed: scan.header.seed)
        bytes += record.payload
        try files.write(bytes, to: target, at: end)
        end += bytes.count
        if record.kind == .block { next = record.height + 1 }
        if record.kind == .vote { outcome.mayHaveForgotten = false }
    }
}
